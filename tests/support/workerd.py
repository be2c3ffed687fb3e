"""The Worker on workerd alone, with the test in the place of Cloudflare's edge.

There is nothing between the test and the Worker: the Worker receives exactly what is sent, with the
Host, the CF-Connecting-IP and the scheme of the test's choice, and the runtime is a single known
process.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

import snapshot
from evenkeel.dev import checkout
from support.client import Answer, send

START_SECONDS = 60.0
CONFIG_NAME = "loadbalancer.toml"
HTTPS = ("X-Forwarded-Proto", "https")
"""The header of a client's HTTPS scheme; the edge removes it, as Cloudflare's does."""
CF = "X-Cf"
"""The header that carries `request.cf` as JSON; the edge removes it."""

CONFIG = """\
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (
      allow = ["public", "private"], tlsOptions = (trustedCertificates = [{trusted}]),
    )),{disk}
  ],
  sockets = [(
    name = "http", address = "127.0.0.1:{port}", service = "main",
    http = (forwardedProtoHeader = "X-Forwarded-Proto", cfBlobHeader = "{blob}"),
  )],
);
const worker :Workerd.Worker = (
  modules = [{modules}],
  bindings = [{bindings}],{storage}
  compatibilityDate = {date},
  compatibilityFlags = [{flags}],
);
"""
STATE = """
  durableObjectNamespaces = [(className = "State", uniqueKey = "state", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),"""
DISK = """
    (name = "disk", disk = (path = "{path}", writable = true)),"""
STATE_BINDING = '(name = "LB_STATE", durableObjectNamespace = "State")'


@dataclass(slots=True)
class Workerd:
    """A running Worker."""

    port: int
    process: subprocess.Popen[bytes]
    written: Path
    """The output file; anything written before a response is in it after the response."""
    forgotten: int = 0
    """Number of bytes of output to skip."""
    ended: bytes | None = None
    """The whole output, after the process has ended and the file is deleted."""

    @property
    def output(self) -> list[str]:
        """The whole lines of the output."""
        written = self.written.read_bytes() if self.ended is None else self.ended
        return lines_of(written[self.forgotten :])

    def forget(self) -> None:
        """Skip the output so far."""
        self.forgotten = self.written.stat().st_size

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether the process is running."""
        return self.process.poll() is None

    @property
    def memory(self) -> int:
        """Memory of the runtime, in bytes."""
        return int(psutil.Process(self.pid).memory_info().rss)

    @property
    def log(self) -> list[dict[str, Any]]:
        """The log: the output's lines of JSON."""
        return [json.loads(line) for line in self.output if line.startswith("{")]

    def events(self, name: str, **fields: object) -> list[dict[str, Any]]:
        """The log's events with this name and these fields."""
        found = (line for line in self.log if line["event"] == name)
        return [line for line in found if line.items() >= fields.items()]

    def get(self, target: str = "/", *fields: tuple[str, str], **options: Any) -> Answer:
        """Send a GET."""
        return self.send("GET", target, *fields, **options)

    def send(self, method: str, target: str, *fields: tuple[str, str], **options: Any) -> Answer:
        """Send a request on a separate connection (see support.client.send)."""
        return send(self.port, method, target, *fields, **options)


@contextmanager
def workerd(  # noqa: PLR0913 (what a test may want to be different)
    config: str = "",
    variables: Mapping[str, str] | None = None,
    *,
    port: int = 0,
    options: Sequence[str] | None = None,
    trusted: str = "",
    state: bool = False,
) -> Iterator[Workerd]:
    """Serve a configuration, or variables, during the block.

    `options` are workerd's own, in place of those that make it start from the usual snapshot.
    `trusted` is the certificate (PEM) that signs those of TLS origins. With `state` there is a
    Durable Object, whose storage ends with the process.
    """
    with tempfile.TemporaryDirectory(dir=checkout.CACHE) as folder:
        path = stage(Path(folder), config, variables or {}, port, trusted, state=state)
        written = Path(folder) / "output"
        reading, writing = os.pipe()
        with written.open("wb") as output:
            process = subprocess.Popen(
                [
                    *(checkout.workerd(), "serve", path, "--experimental"),
                    *(checkout.workerd_options() if options is None else options),
                    f"--control-fd={writing}",
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                pass_fds=[writing],
            )
        os.close(writing)
        worker = Workerd(port, process, written)
        try:
            worker.port = snapshot.listening_port(
                reading, process, time.monotonic() + START_SECONDS
            )
            yield worker
        except snapshot.SmokeError as error:
            raise snapshot.SmokeError("\n".join([str(error), *worker.output])) from error
        finally:
            os.close(reading)
            process.kill()
            process.wait()
            worker.ended = written.read_bytes()


def stage(  # noqa: PLR0913 (all that a Worker is made of)
    folder: Path,
    config: str,
    variables: Mapping[str, str],
    port: int,
    trusted: str = "",
    *,
    state: bool = False,
) -> Path:
    """Write the files that workerd reads; return the path of its configuration."""
    (folder / CONFIG_NAME).write_text(config)
    (folder / "src").symlink_to(checkout.SOURCE)
    wrangler = tomllib.loads(checkout.WRANGLER_CONFIG.read_text())
    flags = [*wrangler["compatibility_flags"], *checkout.LOCAL_FLAGS]
    bindings = [
        f"(name = {json.dumps(name)}, text = {json.dumps(value)})"
        for name, value in variables.items()
    ]
    disk = folder / "disk"
    disk.mkdir()
    path = folder / "worker.capnp"
    path.write_text(
        CONFIG.format(
            port=port,
            blob=CF,
            trusted=json.dumps(trusted) if trusted else "",
            modules=", ".join(modules()),
            bindings=", ".join([*bindings, *([STATE_BINDING] if state else [])]),
            storage=STATE if state else "",
            disk=DISK.format(path=disk) if state else "",
            date=json.dumps(str(wrangler["compatibility_date"])),
            flags=", ".join(json.dumps(flag) for flag in flags),
        )
    )
    return path


def modules() -> list[str]:
    """The modules of the Worker, the main module first, as workerd requires."""
    sources = sorted(checkout.SOURCE.rglob("*.py"), key=lambda path: path.name != "entry.py")
    names = [path.relative_to(checkout.SOURCE).as_posix() for path in sources]
    found = [f'(name = "{name}", pythonModule = embed "src/{name}")' for name in names]
    found += [
        f'(name = "{name}", text = embed "src/{name}")'
        for name in (path.relative_to(checkout.SOURCE) for path in checkout.SOURCE.rglob("*.html"))
    ]
    return [*found, f'(name = "{CONFIG_NAME}", text = embed "{CONFIG_NAME}")']


def lines_of(written: bytes) -> list[str]:
    """The whole lines of an output."""
    *lines, _ = written.decode(errors="replace").split("\n")
    return lines
