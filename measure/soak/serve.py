"""`evenkeel dev` during a soak, its process and its log."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from evenkeel.dev import checkout
from evenkeel.dev.process_group import Family
from measure.common.errors import MeasurementError
from measure.soak.model import Seen, Settings

START_SECONDS = 120.0
READY = "Ready on "
TAIL = 20

CONFIG = """\
[[monitors]]
name = "health"
type = "http"
path = "/health"
interval = {interval:g}
timeout = {timeout:g}
retries = 0
consecutive_down = 1
consecutive_up = 1

[[pools]]
name = "primary"
monitor = "health"
origins = [{{ name = "flapping", address = "http://127.0.0.1:{ports[0]}" }}]

[[pools]]
name = "replica"
monitor = "health"
origins = [{{ name = "steady", address = "http://127.0.0.1:{ports[1]}" }}]

[[load_balancers]]
name = "*"
default_pools = ["primary", "replica"]
fallback_pool = "replica"
steering_policy = "off"
session_affinity = "cookie"
failover = {{ first_byte_timeout = {timeout:g} }}
"""


class Served:
    """The Worker with its Durable Object, on wrangler and workerd."""

    def __init__(
        self, family: Family, folder: Path, settings: Settings, ports: Sequence[int], seen: Seen
    ) -> None:
        config = folder / "loadbalancer.toml"
        config.write_text(
            CONFIG.format(interval=settings.interval, timeout=settings.timeout, ports=ports)
        )
        command = [sys.executable, "-m", "evenkeel", "dev", f"--config={config}", "--port=0"]
        self._process = family.start(command, os.environ, checkout.ROOT)
        self._seen = seen
        self._url = ""
        self._tail: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._wait()
        self._runtime = self._find()

    @property
    def port(self) -> int:
        return int(self._url.rpartition(":")[2])

    @property
    def memory(self) -> int:
        """Resident bytes of the runtime; records its end if the process is gone."""
        try:
            return int(self._runtime.memory_info().rss)
        except psutil.NoSuchProcess:
            self._seen.ended = self._seen.ended or "\n".join(self._tail) or "the process is gone"
            return 0

    @property
    def files(self) -> int:
        """Files and sockets that the runtime has open."""
        try:
            return int(self._runtime.num_fds())
        except psutil.NoSuchProcess:
            return 0

    def stop(self) -> None:
        """End it, and read the rest of its output."""
        self._process.terminate()
        self._process.wait()
        self._reader.join(5)

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._url:
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise MeasurementError("\n".join(["evenkeel dev did not get ready", *self._tail]))
            time.sleep(0.05)

    def _find(self) -> psutil.Process:
        family = psutil.Process(self._process.pid).children(recursive=True)
        found = [one for one in family if one.name().startswith("workerd")]
        if not found:
            raise MeasurementError("no workerd is running")
        # wrangler has a second one, which passes requests on to that of the Worker.
        return max(found, key=lambda one: one.memory_info().rss)

    def _read(self) -> None:
        if self._process.stdout is None:
            return
        for raw in self._process.stdout:
            line = raw.decode(errors="replace").rstrip()
            if line.startswith(READY):
                self._url = line.removeprefix(READY)
            self._note(line)

    def _note(self, line: str) -> None:
        self._tail = [*self._tail[-TAIL:], line]
        try:
            event = json.loads(line) if line.startswith("{") else None
        except ValueError:
            event = None
        if isinstance(event, dict) and "event" in event:
            self._seen.events[str(event["event"])] += 1
            if event["event"] == "error":
                self._seen.errors.append(line)
        elif "rror" in line:
            # An error of the runtime itself.
            self._seen.errors.append(line)
