"""The smtp monitor: greeting, HELO and QUIT, with the replies of RFC 5321."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from lb.probing.probe import Finished
from lb.probing.types import tcp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.model import Monitor, Origin
    from lb.probing.probe import SocketProbe

MOST_BYTES = 4096
"""Longest unfinished reply in bytes; a line has 512 at most (RFC 5321, 4.5.3.1.5)."""

WRONG_CODE = "Response code mismatch"
NOT_SMTP = "Response body mismatch"


class Step(Enum):
    """Reply that is awaited."""

    GREETING = "greeting"
    HELO = "HELO"
    QUIT = "QUIT"


class Turn(NamedTuple):
    code: bytes
    """Reply code of a healthy server."""
    then: Step | None
    say: bytes


# Cloudflare's monitor expects 250 and 221: https://developers.cloudflare.com/load-balancing/monitors/
# A reserved name (RFC 2606), which a server must not refuse (RFC 5321, 4.1.4).
DIALOGUE: Mapping[Step, Turn] = {
    Step.GREETING: Turn(b"220", Step.HELO, b"HELO evenkeel.invalid\r\n"),
    Step.HELO: Turn(b"250", Step.QUIT, b"QUIT\r\n"),
    Step.QUIT: Turn(b"221", None, b""),
}


class Smtp:
    """A client that greets a mail server and leaves."""

    def __init__(self) -> None:
        self._step = Step.GREETING
        self._unread = b""

    def received(self, data: bytes) -> bytes | Finished:
        """Take the server's bytes; return the bytes to send, none before its reply is complete."""
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            code, rest = line[:3], line.rstrip(b"\r")[3:4]
            if not code.isdigit() or len(code) < 3 or rest not in (b"", b" ", b"-"):
                return Finished(cause=NOT_SMTP)
            if rest == b"-":
                continue  # a reply of several lines (RFC 5321, 4.2.1)
            turn = DIALOGUE[self._step]
            if code != turn.code:
                return Finished(cause=WRONG_CODE)
            if turn.then is None:
                return Finished()
            # Anything sent too early is no reply to what follows.
            self._step, self._unread = turn.then, b""
            return turn.say
        return Finished(cause=NOT_SMTP) if len(self._unread) > MOST_BYTES else b""


def probe(monitor: Monitor, origin: Origin) -> SocketProbe:
    """Return the dialogue with `origin`."""
    return replace(tcp.probe(monitor, origin), dialogue=Smtp)


judge = tcp.judge
