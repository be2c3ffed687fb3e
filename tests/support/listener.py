"""A scripted TCP server that does not speak HTTP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

HOST = "127.0.0.1"
SECONDS = 10.0


@dataclass(slots=True)
class Listener:
    """The record of a listener: its port, and the bytes that each connection sent."""

    port: int
    heard: list[bytes] = field(default_factory=list)
    taken: int = 0
    """Number of accepted connections."""
    closed: int = 0
    """Number of connections that the other side has ended."""


@contextmanager
def listener(*lines: bytes) -> Iterator[Listener]:
    """Accept connections; send the first line at once, and each further one after some input.

    After the last line it keeps reading until the other side ends the connection.
    """
    with socket.create_server((HOST, 0)) as server:
        made = Listener(server.getsockname()[1])
        threading.Thread(target=_take, args=[server, made, lines], daemon=True).start()
        yield made


def _take(server: socket.socket, made: Listener, lines: tuple[bytes, ...]) -> None:
    with suppress(OSError):
        while True:
            connection, _ = server.accept()
            made.taken += 1
            threading.Thread(target=_talk, args=[connection, made, lines], daemon=True).start()


def _talk(connection: socket.socket, made: Listener, lines: tuple[bytes, ...]) -> None:
    connection.settimeout(SECONDS)
    heard, waiting = b"", list(lines)
    with suppress(OSError), connection:
        while True:
            if waiting:
                connection.sendall(waiting.pop(0))
            data = connection.recv(4096)
            if not data:
                break
            heard += data
    made.heard.append(heard)
    made.closed += 1
