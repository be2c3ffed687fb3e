"""The Worker on its real runtime, with `evenkeel dev` as a separate process."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import psutil

from evenkeel.dev import checkout
from support.toml import table

READY = "Ready on "
START_SECONDS = 60.0
STOP_SECONDS = 15.0
POLL_SECONDS = 0.02


class WorkerError(Exception):
    """The Worker did not start; the message holds its whole output."""


class Worker:
    """One `evenkeel dev`, from its start to its end."""

    def __init__(self, log: Path, arguments: Sequence[str], env: Mapping[str, str]) -> None:
        """Start it without waiting; see `wait_until_ready`."""
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "evenkeel", "dev", *arguments],
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Signals from the terminal go to the tests alone, which then stop this process.
                start_new_session=True,
            )
        self.url = ""

    @property
    def pid(self) -> int:
        """The process id of `evenkeel dev` itself."""
        return self.process.pid

    @property
    def port(self) -> int:
        """The port of the Worker."""
        return int(self.url.rpartition(":")[2])

    def wait_until_ready(self) -> Self:
        """Wait until the Worker can serve its first request."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            for line in self.text().splitlines():
                if line.startswith(READY):
                    self.url = line.removeprefix(READY)
                    return self
            if not self.alive():
                break
            time.sleep(POLL_SECONDS)
        raise WorkerError(f"evenkeel dev did not get ready:\n{self.text()}")

    def text(self) -> str:
        """The output so far."""
        return self._log.read_text(errors="replace")

    def log_lines(self) -> list[dict[str, Any]]:
        """The Worker's log so far: the output's lines of JSON."""
        lines = [line for line in self.text().splitlines() if line.startswith("{")]
        return [json.loads(line) for line in lines if line.endswith("}")]

    def wait_for_text(self, part: str, seconds: float = 10.0) -> str:
        """Wait for a text in the output; return the first line that contains it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for line in self.text().splitlines():
                if part in line:
                    return line
            time.sleep(POLL_SECONDS)
        raise WorkerError(f"{part!r} was not printed:\n{self.text()}")

    def alive(self) -> bool:
        """Whether the process is running."""
        return self.process.poll() is None

    def family(self) -> list[psutil.Process]:
        """All processes that belong to it, including itself."""
        this = psutil.Process(self.pid)
        return [this, *this.children(recursive=True)]

    def kill(self) -> None:
        """Kill it and all its processes, as a power failure would."""
        for process in self.family():
            # Killing one process may already have ended the next one.
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop it and all its processes; return its exit status."""
        if self.alive():
            self.process.send_signal(number)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # The watchdog ends the other processes.
            self.process.kill()
            self.process.wait()
            raise WorkerError(f"evenkeel dev did not stop:\n{self.text()}") from None


@contextmanager
def worker_process(*arguments: str, env: Mapping[str, str] | None = None) -> Iterator[Worker]:
    """Run `evenkeel dev` with these arguments; its output is printed if the test fails."""
    with tempfile.TemporaryDirectory() as folder:
        worker = Worker(Path(folder) / "output", arguments, env or {})
        try:
            yield worker
        except BaseException:
            print(worker.text())
            raise
        finally:
            worker.stop()


@contextmanager
def running_worker(
    config: str,
    vars: Mapping[str, str] | None = None,  # noqa: A002 - what wrangler calls them
    env: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
) -> Iterator[Worker]:
    """Serve a loadbalancer.toml with this text on a free port; yield the Worker when ready."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "loadbalancer.toml"
        file.write_text(config)
        variables = [f"--var={name}={value}" for name, value in (vars or {}).items()]
        arguments = (f"--config={file}", "--port=0", *variables, *options)
        with worker_process(*arguments, env=env) as worker:
            yield worker.wait_until_ready()


def settings(folder: Path, *tables: str) -> str:
    """The option that replaces the Worker's bindings with these."""
    usual = tomllib.loads(checkout.WRANGLER_CONFIG.read_text())
    keys = ("name", "main", "compatibility_date", "compatibility_flags")
    lines = [f"{key} = {json.dumps(usual[key], default=str)}" for key in keys]
    rules = table("rules", {"type": "Text", "globs": ["loadbalancer.toml"], "fallthrough": True})
    rules = rules.replace("True", "true")
    file = folder / "wrangler.toml"
    file.write_text("\n".join([*lines, rules, *tables]))
    return f"--wrangler={file}"
