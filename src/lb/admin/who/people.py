"""Who an operator is: what they may do, how they have shown it, and what a record calls them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import Enum

LONGEST_AUTHOR = 128


class Role(Enum):
    """What somebody may do."""

    ADMIN = "admin"
    READ = "read"


class Means(Enum):
    """How somebody has shown who they are."""

    TOKEN = "token"  # noqa: S105 (no token)
    SESSION = "session"
    ACCESS = "access"


BY_BROWSER = frozenset({Means.SESSION, Means.ACCESS})
"""What a browser adds to a request by itself, whichever page had it sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Somebody who may use the admin side."""

    role: Role
    means: Means
    author: str
    """For the record of changes: `admin token`, `read token`, or a mail address of Access's."""
    csrf: str = ""
    """What the header X-CSRF-Token must say when they change anything; empty for tokens."""
    session: str = ""
    """The id of their session, if that is how they have shown it."""
    until: float = 0.0
    """When it ends by itself, in seconds since the Unix epoch; 0 for tokens."""

    @property
    def may_write(self) -> bool:
        return self.role is Role.ADMIN


def author_of(token: str, claimed: str) -> str:
    """Return a token's holder: its name, and who the holder says they are (X-Auth-Email).

    Cloudflare's API looks at both. Here the token alone decides, so the claim is no more than that,
    and cut down to what a mail address may be.
    """
    fine = "".join(char for char in claimed if "!" <= char <= "~" and char not in "\"'<>()\\,;")
    return f"{token} ({fine[:LONGEST_AUTHOR]})" if fine else token


def client_of(address: str) -> str:
    """Return what counts as one client: an IPv4 address, the first 64 bits of an IPv6 one.

    One subscriber has all addresses below such a prefix (RFC 6177); "" when it is no address.
    """
    return _network(address, 32, 64)


def place_of(address: str) -> str:
    """Return an address as the log shows it, without the part that stands for a person.

    The network is enough to tell one's own office from the other end of the world.
    """
    return _network(address, 24, 48)


def _network(address: str, bits4: int, bits6: int) -> str:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is None:
            # By its number, as the address itself may have a zone.
            return str(ipaddress.IPv6Network((int(found), bits6), strict=False))
        found = found.ipv4_mapped
    return str(ipaddress.IPv4Network((int(found), bits4), strict=False))
