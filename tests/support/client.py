"""A client that sends exactly the given bytes and returns exactly the received ones."""

from __future__ import annotations

import hashlib
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from support.wire import END_OF_HEAD, LAST_CHUNK, LINE_END, Head, chunk, fields_of, head

HOST = "127.0.0.1"
SECONDS = 20.0
READ_BYTES = 1 << 18
KEPT_BYTES = 1 << 20


@dataclass(slots=True)
class Answer:
    """A response."""

    head: Head
    interim: tuple[Head, ...] = ()
    """The heads of earlier 1xx responses."""
    body: bytes = b""
    """The first KEPT_BYTES of the body."""
    size: int = 0
    digest: str = ""
    """SHA-256 of the whole body."""
    trailers: tuple[tuple[str, str], ...] = ()

    @property
    def status(self) -> int:
        return int(self.head.start.split(" ")[1])

    @property
    def text(self) -> str:
        return self.body.decode()

    def header(self, name: str) -> str | None:
        """A header's value; None = absent."""
        return self.head.get(name)

    @property
    def served_by(self) -> str | None:
        """The name of the origin that served the response."""
        return self.header("x-served-by")


class Conversation:
    """One connection to the Worker."""

    def __init__(self, port: int, seconds: float = SECONDS) -> None:
        self.socket = socket.create_connection((HOST, port), seconds)
        self._file = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def read_head(self) -> Head:
        """Read a head."""
        raw = b""
        while not raw.endswith(END_OF_HEAD):
            line = self._file.readline()
            if not line:
                raise ConnectionResetError(f"the connection ended after {raw!r}")
            raw += line
        return Head.parse(raw)

    def answer(self, method: str = "GET") -> Answer:
        """Read a whole response."""
        interim = []
        while (found := self.read_head()).start.split(" ")[1].startswith("1"):
            if " 101 " in found.start:
                break
            interim.append(found)
        answer, digest = Answer(found, tuple(interim)), hashlib.sha256()
        for data in self._pieces(answer, method):
            digest.update(data)
            answer.size += len(data)
            if len(answer.body) < KEPT_BYTES:
                answer.body = (answer.body + data)[:KEPT_BYTES]
        answer.digest = digest.hexdigest()
        return answer

    def read(self, size: int) -> bytes:
        """Read at most so many bytes, as soon as there are any."""
        return self._file.read1(size)

    def read_chunk(self) -> bytes:
        """Read one chunk of a body; an empty chunk is the last one."""
        size = int(self._file.readline().partition(b";")[0], 16)
        data = self._exactly(size)
        if size:
            self._exactly(2)
        return data

    def closed(self) -> bool:
        """Wait until the other side ends the connection; whether it does."""
        return self._file.read1(1) == b""

    def reset(self) -> None:
        """End the connection with a TCP reset, as a client that leaves shows at the Worker."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._file.close()
        self.socket.close()

    def _pieces(self, answer: Answer, method: str) -> Iterator[bytes]:
        if method == "HEAD" or answer.status in (101, 204, 304):
            return
        if answer.head.chunked:
            while data := self.read_chunk():
                yield data
            lines = iter(self._file.readline, LINE_END)
            answer.trailers = fields_of([line.decode("latin-1").strip() for line in lines])
            return
        left = answer.head.length
        while left is None or left > 0:
            data = self._file.read1(READ_BYTES if left is None else min(left, READ_BYTES))
            if not data:
                if left is None:
                    return
                raise ConnectionResetError(f"{left} bytes are missing")
            left = None if left is None else left - len(data)
            yield data

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) < size:
            raise ConnectionResetError("the body ended early")
        return data


@contextmanager
def conversation(port: int, seconds: float = SECONDS) -> Iterator[Conversation]:
    """Open a connection to the Worker for as long as the block lasts."""
    opened = Conversation(port, seconds)
    try:
        yield opened
    finally:
        opened.close()


def send(
    port: int,
    method: str,
    target: str,
    *fields: tuple[str, str],
    host: str = "service.example.com",
    body: bytes | Sequence[bytes] = b"",
) -> Answer:
    """Send one request on its own connection.

    A body in one piece gets a Content-Length; one in pieces is chunked unless the fields have a
    length.
    """
    pieces = [body] if isinstance(body, bytes) else body
    sized = any(name == "Content-Length" for name, _ in fields)
    chunked = not isinstance(body, bytes) and not sized
    framing = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body)))
    extra = (framing,) if body and not sized else ()
    with conversation(port) as talk:
        talk.send(head(f"{method} {target} HTTP/1.1", ("Host", host), *fields, *extra))
        for piece in pieces:
            talk.send(chunk(piece) if chunked else piece)
        if chunked:
            talk.send(LAST_CHUNK)
        return talk.answer(method)
