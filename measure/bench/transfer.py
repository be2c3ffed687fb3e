"""Long bodies, up or down, one after the other on one connection.

Started as a program with an `Order` as JSON; prints a `Report` as JSON, like measure.bench.load.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from dataclasses import asdict, dataclass

from measure.bench.origin import HEAD_END
from measure.common import clocks
from measure.common.traffic import headers, request

PIECE = memoryview(bytes(1 << 20))
STALL_SECONDS = 30.0
FRAMES = 1.02
"""Most growth of a body through the frames of chunks, as a factor."""


class TransferError(Exception):
    """A body that did not arrive as it was sent."""


@dataclass(frozen=True, slots=True)
class Order:
    """The bodies to transfer."""

    port: int
    pid: int
    """The peer's process; its children are included."""
    origin: int
    """The origins' process."""
    size: int
    """Bytes of each body."""
    upload: bool
    seconds: float
    """Duration of the transfers; at least `least` of them are made."""
    least: int
    cookies: str = ""


@dataclass(slots=True)
class Report:
    """Results after a first transfer, which is not measured."""

    seconds: float = 0.0
    transfers: int = 0
    idle: float = 0.0
    """Bytes of the peer's memory before the transfers."""
    peak: float = 0.0
    """Bytes of the peer's memory during the transfers, at most."""
    cpu: float = 0.0
    own_cpu: float = 0.0
    other_cpu: float = 0.0
    steal: float = 0.0


class Client:
    """One connection."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._socket = socket.create_connection(("127.0.0.1", order.port), timeout=STALL_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(len(PIECE))
        fields = headers(order.cookies)
        if order.upload:
            fields = {**fields, "Content-Length": str(order.size)}
            self._message = request(fields, "/upload", method="POST")
        else:
            self._message = request(fields, f"/body/{order.size}")

    def transfer(self) -> None:
        """Send or receive one body."""
        self._socket.sendall(self._message)
        if self._order.upload:
            left = self._order.size
            while left:
                left -= self._socket.send(PIECE[: min(left, len(PIECE))])
        head, body = self._head()
        length = length_of(head)
        if not self._order.upload:
            if length != self._order.size:
                raise TransferError(f"{length} bytes were announced, not {self._order.size}")
            self._skip(length - len(body))
            return
        while len(body) < length:
            body += self._receive()
        check_received(json.loads(body)["received"], self._order.size)

    def _head(self) -> tuple[bytes, bytes]:
        data = b""
        while HEAD_END not in data:
            data += self._receive()
        head, _, body = data.partition(HEAD_END)
        return head, body

    def _receive(self) -> bytes:
        data = self._socket.recv(65_536)
        if not data:
            raise TransferError("the connection was closed")
        return data

    def _skip(self, left: int) -> None:
        while left:
            count = self._socket.recv_into(self._buffer, min(left, len(self._buffer)))
            if not count:
                raise TransferError(f"{left} bytes are missing")
            left -= count


def length_of(head: bytes) -> int:
    """The Content-Length of a response with status 200."""
    if head[9:12] != b"200":
        raise TransferError(f"the answer was {head[:60]!r}")
    at = head.lower().find(b"\r\ncontent-length:")
    if at < 0:
        raise TransferError("the response has no Content-Length")
    return int(head[at + 17 :].partition(b"\r\n")[0])


def check_received(received: int, size: int) -> None:
    """TransferError unless the origin got the body, with or without the frames of chunks."""
    if not size <= received <= size * FRAMES:
        raise TransferError(f"{received} bytes of {size} arrived")


def run(order: Order) -> Report:
    """Transfer once, then measure."""
    client, report = Client(order), Report()
    client.transfer()
    clocks.forget_peak(order.pid)
    report.idle = clocks.memory(order.pid)
    before, started = clocks.clocks(order.pid, order.origin), time.perf_counter()
    while report.transfers < order.least or time.perf_counter() - started < order.seconds:
        client.transfer()
        report.transfers += 1
    report.seconds = time.perf_counter() - started
    after = clocks.clocks(order.pid, order.origin)
    report.peak = clocks.peak(order.pid)
    used = clocks.used(before, after, origin_is_peer=order.pid == order.origin)
    report.cpu, report.own_cpu = used.cpu, used.own_cpu
    report.other_cpu, report.steal = used.other_cpu, used.steal
    return report


def main() -> None:
    """Carry out the order in the first argument."""
    report = run(Order(**json.loads(sys.argv[1])))
    sys.stdout.write(json.dumps(asdict(report)) + os.linesep)


if __name__ == "__main__":
    main()
