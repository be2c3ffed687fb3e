"""Probes and their replies."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from lb.request.edge_answers import Writer

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.model import HeaderValue
    from lb.request.edge_answers import Barrier


class ProbeFailure(Enum):
    """Cause of a probe without an answer, in the words of Cloudflare's health events.

    https://developers.cloudflare.com/load-balancing/understand-basics/health-details/
    """

    TIMEOUT = "HTTP timeout occurred"
    TCP_TIMEOUT = "TCP Timeout"
    CONNECTION = "TCP connection failed"
    RESET = "Connection Reset by Peer"
    INVALID = "HTTP Invalid Response"
    CONFIG = "Monitor Config Error"
    OTHER = "Other failure"


TIMEOUTS = frozenset({ProbeFailure.TIMEOUT, ProbeFailure.TCP_TIMEOUT})
"""Failures after which a probe is sent again at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpProbe:
    """One HTTP request to an origin, ready to be sent."""

    method: str
    url: str
    headers: tuple[tuple[str, HeaderValue], ...]
    timeout: float
    """Seconds for all of it, with redirects and reading the body."""
    body_limit: int
    """Bytes of the body to read; 0 leaves it unread."""
    redirects_left: int = 0
    """Redirects that may still be followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketProbe:
    """One TCP connection to an origin, and the dialogue on it."""

    host: str
    port: int
    timeout: float
    """Seconds for all of it, connecting and the dialogue."""
    dialogue: Callable[[], Dialogue] | None = None
    """Makes the dialogue; None: a connection is enough."""


class Dialogue(Protocol):
    """A dialogue on a connection: bytes in, bytes out, no I/O."""

    def received(self, data: bytes) -> bytes | Finished:
        """Take received bytes; return the bytes to send (perhaps none yet), or the end."""


Probe = HttpProbe | SocketProbe


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: bytes = b""
    writer: Writer = Writer.ORIGIN
    barrier: Barrier | None = None
    """What kept the probe from the origin, if the answer says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A connection was made, and its dialogue has ended."""

    cause: str = ""
    """Why the origin is not healthy by it; empty when it is."""


class Unsent(NamedTuple):
    """No probe was sent: a header's secret is missing or unusable."""

    cause: str


Reply = Answer | Finished | Unsent | ProbeFailure
