"""Authenticated operators: role, way of signing in, and the author in the record of changes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

LONGEST_AUTHOR = 128


class Role(Enum):
    """Permissions of an operator."""

    ADMIN = "admin"
    READ = "read"


class SignIn(Enum):
    """How an operator has signed in. The values stand in the log as `means`."""

    TOKEN = "token"  # noqa: S105 (no token)
    SESSION = "session"
    ACCESS = "access"


BY_BROWSER = frozenset({SignIn.SESSION, SignIn.ACCESS})
"""Credentials that a browser adds to any request, whichever page sends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """An authenticated user of the admin side."""

    role: Role
    sign_in: SignIn
    author: str
    """For the record of changes: `admin token`, `read token`, or a mail address from Access."""
    csrf: str = ""
    """Required value of the header X-CSRF-Token in a change; "" for tokens."""
    session: str = ""
    """Id of the session; "" for tokens and Access."""
    until: float = 0.0
    """End of the session or of the JWT, in seconds since the Unix epoch; 0 for tokens."""

    @property
    def may_write(self) -> bool:
        return self.role is Role.ADMIN


def author_of(token: str, claimed: str) -> str:
    """Return the author of a request with a token: its name, and the mail address in X-Auth-Email.

    Cloudflare's API checks both. Here the token alone decides; the address is an unchecked claim,
    cut to the characters that a mail address may have.
    """
    fine = "".join(char for char in claimed if "!" <= char <= "~" and char not in "\"'<>()\\,;")
    return f"{token} ({fine[:LONGEST_AUTHOR]})" if fine else token
