"""One request at an origin, and the means to respond to it."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from support.wire import LINE_END, Head, fields_of, head

READ_BYTES = 1 << 18
KEPT_BYTES = 1 << 16


@dataclass(slots=True)
class Request:
    """A request as the origin received it."""

    head: Head
    body: bytes = b""
    """The first KEPT_BYTES of the body."""
    size: int = 0
    digest: str = ""
    """SHA-256 of the whole body, once it is read completely."""
    trailers: tuple[tuple[str, str], ...] = ()
    aborted: bool = False
    """Whether the connection was closed before the response was complete."""
    at: float = field(default_factory=time.monotonic)

    @property
    def method(self) -> str:
        return self.head.start.split(" ")[0]

    @property
    def target(self) -> str:
        """Path and query of the request line."""
        return self.head.start.split(" ")[1]

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def header(self, name: str) -> str | None:
        """A header's value; None = absent."""
        return self.head.get(name)


class Exchange:
    """One request and the means to respond to it."""

    def __init__(
        self,
        name: str,
        request: Request,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.name = name
        """Name of the origin."""
        self.request = request
        self.reader = reader
        self.writer = writer
        self.keep_alive = True
        self.complete = False
        """Whether the response is complete, so that a close is no abort."""

    async def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def read_body(self) -> None:
        """Read and record the request's body, once."""
        request, digest = self.request, hashlib.sha256()
        if request.digest:
            return
        if (request.header("expect") or "").lower() == "100-continue":
            await self.write(head("HTTP/1.1 100 Continue"))
        async for data in self._pieces():
            digest.update(data)
            request.size += len(data)
            if len(request.body) < KEPT_BYTES:
                request.body = (request.body + data)[:KEPT_BYTES]
        request.digest = digest.hexdigest()

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        raw: socket.socket = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
        self.keep_alive = False

    async def _pieces(self) -> AsyncIterator[bytes]:
        if not self.request.head.chunked:
            left = self.request.head.length or 0
            while left:
                data = await self.reader.read(min(left, READ_BYTES))
                if not data:
                    raise ConnectionResetError
                left -= len(data)
                yield data
            return
        while size := int((await self.reader.readuntil(LINE_END)).partition(b";")[0], 16):
            yield await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        lines = []
        while (line := await self.reader.readuntil(LINE_END)) != LINE_END:
            lines.append(line.decode("latin-1").strip())
        self.request.trailers = fields_of(lines)


Behaviour = Callable[[Exchange], Awaitable[None]]
