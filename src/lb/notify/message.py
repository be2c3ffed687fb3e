"""Messages, the requests that send them, and limits of length."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from lb.model import Health

if TYPE_CHECKING:
    from collections.abc import Callable


class MessageKind(Enum):
    """The two messages of an incident."""

    START = "start"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """A pool, with "" as the origin, or an origin, in a message."""

    pool: str
    origin: str
    health: Health
    cause: str
    since: float
    """Time of the change to this health."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message to one sink, as text and as data."""

    notification: str
    incident: str
    """Unique id of the incident, common to its start and its end."""
    kind: MessageKind
    at: float
    since: float
    """Start of the incident."""
    title: str
    lines: tuple[str, ...]
    affected: tuple[Affected, ...]
    critical: bool
    """Whether a whole pool is down."""

    @property
    def body(self) -> str:
        return "\n".join(self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundRequest:
    """The request that sends a message. Its repr hides whatever may hold a secret.

    A `mailto:` URL with the recipient stands for an e-mail, whose source is the body.
    """

    method: str
    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False, default=())
    body: str = field(repr=False, default="")


def plain(text: str) -> str:
    """Return a text with spaces for control characters and lone surrogates, except line ends."""
    return "".join(
        char if char == "\n" or (char.isprintable() and not "\ud800" <= char <= "\udfff") else " "
        for char in text
    )


def fit(
    text: str,
    most: int,
    escape: Callable[[str], str] = str,
    length: Callable[[str], int] = len,
) -> str:
    """Return a text, shortened before it is escaped so that the result has `most` at most."""
    if length(escaped := escape(text)) <= most:
        return escaped
    low, high = 0, len(text)
    while low < high:  # bisection of the longest beginning that fits
        middle = (low + high + 1) // 2
        if length(escape(text[:middle] + "...")) <= most:
            low = middle
        else:
            high = middle - 1
    return escape(text[:low] + "...")


def utf8(text: str) -> int:
    """Return the number of bytes of a text in UTF-8."""
    return len(text.encode("utf-8", "replace"))


def utf16(text: str) -> int:
    """Return the number of UTF-16 code units of a text, as JavaScript and Telegram count."""
    return len(text.encode("utf-16-le", "replace")) // 2
