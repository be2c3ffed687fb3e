"""The folder of a local run: a copy of the Worker, with another configuration if one is given."""

import fcntl
import json
import os
import shlex
import shutil
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from evenkeel.dev import checkout
from evenkeel.dev.errors import LocalRunError

CONFIG_NAME = "loadbalancer.toml"
# Set in every local run, and nowhere else.
DEV_VARIABLE = "EVENKEEL_DEV"
LOCK_NAME = "in-use"
DEV_SECRETS = ".dev.vars"
"""File of secrets for local runs, beside wrangler.toml."""

WORKERD_WRAPPER = """\
#!/bin/sh
# Starts the runtime with options for which wrangler has no setting.
exec {workerd} "$@" {options}
"""


def without_origins(variables: Mapping[str, object]) -> dict[str, object]:
    """The variables without those that replace the configuration file."""
    return {
        name: value
        for name, value in variables.items()
        if name != "ORIGINS" and not name.startswith("BACKEND_")
    }


def quoted_secret(name: str, value: str) -> str:
    """One line of a .dev.vars file; within ' or ` no character is special."""
    for quote in "'`":
        if quote not in value and "\n" not in value:
            return f"{name}={quote}{value}{quote}\n"
    raise LocalRunError(f"{name} has a line break, or both quotes ' and `.")


def is_abandoned(folder: Path) -> bool:
    """Whether the run of this folder has ended."""
    try:
        with (folder / LOCK_NAME).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # no lock yet: a run is just starting
        return False
    return True


def dev_secrets(file: Path, secrets: Mapping[str, str]) -> list[str]:
    """Lines of a .dev.vars file: those of `file`, as with `wrangler dev`, and these secrets.

    Of two lines with one name, the later one counts.
    """
    own = [file.read_text("utf-8") + "\n"] if file.is_file() else []
    return own + [quoted_secret(name, value) for name, value in secrets.items()]


class Staging:
    """The folder of one run."""

    def __init__(self, config: Path | None, settings: Path = checkout.WRANGLER_CONFIG) -> None:
        """Make the folder.

        `config` replaces the Worker's loadbalancer.toml; `settings` is the wrangler.toml with its
        bindings.
        """
        checkout.DEV_RUNS.mkdir(parents=True, exist_ok=True)
        for old in checkout.DEV_RUNS.iterdir():
            if is_abandoned(old):
                shutil.rmtree(old, ignore_errors=True)
        self.folder = Path(tempfile.mkdtemp(prefix="run-", dir=checkout.DEV_RUNS))
        # Locked until this process ends.
        self._lock: IO[str] = (self.folder / LOCK_NAME).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.config = config
        self.settings = settings
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()
        self.wrangler_config = self.folder / "wrangler.json"

    def write(self, variables: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        """Write all files that wrangler needs."""
        self.copy_source()
        self._write_wrangler_config(variables)
        self._write_secrets(secrets)
        self._write_workerd_wrapper()
        vendored = checkout.ROOT / "python_modules"
        if vendored.is_dir():
            (self.folder / "python_modules").symlink_to(vendored)

    def copy_source(self) -> bool:
        """Update the copy of src/; returns whether a file has changed."""
        target = self.folder / "src"
        wanted = {
            path.relative_to(checkout.SOURCE): path
            for path in checkout.SOURCE.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        if self.config is not None:
            wanted[Path(CONFIG_NAME)] = self.config
        changed = False
        for name, source in wanted.items():
            changed |= copy_if_different(source, target / name)
        for path in target.rglob("*"):
            if path.is_file() and path.relative_to(target) not in wanted:
                path.unlink()
                changed = True
        return changed

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """The environment of wrangler."""
        return {
            **base,
            "MINIFLARE_WORKERD_PATH": str(self.folder / "workerd.sh"),
            "TMPDIR": str(self.temporary),
            "WRANGLER_REGISTRY_PATH": str(self.folder / "registry"),
            "WRANGLER_LOG_PATH": str(self.folder / "logs"),
            # Traces and their viewer, which cost time on every request and are not used.
            "X_LOCAL_OBSERVABILITY": "false",
            "X_LOCAL_EXPLORER": "false",
        }

    def _write_wrangler_config(self, variables: Mapping[str, str]) -> None:
        config: dict[str, Any] = tomllib.loads(self.settings.read_text())
        config["compatibility_flags"] = [*config["compatibility_flags"], *checkout.LOCAL_FLAGS]
        own = config.get("vars", {})
        if self.config is not None:
            own = without_origins(own)
        config["vars"] = {**own, **variables, DEV_VARIABLE: "1"}
        # With a route, the Worker would get URLs of the route's host.
        for key in ("route", "routes"):
            config.pop(key, None)
        self.wrangler_config.write_text(json.dumps(config, default=str))

    def _write_secrets(self, secrets: Mapping[str, str]) -> None:
        lines = dev_secrets(self.settings.parent / DEV_SECRETS, secrets)
        if lines:
            path = self.folder / DEV_SECRETS
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.writelines(lines)

    def _write_workerd_wrapper(self) -> None:
        options = " ".join(shlex.quote(option) for option in checkout.workerd_options())
        wrapper = self.folder / "workerd.sh"
        workerd = shlex.quote(str(checkout.workerd()))
        wrapper.write_text(WORKERD_WRAPPER.format(workerd=workerd, options=options))
        wrapper.chmod(0o755)


def copy_if_different(source: Path, target: Path) -> bool:
    """Copy a file if the content differs; returns whether it did. A missing source is no error."""
    try:
        content = source.read_bytes()
    except FileNotFoundError:
        return False
    if target.exists() and target.read_bytes() == content:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return True
