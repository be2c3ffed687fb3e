"""What the admin side of an isolate awaits: the Durable Object, bodies, Access, a refresh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lb.admin.auth.key_ring import Jwk
    from lb.admin.request_body import BodyProblem
    from lb.ports import Clock, Log


class StateObject(Protocol):
    """The Durable Object, which answers operators. May raise, and may never answer."""

    async def admin(self, text: str) -> str:
        """Return the Answer to a Call; both are JSON (lb.admin.calls)."""


class Body(Protocol):
    """The body of a request."""

    async def read(self, largest: int, seconds: float) -> str | BodyProblem:
        """Return the text, of at most `largest` bytes and within `seconds`. Never raises."""


class AccessTeam(Protocol):
    """Cloudflare Access: its public keys, and their use. Never raises; problems are logged."""

    async def fetch_keys(self, url: str, largest: int, seconds: float) -> str | None:
        """Return the text at an address, of at most `largest` bytes; None: it cannot be fetched."""

    async def verify(self, key: Jwk, signed: bytes, signature: bytes) -> bool:
        """Whether a signature with RS256 (RFC 7518, 3.3) is valid."""


class Follow(Protocol):
    """Brings this isolate up to date. May raise."""

    async def __call__(self, version: int, /) -> None:
        """Serve this version of the configuration, if it is not served already."""


class SessionIds(Protocol):
    """Random ids, 16 characters of base64url."""

    def __call__(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything that the admin side of an isolate reaches."""

    state_object: StateObject | None
    """None without the binding LB_STATE."""
    access_team: AccessTeam
    follow: Follow
    session_id: SessionIds
    clock: Clock
    log: Log
