"""Closed-loop load: each connection sends its next request when the last one is answered.

Started as a program with an `Order` as JSON; prints a `Report` as JSON. It is a separate process,
so that its CPU time can be accounted for.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from measure.common import clocks
from measure.common.figures import percentile
from measure.common.traffic import headers, request

CHUNK = 262_144
STALL_SECONDS = 5.0
GOOD = b"200"


@dataclass(frozen=True, slots=True)
class Order:
    """The load to make."""

    port: int
    connections: int
    warm_up: float
    seconds: float
    pid: int
    """The peer's process; its children are included."""
    origin: int
    """The origins' process."""
    cookies: str = ""
    requests: int = 0
    """Answers after which the load ends; 0 = after `seconds`."""
    memory_every: int = 0
    """Answers between two samples of the peer's memory; 0 = no samples."""
    trace: bool = False
    """Whether to report each request."""


@dataclass(slots=True)
class Report:
    """Results from the end of the warm-up to the end."""

    seconds: float = 0.0
    requests: int = 0
    """Requests answered with 200."""
    p50: float = 0.0
    """Median latency in seconds."""
    p90: float = 0.0
    p99: float = 0.0
    failures: dict[str, int] = field(default_factory=dict)
    """Status or error -> count, warm-up included."""
    cpu: float = 0.0
    """CPU seconds of the peer; the next three as in `clocks.Used`."""
    own_cpu: float = 0.0
    other_cpu: float = 0.0
    steal: float = 0.0
    memory: list[tuple[int, float]] = field(default_factory=list)
    """Answers so far, and bytes of the peer's memory."""
    trace: list[tuple[float, float]] = field(default_factory=list)
    """Start and duration of each request, in seconds."""


class Connection:
    """One client."""

    def __init__(self, port: int, message: bytes) -> None:
        self._port = port
        self._message = message
        self._received = b""
        self.started = 0.0
        self.socket = self._connect()

    def send(self) -> None:
        """Send the request."""
        self._received = b""
        self.started = time.perf_counter()
        self.socket.sendall(self._message)

    def receive(self) -> str | None:
        """Read what has arrived; returns the status once the answer is complete, else None."""
        data = self.socket.recv(CHUNK)
        if not data:
            raise ConnectionError("closed")
        self._received = self._received + data if self._received else data
        return status_of(self._received)

    def renew(self) -> None:
        """Reconnect after the peer closed the connection."""
        self.socket.close()
        self.socket = self._connect()

    def _connect(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self._port), timeout=STALL_SECONDS)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made


def status_of(answer: bytes) -> str | None:
    """The status of a complete answer to a GET request, None while it is incomplete."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = answer[:end].lower()
    at = head.find(b"\r\ncontent-length:")
    if at >= 0:
        length = int(head[at + 17 : at + 37].partition(b"\r\n")[0])
        complete = len(answer) >= end + 4 + length
    elif head.find(b"\r\ntransfer-encoding: chunked") >= 0:
        complete = answer.endswith(b"0\r\n\r\n")
    else:
        complete = True
    return answer[9:12].decode("latin-1") if complete else None


class Load:
    """All clients, in one event loop."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._report = Report()
        self._selector = selectors.DefaultSelector()
        self._connections = [
            Connection(order.port, request(headers(order.cookies, client)))
            for client in range(order.connections)
        ]

    def run(self) -> Report:
        """Warm up, then measure."""
        order, report = self._order, self._report
        for connection in self._connections:
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send()
        self._until(time.perf_counter() + order.warm_up, [])
        before, started = clocks.clocks(order.pid, order.origin), time.perf_counter()
        taken: list[tuple[float, float]] = []
        if order.requests:
            self._until_answered(order.requests, taken)
        else:
            self._until(started + order.seconds, taken)
        after = clocks.clocks(order.pid, order.origin)
        report.seconds = time.perf_counter() - started
        report.requests = len(taken)
        latencies = [seconds for _, seconds in taken]
        report.p50, report.p90, report.p99 = (percentile(latencies, p) for p in (50, 90, 99))
        used = clocks.used(before, after, origin_is_peer=order.pid == order.origin)
        report.cpu, report.own_cpu = used.cpu, used.own_cpu
        report.other_cpu, report.steal = used.other_cpu, used.steal
        if order.trace:
            report.trace = taken
        return report

    def _until(self, end: float, taken: list[tuple[float, float]]) -> None:
        while time.perf_counter() < end:
            self._step(taken)

    def _until_answered(self, count: int, taken: list[tuple[float, float]]) -> None:
        every = self._order.memory_every or count
        for next_sample in range(0, count, every):
            while len(taken) < next_sample:
                self._step(taken)
            self._sample(len(taken))
        while len(taken) < count:
            self._step(taken)
        self._sample(len(taken))

    def _sample(self, answered: int) -> None:
        if self._order.memory_every:
            self._report.memory.append((answered, clocks.memory(self._order.pid)))

    def _step(self, taken: list[tuple[float, float]]) -> None:
        ready = self._selector.select(STALL_SECONDS)
        if not ready:
            raise TimeoutError(f"no answer for {STALL_SECONDS} seconds")
        self._serve((key.data for key, _ in ready), taken)

    def _serve(self, ready: Iterable[Connection], taken: list[tuple[float, float]]) -> None:
        for connection in ready:
            try:
                status = connection.receive()
                if status is None:
                    continue
                if status == GOOD.decode():
                    started = connection.started
                    taken.append((started, time.perf_counter() - started))
                else:
                    self._fail(status)
            except OSError as error:
                self._fail(type(error).__name__)
                self._selector.unregister(connection.socket)
                connection.renew()
                self._selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send()

    def _fail(self, what: str) -> None:
        self._report.failures[what] = self._report.failures.get(what, 0) + 1


def main() -> None:
    """Carry out the order in the first argument."""
    report = Load(Order(**json.loads(sys.argv[1]))).run()
    sys.stdout.write(json.dumps(asdict(report)) + os.linesep)


if __name__ == "__main__":
    main()
