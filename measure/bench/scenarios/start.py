"""Cold start: from starting the process to the first answer."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

from measure.bench.model import Column, Figures, Subject
from measure.bench.readiness import START_SECONDS, first_answer
from measure.common.clocks import family_cpu
from measure.common.errors import MeasurementError
from measure.common.peers import Running

POLL_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Start:
    """One start of a further copy of the peer."""

    name: str
    columns: Sequence[Column]
    what: str = ""

    def run(self, subject: Subject) -> Figures:
        """Start a copy, send a request as soon as it listens, and stop it."""
        peer = subject.peer
        began = time.perf_counter()
        running = peer.start(subject.ground)
        try:
            _listening(running)
            asked = time.perf_counter()
            first_answer(peer, running)
            answered = time.perf_counter()
            cpu = family_cpu(running.process.pid)
        finally:
            running.stop()
        return {"total": answered - began, "own": answered - asked, "start_cpu": cpu}


def _listening(running: Running) -> None:
    """Wait until connections are accepted."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", running.port), timeout=START_SECONDS).close()
        except OSError as error:
            if time.monotonic() > deadline or not running.process.runs():
                raise MeasurementError(
                    f"nothing listens: {error}\n{running.process.output()}"
                ) from error
            time.sleep(POLL_SECONDS)
        else:
            return
