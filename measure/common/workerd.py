"""Runs one Worker on its own workerd, without wrangler, so that CPU time is the Worker's alone."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evenkeel.dev import checkout
from evenkeel.dev.runtime import free_port
from measure.common.peers import Place, Running
from measure.common.process import Started

STATE_NAME = "LB_STATE"
STATE = """\
durableObjectNamespaces = [(className = {kind}, uniqueKey = "bench", enableSql = true)],
  durableObjectStorage = (inMemory = void),
"""

CONFIG = """\
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  v8Flags = [{v8_flags}],
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:{port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [{modules}],
  bindings = [{bindings}],
  compatibilityDate = {date},
  compatibilityFlags = [{flags}],
  {state}
);
"""

# File suffix -> kind of module.
KINDS = {".mjs": "esModule", ".py": "pythonModule", ".json": "json", ".toml": "text"}


@dataclass(frozen=True, slots=True)
class Worker:
    """A Worker's files by module name; the first is its entry."""

    files: Mapping[str, str]
    python: bool
    variables: Mapping[str, str] = field(default_factory=dict)
    state: str = ""
    """The class of its Durable Object, "" if it has none."""

    def start(self, place: Place) -> Running:
        """Start it on a workerd of its own."""
        folder, port = place.new_folder(), free_port()
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        config = folder / "worker.capnp"
        config.write_text(self._config(port, place.heap))
        options = checkout.workerd_options() if self.python else []
        command: list[str | Path] = [
            checkout.workerd(),
            "serve",
            config,
            "--experimental",
            *options,
        ]
        return Running(port, Started(place.family, command, folder))

    def _config(self, port: int, heap: int = 0) -> str:
        wrangler = tomllib.loads(checkout.WRANGLER_CONFIG.read_text())
        flags = [*wrangler["compatibility_flags"], *checkout.LOCAL_FLAGS] if self.python else []
        return CONFIG.format(
            port=port,
            v8_flags=_quoted(f"--max-heap-size={heap}") if heap else "",
            modules=", ".join(self._module(name) for name in self.files),
            bindings=", ".join(self._bindings()),
            state=STATE.format(kind=_quoted(self.state)) if self.state else "",
            date=_quoted(str(wrangler["compatibility_date"])),
            flags=", ".join(_quoted(flag) for flag in flags),
        )

    def _bindings(self) -> Iterator[str]:
        for name, value in self.variables.items():
            yield f"(name = {_quoted(name)}, text = {_quoted(value)})"
        if self.state:
            yield f"(name = {_quoted(STATE_NAME)}, durableObjectNamespace = {_quoted(self.state)})"

    def _module(self, name: str) -> str:
        kind = KINDS[Path(name).suffix]
        if self.python and kind == "json":
            kind = "data"  # a file for Python
        return f"(name = {_quoted(name)}, {kind} = embed {_quoted(name)})"


def _quoted(text: str) -> str:
    return json.dumps(text)


def origin_urls(ports: Sequence[int]) -> list[str]:
    """The URLs of the origins."""
    return [f"http://127.0.0.1:{port}" for port in ports]
