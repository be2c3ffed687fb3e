"""Cloudflare Access: the claims of its JWTs, and the operators that they identify.

https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lb.admin.auth.sessions import cookies_in
from lb.admin.auth.signed_in import LONGEST_AUTHOR, Role
from lb.base.bounded_json import bounded_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.model import Access
    from lb.request.facts import RequestFacts

HEADER = "cf-access-jwt-assertion"
COOKIE = "CF_Authorization"

SKEW = 60.0
"""Seconds that two clocks may differ by."""

LATEST = 1e15
"""Largest time that is accepted: not all larger whole numbers are floats."""

_NAME = re.compile(r"[!-~]+")
BASE64URL = re.compile(r"[A-Za-z0-9_-]+")
"""RFC 7515, 2: without padding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessIdentity:
    """The user that a JWT with a valid signature identifies."""

    author: str
    role: Role | None
    """None for a user whom the configuration does not list."""
    until: float
    """Expiry of the JWT, in seconds since the Unix epoch."""


@dataclass(frozen=True, slots=True)
class BadJwt:
    """Malformed, wrong audience, expired, or with a wrong signature."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoKeys:
    """The signature cannot be checked: the keys of Access cannot be fetched."""


Assertion = AccessIdentity | BadJwt | NoKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class Jwt:
    """A decoded JWT whose signature has not been checked."""

    kid: str
    """Id of the key that it claims to be signed with."""
    claims: Mapping[str, object]
    signed: bytes
    """The signed bytes."""
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Unverified:
    """The user that a JWT identifies if its signature is valid."""

    jwt: Jwt
    identity: AccessIdentity


def unverified(facts: RequestFacts, access: Access, now: float) -> Unverified | BadJwt | None:
    """Return the user that the JWT of a request claims to identify; None without a JWT."""
    text = jwt_of(facts)
    if not text:
        return None
    jwt = decoded(text)
    if isinstance(jwt, BadJwt):
        return jwt
    identity = claimed_identity(jwt, access, now)
    return identity if isinstance(identity, BadJwt) else Unverified(jwt=jwt, identity=identity)


def jwt_of(facts: RequestFacts) -> str:
    """Return the JWT that Access has added to a request; "" without one."""
    header = facts.header(HEADER)
    return header or next(iter(cookies_in(facts.header("cookie"), COOKIE)), "")


def decoded(text: str) -> Jwt | BadJwt:
    """Return the content of a JWT (RFC 7519; RFC 7515, 7.1); only RS256 is accepted."""
    parts = text.split(".")
    if len(parts) != 3 or not all(BASE64URL.fullmatch(part) for part in parts):
        return BadJwt("it is not a JWT")
    header, claims, signature = (base64url_bytes(part) for part in parts)
    fields, claimed = _table(header), _table(claims)
    if fields is None or claimed is None or signature is None:
        return BadJwt("it is not a JWT")
    if fields.get("alg") != "RS256":
        return BadJwt("it is not signed with RS256")
    kid = fields.get("kid")
    if not isinstance(kid, str) or not kid or "crit" in fields:
        return BadJwt("it does not say which key it is signed with")
    signed = text.rpartition(".")[0].encode()
    return Jwt(kid=kid, claims=claimed, signed=signed, signature=signature)


def claimed_identity(jwt: Jwt, access: Access, now: float) -> AccessIdentity | BadJwt:
    """Return the user that the claims of a JWT identify (RFC 7519, 4.1)."""
    claims = jwt.claims
    until = _time(claims, "exp")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    problems = (
        (claims.get("iss") != access.team, "it is another team's"),
        (access.audience not in audiences, "it is for another application"),
        (until is None or until + SKEW <= now, "it has expired"),
        (not _past(claims, "nbf", now) or not _past(claims, "iat", now), "it is not valid yet"),
    )
    problem = next((reason for wrong, reason in problems if wrong), None)
    if problem is not None or until is None:
        return BadJwt(problem or "it has expired")
    author = _author(claims)
    if not author:
        return BadJwt("it names nobody")
    return AccessIdentity(author=author, role=role_of(access, author), until=until)


def role_of(access: Access, author: str) -> Role | None:
    """Return the role of a user whom Access lets in; None for no access.

    `writers` and `readers` name users of either role. For all others: without both lists everybody
    may write; with `writers` alone they may read; with `readers` they have no access.
    """
    if author in access.writers or not (access.readers or access.writers):
        return Role.ADMIN
    if author in access.readers or not access.readers:
        return Role.READ
    return None


def base64url_bytes(part: str) -> bytes | None:
    """Return the bytes of a text in base64url; None for any other text."""
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None


def _table(data: bytes | None) -> dict[str, object] | None:
    try:
        found = bounded_json((data or b"").decode())
    except UnicodeDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _time(claims: Mapping[str, object], name: str) -> float | None:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < LATEST else None


def _past(claims: Mapping[str, object], name: str, now: float) -> bool:
    """Whether an optional time has passed."""
    at = _time(claims, name)
    return (at is not None and at <= now + SKEW) or name not in claims


def _author(claims: Mapping[str, object]) -> str:
    """Return a user's mail address, or a service token's client id; "" without either."""
    for name in ("email", "common_name"):
        value = claims.get(name)
        if isinstance(value, str) and len(value) <= LONGEST_AUTHOR and _NAME.fullmatch(value):
            return value.lower()
    return ""
