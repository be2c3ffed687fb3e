"""An origin that fails on demand, and records the requests that it gets."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import Enum
from typing import cast

HOST = "127.0.0.1"
HEALTH_PATH = b"/health"
ID_HEADER = b"x-request-id"

BODY = b"x" * 1_000
CUT_LENGTH = 30_000
"""Content-Length of a response that is cut off: too long to arrive with its headers."""
CUT_AT = 15_000
"""Bytes of the body after which it is cut off."""
SMALL_CUT_AT = len(BODY) // 2
SMALL_CUT_PAUSE = 0.02
"""Seconds between the sent half of a small body and the reset."""
GARBAGE = bytes(range(256)) * 4
SLOW_FACTOR = 1.5
"""Delay of a slow response, as a multiple of the balancer's time-out."""


class Mode(Enum):
    """Behaviour of an origin on every connection and request."""

    FINE = "answers"
    REFUSE = "refuses connections"
    RESET = "resets the connection of each request"
    HANG = "takes requests and never answers"
    SLOW = "answers after the balancer's time-out"
    ERROR_500 = "answers 500"
    ERROR_503 = "answers 503"
    ERROR_530 = "answers 530"
    CUT = "cuts its responses off in the middle"
    GARBAGE = "answers with bytes that are not HTTP"
    SICK = "fails on its health path alone"
    CUT_SMALL = "cuts small responses off in the middle, but for its health path"
    CACHED = "dead, but the edge has its answer in the cache"


STATUS: Mapping[Mode, bytes] = {
    Mode.FINE: b"200 OK",
    Mode.SLOW: b"200 OK",
    Mode.SICK: b"200 OK",
    Mode.ERROR_500: b"500 Internal Server Error",
    Mode.ERROR_503: b"503 Service Unavailable",
    Mode.ERROR_530: b"530 Origin Error",
    Mode.CUT: b"200 OK",
    Mode.CUT_SMALL: b"200 OK",
    Mode.CACHED: b"200 OK",
}

AT_HEALTH_PATH: Mapping[Mode, Mode] = {Mode.SICK: Mode.ERROR_503, Mode.CUT_SMALL: Mode.FINE}
"""Modes in which the health path has a mode of its own."""

FIELDS: Mapping[Mode, bytes] = {
    Mode.CACHED: b"Server: cloudflare\r\nCF-RAY: 9a1b2c3d4e5f6071-ZRH\r\n"
    b"CF-Cache-Status: HIT\r\nAge: 60\r\n"
}
"""Further header lines of a response."""


def reset(transport: asyncio.WriteTransport) -> None:
    """Reset a connection, as the end of a process does."""
    with suppress(OSError):
        raw: socket.socket = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class Origin:
    """One origin on its own port; its mode holds for all of its connections."""

    def __init__(self, name: str, timeout: float) -> None:
        """`timeout` is the balancer's, in seconds; a slow response exceeds it."""
        self.name = name
        self.mode = Mode.FINE
        self.paths: Mapping[bytes, Mode] = {}
        """Modes of the paths that begin with these bytes; they precede the origin's mode."""
        self.port = 0
        self.posts: Counter[str] = Counter()
        """Number of times that each POST arrived, by the request's id."""
        self.probed: list[float] = []
        """Times of its probes, by the monotonic clock."""
        self.slow_seconds = timeout * SLOW_FACTOR
        self.connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(
                lambda: _Connection(self), HOST, self.port, reuse_address=True, backlog=1024
            )
            self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Stop listening, and drop every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in tuple(self.connections):
            connection.drop()

    async def behave(self, mode: Mode) -> None:
        """Change the mode."""
        self.mode = mode
        if mode is Mode.REFUSE:
            self.stop()
        else:
            await self.start()

    async def heal(self) -> None:
        """Answer normally again; requests that wait for a response go on waiting."""
        self.paths = {}
        await self.behave(Mode.FINE)

    def mode_of(self, target: bytes) -> Mode:
        """The mode of a request."""
        for prefix, mode in self.paths.items():
            if target.startswith(prefix):
                return mode
        if target.startswith(HEALTH_PATH):
            return AT_HEALTH_PATH.get(self.mode, self.mode)
        return self.mode


