"""The admin token and the read token: their requirements, and their comparison."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256

from lb.admin.auth.signed_in import Role

ADMIN_TOKEN = "LB_ADMIN_TOKEN"  # noqa: S105 (the name of the secret, not the secret)
READ_TOKEN = "LB_READ_TOKEN"  # noqa: S105 (as above)

SHORTEST = 32
LONGEST = 1024

MAKE_ONE = "`evenkeel token` makes a good one"


@dataclass(frozen=True, slots=True)
class Closed:
    """The admin side answers 503 until the operator fixes the tokens."""

    problems: tuple[str, ...]
    """Messages without the tokens."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """SHA-256 digests of the tokens; of one length, so a comparison reveals nothing."""

    admin: bytes
    read: bytes | None
    key: bytes
    """Key of the sessions' signatures, derived from both tokens: changing one ends all sessions."""

    def role_of(self, given: str) -> Role | None:
        """Return the role of a token; the time taken is the same for each wrong one."""
        digest = _digest(given)
        admin = hmac.compare_digest(digest, self.admin)
        read = hmac.compare_digest(digest, self.read or bytes(len(digest)))
        if admin:
            return Role.ADMIN
        return Role.READ if read and self.read else None


def tokens_of(admin: str, read: str, context: str = "") -> Tokens | Closed | None:
    """Return the tokens of these two secrets; None where neither is set.

    Sessions also end when `context` changes.
    """
    if not admin:
        return Closed((f"{READ_TOKEN} is set and {ADMIN_TOKEN} is not",)) if read else None
    problems = [
        f"{name} {problem}"
        for name, token in ((ADMIN_TOKEN, admin), (READ_TOKEN, read))
        if token and (problem := token_problem(token))
    ]
    if admin == read:
        problems.append(f"{READ_TOKEN} is the same as {ADMIN_TOKEN}, so it would do more than read")
    if problems:
        return Closed(tuple(problems))
    made_of = f"evenkeel session\0{read}\0{context}".encode()
    key = hmac.digest(admin.encode(), made_of, "sha256")
    return Tokens(_digest(admin), _digest(read) if read else None, key)


def token_problem(token: str) -> str | None:
    """Say what is wrong with a token, without repeating it; None = nothing."""
    if len(token) < SHORTEST:
        return f"has fewer than {SHORTEST} characters: {MAKE_ONE}"
    if len(token) > LONGEST:
        return f"has more than {LONGEST} characters: {MAKE_ONE}"
    if not all("!" <= char <= "~" for char in token):
        return f"has characters that are not printable ASCII, or spaces: {MAKE_ONE}"
    return None


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
