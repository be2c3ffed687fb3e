"""Runs the Worker of a staging folder on wrangler and workerd."""

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil

from evenkeel.dev import checkout
from evenkeel.dev.errors import LocalRunError
from evenkeel.dev.process_group import Family
from evenkeel.dev.staging import Staging
from evenkeel.dev.worker_output import Kind, Output, plain_text

HOST = "127.0.0.1"
# Requested until it is answered; the Worker answers it itself.
READY_PATH = "/cdn-cgi/evenkeel-ready"
START_SECONDS = 120.0
ASK_SECONDS = 30.0
# wrangler restarts a crashed workerd, so only a changed process id shows a crash. For a reload it
# restarts workerd too and prints a line; line and process may be seen in either order.
DOUBT_SECONDS = 1.0
LOOK_SECONDS = 0.5


class RuntimeEndedError(LocalRunError):
    """The runtime did not start, or ended by itself."""

    def __init__(self, reason: str, tail: list[str]) -> None:
        super().__init__(f"{reason}.")
        self.tail = tail


def port_is_free(port: int) -> bool:
    """Whether a server can listen on this port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port(wanted: int = 0) -> int:
    """The wanted port, or another if that is in use."""
    if wanted and port_is_free(wanted):
        return wanted
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Runtime:
    """wrangler and workerd, and whether they are still running."""

    def __init__(self, staging: Staging, family: Family, show: Callable[[str], None]) -> None:
        """`show` is called with the Worker's lines and wrangler's errors."""
        self._staging = staging
        self._family = family
        self._show = show
        self._output = Output()
        self._announced = threading.Event()
        self._failed = threading.Event()
        self._reloading = threading.Event()
        self._workerds: set[int] = set()
        self._missed_at: float | None = None
        self._looked_at = 0.0
        self.reloaded: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        """The URL of the Worker."""
        return f"http://{HOST}:{self._output.port}"

    def start(self, port: int, state: str) -> None:
        """Start wrangler; port 0 = any."""
        command: list[str | Path] = [
            *(checkout.node(), checkout.WRANGLER, "dev"),
            f"--config={self._staging.wrangler_config}",
            *(f"--ip={HOST}", f"--port={port}", f"--persist-to={state}"),
            # Any port for the debugger, so that two runs do not collide.
            *("--inspector-port=0", f"--inspector-ip={HOST}"),
            "--show-interactive-dev-session=false",
        ]
        environment = self._staging.environment(checkout.tool_environment())
        self._wrangler = self._family.start(command, environment, self._staging.folder)
        threading.Thread(target=self._read, daemon=True).start()

    def wait_until_ready(self, stopping: threading.Event) -> bool:
        """Wait until a request has been answered; False if `stopping` is set before."""
        deadline = time.monotonic() + START_SECONDS
        while not self._announced.wait(0.05):
            if stopping.is_set():
                return False
            if self._failed.wait(0) and not self._announced.wait(0.3):
                raise self._failure("the Worker could not be loaded")
            if self._wrangler.poll() is not None:
                raise self._failure(self._ending())
            if time.monotonic() > deadline:
                raise self._failure(f"the runtime was not ready in {START_SECONDS:.0f} s")
        while not self._answers():
            if stopping.is_set():
                return False
            if self._wrangler.poll() is not None or time.monotonic() > deadline:
                raise self._failure("the Worker does not answer")
            time.sleep(0.05)
        self._workerds = self._find_workerds()
        return True

    def check(self) -> None:
        """RuntimeEndedError if wrangler, a workerd or the watchdog is gone."""
        if self._wrangler.poll() is not None:
            raise self._failure(self._ending())
        if not self._family.is_guarded():
            raise self._failure("the watchdog is gone")
        now = time.monotonic()
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            self._check_workerds(now)

    def _check_workerds(self, now: float) -> None:
        found = self._find_workerds()
        if self._reloading.is_set() or self._workerds <= found:
            self._missed_at = None
            self._workerds = found
        elif self._missed_at is None:
            self._missed_at = now
        elif now - self._missed_at > DOUBT_SECONDS:
            raise self._failure("workerd ended unexpectedly")

    def _read(self) -> None:
        stream = self._wrangler.stdout
        assert stream is not None
        for raw in stream:
            line = plain_text(raw)
            kind = self._output.sort(line)
            if kind is Kind.READY:
                self._announced.set()
            elif kind is Kind.RELOADING:
                self._reloading.set()
            elif kind is Kind.RELOADED:
                # Seen before the next look at the processes: those of before are forgotten.
                self._workerds = set()
                self._reloading.clear()
                self.reloaded()
            elif kind is not Kind.NOISE:
                self._show(line)
                if kind is Kind.FAILED:
                    self._failed.set()

    def _answers(self) -> bool:
        try:
            httpx.get(self.url + READY_PATH, timeout=ASK_SECONDS, trust_env=False)
        except httpx.HTTPError:
            return False
        return True

    def _find_workerds(self) -> set[int]:
        try:
            children = psutil.Process(self._wrangler.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return set()
        return {child.pid for child in children if is_running_workerd(child)}

    def _ending(self) -> str:
        return f"wrangler ended unexpectedly (status {self._wrangler.returncode})"

    def _failure(self, reason: str) -> RuntimeEndedError:
        return RuntimeEndedError(reason, list(self._output.tail))


def is_running_workerd(process: psutil.Process) -> bool:
    """Whether a process is a running workerd."""
    try:
        return process.name() == "workerd" and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
