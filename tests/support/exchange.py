"""One request at an origin: what came, and the means to answer it."""

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
    """What an origin got."""

    head: Head
    body: bytes = b""
    """Its beginning, at most KEPT_BYTES."""
    size: int = 0
    digest: str = ""
    """SHA-256 of the whole body, once it has been read to its end."""
    trailers: tuple[tuple[str, str], ...] = ()
    aborted: bool = False
    """Whether the connection was closed before the answer was complete."""
    at: float = field(default_factory=time.monotonic)

    @property
    def method(self) -> str:
        return self.head.start.split(" ")[0]

    @property
    def target(self) -> str:
        """What stood in the request line: path and query."""
        return self.head.start.split(" ")[1]

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def header(self, name: str) -> str | None:
        """A header's value, None when it is missing."""
        return self.head.get(name)


class Exchange:
    """One request and the means to answer it."""

    def __init__(
        self,
        name: str,
        request: Request,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.name = name
        """The origin's."""
        self.request = request
        self.reader = reader
        self.writer = writer
        self.keep_alive = True
        self.complete = False
        """Whether there is nothing more to say, so that a close is no abort."""

    async def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def read_body(self) -> None:
        """Read the request's body to its end, into the record; once."""
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
