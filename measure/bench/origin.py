"""The origins that all peers share: a page of one kilobyte, as fast as Python can answer.

Started as a program with a number of origins; prints their ports as one line of JSON. Special
paths: `/body/N` returns N bytes; a POST returns the number of bytes received; `/slow` is a slow
health path, on which every origin but the first fails every other time; `/probes` returns when
`/slow` was requested.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from typing import cast

BODY = (b'{"products": [' + b'{"id": 4711, "name": "keel", "price": "12.50"}, ' * 25)[:1022] + b"]}"
HEAD_END = b"\r\n\r\n"
SLOW_SECONDS = 0.3
CHUNK = bytes(1 << 20)
SPECIAL = (b"POST ", b"GET /body/", b"GET /slow", b"GET /probes")
LAST_CHUNK = b"0\r\n\r\n"


def answer(body: bytes, status: str = "200 OK", length: int | None = None) -> bytes:
    """A response in bytes; with `length` the body follows later."""
    head = (
        f"HTTP/1.1 {status}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body) if length is None else length}\r\n"
        "Cache-Control: private, max-age=60\r\n"
        'ETag: "5f3a9c"\r\n'
        "Vary: Accept-Encoding\r\n"
        "Server: origin\r\n"
        "X-Request-Id: 4bf92f3577b34da6a3ce929d0e0e4736\r\n"
        "\r\n"
    )
    return head.encode() + body


ANSWER = answer(BODY)


@dataclass(slots=True)
class Probes:
    """Requests for the slow health path, of all origins."""

    spans: list[tuple[float, float]] = field(default_factory=list)
    """Arrival and response of each probe, by the clock that all processes share."""


class Upload:
    """Counts the bytes of a body up to its end."""

    def __init__(self, head: bytes) -> None:
        self.received = 0
        at = head.lower().find(b"\r\ncontent-length:")
        self._length = int(head[at + 17 :].partition(b"\r\n")[0]) if at >= 0 else None
        self._tail = b""

    def take(self, data: bytes) -> bool:
        """Whether this was the end of it. The frames of a chunked body are counted too."""
        self.received += len(data)
        if self._length is not None:
            return self.received >= self._length
        self._tail = (self._tail + data[-len(LAST_CHUNK) :])[-len(LAST_CHUNK) :]
        return self._tail == LAST_CHUNK


class Origin(asyncio.Protocol):
    """One connection: every request gets the page, but for the special paths."""

    def __init__(self, probes: Probes, *, steady: bool) -> None:
        self._rest = b""
        self._probes = probes
        self._steady = steady
        self._upload: Upload | None = None
        self._left = 0
        """Bytes of a long body still to be sent."""
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for the answers."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer each complete request."""
        if self._upload is not None:
            self._count(self._upload, data)
            return
        data = self._rest + data
        if data.startswith(SPECIAL) and HEAD_END in data:
            self._rest = b""
            self._special(data)
            return
        complete = data.count(HEAD_END)
        if complete:
            self._transport.write(ANSWER * complete)
        self._rest = data[data.rfind(HEAD_END) + len(HEAD_END) :] if complete else data

    def pause_writing(self) -> None:
        """Stop until the reader has caught up."""
        self._paused = True

    def resume_writing(self) -> None:
        """Send the rest."""
        self._paused = False
        self._send()

    def _special(self, data: bytes) -> None:
        head, _, body = data.partition(HEAD_END)
        method, path, _ = head.split(b" ", 2)
        if method == b"POST":
            self._upload = Upload(head)
            self._count(self._upload, body)
        elif path.startswith(b"/body/"):
            self._left = int(path.removeprefix(b"/body/"))
            self._transport.write(answer(b"", length=self._left))
            self._send()
        elif path.startswith(b"/slow"):
            loop = asyncio.get_running_loop()
            loop.call_later(SLOW_SECONDS, self._slow_answer, time.perf_counter())
        else:
            self._transport.write(answer(json.dumps(self._probes.spans).encode()))

    def _count(self, upload: Upload, data: bytes) -> None:
        if upload.take(data):
            self._upload = None
            self._transport.write(answer(json.dumps({"received": upload.received}).encode()))

    def _send(self) -> None:
        while self._left and not self._paused:
            part = CHUNK if self._left >= len(CHUNK) else CHUNK[: self._left]
            self._left -= len(part)
            self._transport.write(part)

    def _slow_answer(self, asked: float) -> None:
        self._probes.spans.append((asked, time.perf_counter()))
        fails = not self._steady and len(self._probes.spans) // 2 % 2
        self._transport.write(answer(b"", "503 Service Unavailable" if fails else "200 OK"))


async def main(count: int) -> None:
    """Serve until the process ends."""
    # Each origin and each connection to it needs a file descriptor.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    loop, probes = asyncio.get_running_loop(), Probes()
    servers = []
    for number in range(count):
        made = partial(Origin, probes, steady=not number)
        servers.append(await loop.create_server(made, "127.0.0.1", 0))
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