class _Connection(asyncio.Protocol):
    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._received = b""
        self._later: list[asyncio.TimerHandle] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._origin.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        del error
        self._origin.connections.discard(self)
        for timer in self._later:
            timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (taken := first_request(self._received)) is not None:
            target, method, identity, length = taken
            self._received = self._received[length:]
            if method == b"POST":
                self._origin.posts[identity] += 1
            self._answer(target)

    def drop(self) -> None:
        """Reset the connection, as the end of a process does."""
        reset(self._transport)

    def _answer(self, target: bytes) -> None:
        if target.startswith(HEALTH_PATH):
            self._origin.probed.append(time.monotonic())
        mode = self._origin.mode_of(target)
        ANSWERS[mode](self, mode)

    def _reply(self, mode: Mode) -> None:
        if not self._transport.is_closing():
            self._transport.write(self._head(mode, len(BODY)) + BODY)

    def _reply_late(self, mode: Mode) -> None:
        loop = asyncio.get_running_loop()
        self._later.append(loop.call_later(self._origin.slow_seconds, self._reply, mode))

    def _reset(self, mode: Mode) -> None:
        del mode
        self.drop()

    def _hang(self, mode: Mode) -> None:
        """Leave the request without a response."""

    def _cut(self, mode: Mode) -> None:
        self._send_part(mode, CUT_LENGTH, CUT_AT, 0.01)

    def _cut_small(self, mode: Mode) -> None:
        self._send_part(mode, len(BODY), SMALL_CUT_AT, SMALL_CUT_PAUSE)

    def _send_part(self, mode: Mode, length: int, sent: int, pause: float) -> None:
        """Send a part of a body; reset after a pause, in which the bytes are sent."""
        self._transport.write(self._head(mode, length) + b"x" * sent)
        loop = asyncio.get_running_loop()
        self._later.append(loop.call_later(pause, self.drop))

    def _garble(self, mode: Mode) -> None:
        del mode
        self._transport.write(GARBAGE)
        self._transport.close()

    def _head(self, mode: Mode, length: int) -> bytes:
        return b"HTTP/1.1 %b\r\nContent-Length: %d\r\nX-Origin: %b\r\n%b\r\n" % (
            STATUS[mode],
            length,
            self._origin.name.encode(),
            FIELDS.get(mode, b""),
        )


ANSWERS: Mapping[Mode, Callable[[_Connection, Mode], None]] = {
    Mode.FINE: _Connection._reply,  # noqa: SLF001 (the table belongs to the class)
    Mode.SICK: _Connection._reply,  # noqa: SLF001
    Mode.REFUSE: _Connection._reset,  # noqa: SLF001 (a connection accepted just before)
    Mode.RESET: _Connection._reset,  # noqa: SLF001
    Mode.HANG: _Connection._hang,  # noqa: SLF001
    Mode.SLOW: _Connection._reply_late,  # noqa: SLF001
    Mode.ERROR_500: _Connection._reply,  # noqa: SLF001
    Mode.ERROR_503: _Connection._reply,  # noqa: SLF001
    Mode.ERROR_530: _Connection._reply,  # noqa: SLF001
    Mode.CUT: _Connection._cut,  # noqa: SLF001
    Mode.CUT_SMALL: _Connection._cut_small,  # noqa: SLF001
    Mode.CACHED: _Connection._reply,  # noqa: SLF001
    Mode.GARBAGE: _Connection._garble,  # noqa: SLF001
}


def first_request(data: bytes) -> tuple[bytes, bytes, str, int] | None:
    """Return target, method, id and length of the first request; None while it is incomplete."""
    head, end, _ = data.partition(b"\r\n\r\n")
    if not end:
        return None
    first, *lines = head.split(b"\r\n")
    fields = {
        name.strip().lower(): value.strip() for name, _, value in (x.partition(b":") for x in lines)
    }
    length = len(head) + 4
    if fields.get(b"transfer-encoding", b"").lower() == b"chunked":
        rest = data[length:]
        last = rest.find(b"0\r\n\r\n")  # no body that is sent here has these bytes
        if last < 0:
            return None
        length += last + 5
    else:
        length += int(fields.get(b"content-length", b"0"))
    if len(data) < length:
        return None
    method, target, _ = first.split(b" ", 2)
    return target, method, fields.get(ID_HEADER, b"").decode("latin-1"), length
