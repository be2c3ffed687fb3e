"""What a probe asks and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ProbeFailure(Enum):
    """Why a probe got no answer, in the words of Cloudflare's health events.

    https://developers.cloudflare.com/load-balancing/understand-basics/health-details/
    """

    TIMEOUT = "HTTP timeout occurred"
    CONNECTION = "TCP connection failed"
    OTHER = "Other failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One question to an origin, ready to be sent."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    timeout: float
    """Seconds for all of it, the body that is read included."""
    follow_redirects: bool
    body_limit: int
    """Bytes of the body to read; 0 leaves it unread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    body: bytes = b""


Reply = Answer | ProbeFailure
