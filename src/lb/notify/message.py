"""What is told, and the request that tells it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from lb.model import Health

if TYPE_CHECKING:
    from collections.abc import Callable


class Telling(Enum):
    """Which of an incident's two messages."""

    START = "start"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """A pool (`origin` is "" then), or an origin, in a message."""

    pool: str
    origin: str
    health: Health
    cause: str
    since: float
    """When it came to this health."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message to one sink, in plain words and in parts."""

    notification: str
    incident: str
    """The same for an incident's start and its end, and for no other incident."""
    telling: Telling
    at: float
    since: float
    """When the incident began."""
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
    """A message as its sink wants it. What could hold a secret does not show in a repr.

    `mailto:` and the recipient as the URL mean an e-mail, whose body is the whole of it.
    """

    method: str
    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False, default=())
    body: str = field(repr=False, default="")


def plain(text: str) -> str:
    """Return a text without control characters and halves of characters; line ends stay."""
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
    """Return a text escaped, and cut before it is escaped so that it is not longer than `most`."""
    if length(escaped := escape(text)) <= most:
        return escaped
    low, high = 0, len(text)
    while low < high:  # the longest beginning that fits
        middle = (low + high + 1) // 2
        if length(escape(text[:middle] + "...")) <= most:
            low = middle
        else:
            high = middle - 1
    return escape(text[:low] + "...")


def utf8(text: str) -> int:
    """Return how many bytes a text has as UTF-8."""
    return len(text.encode("utf-8", "replace"))


def utf16(text: str) -> int:
    """Return how many units a text has as UTF-16, which is how JavaScript and Telegram count."""
    return len(text.encode("utf-16-le", "replace")) // 2
