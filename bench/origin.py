"""The origins that all peers share: a page of one kilobyte, given as fast as Python can.

Started as a program with a number of origins; prints their ports as one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import cast

BODY = (b'{"products": [' + b'{"id": 4711, "name": "keel", "price": "12.50"}, ' * 25)[:1022] + b"]}"
ANSWER = (
    b"HTTP/1.1 200 OK\r\n"
    b"Content-Type: application/json\r\n"
    b"Content-Length: %d\r\n"
    b"Cache-Control: private, max-age=60\r\n"
    b'ETag: "5f3a9c"\r\n'
    b"Vary: Accept-Encoding\r\n"
    b"Server: origin\r\n"
    b"X-Request-Id: 4bf92f3577b34da6a3ce929d0e0e4736\r\n"
    b"\r\n%b"
) % (len(BODY), BODY)
HEAD_END = b"\r\n\r\n"


class Origin(asyncio.Protocol):
    """Answers every request of a connection alike. Requests have no bodies here."""

    def __init__(self) -> None:
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Give an answer for each request that is complete."""
        data = self._rest + data
        complete = data.count(HEAD_END)
        if complete:
            self._transport.write(ANSWER * complete)
        self._rest = data[data.rfind(HEAD_END) + len(HEAD_END) :] if complete else data


async def main(count: int) -> None:
    """Serve until the process is ended."""
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(Origin, "127.0.0.1", 0) for _ in range(count)]
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
