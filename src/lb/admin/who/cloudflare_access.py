"""Cloudflare Access: what a JWT of its must say before anybody looks at the signature.

https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/
"""

from __future__ import annotations

import base64
import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lb.admin.who.people import LONGEST_AUTHOR, Role
from lb.admin.who.sessions import cookies_in
from lb.base.bounded_json import bounded_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.model import Access
    from lb.request.facts import RequestFacts

HEADER = "cf-access-jwt-assertion"
COOKIE = "CF_Authorization"
CERTS = "/cdn-cgi/access/certs"

SKEW = 60.0
"""Seconds that two clocks may differ."""

KEEP = 3600.0
"""Seconds after which keys are fetched anew, as one of them may have been withdrawn."""
ASK_EVERY = 60.0
FIRST_ASKED = 5
"""Fetches within ASK_EVERY while no key is known: requests of a cold isolate cannot share one."""

_SMALLEST_KEY = 2048
_MOST_KEYS = 20
_NAME = re.compile(r"[!-~]+")
_PART = re.compile(r"[A-Za-z0-9_-]+")

Jwk = tuple[str, str]
"""Modulus and exponent of an RSA key, in base64url (RFC 7518, 6.3.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """Who Access says it is; the signature has been checked."""

    author: str
    role: Role | None
    """None for somebody whom Access knows and the configuration does not."""
    until: float


@dataclass(frozen=True, slots=True)
class BadJwt:
    """A JWT that is none, or not for here, or not any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoKeys:
    """Nobody can tell, as the keys of Access cannot be fetched."""


Assertion = Vouched | BadJwt | NoKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class Jwt:
    """What a JWT says, if its signature is what `kid` made of `signed`."""

    kid: str
    claims: Mapping[str, object]
    signed: bytes
    signature: bytes


def jwt_in(facts: RequestFacts) -> str:
    """Return the JWT that Access added to a request, "" where there is none."""
    header = facts.header(HEADER)
    return header or next(iter(cookies_in(facts.header("cookie"), COOKIE)), "")


def taken_apart(text: str) -> Jwt | BadJwt:
    """Return what a JWT says (RFC 7519; RFC 7515, 7.1). Of all algorithms, only RS256 is taken."""
    parts = text.split(".")
    if len(parts) != 3 or not all(_PART.fullmatch(part) for part in parts):
        return BadJwt("this is no JWT")
    header, claims, signature = (_bytes(part) for part in parts)
    says, claimed = _table(header), _table(claims)
    if says is None or claimed is None or signature is None:
        return BadJwt("this is no JWT")
    if says.get("alg") != "RS256":
        return BadJwt("it is not signed with RS256")
    kid = says.get("kid")
    if not isinstance(kid, str) or not kid or "crit" in says:
        return BadJwt("it does not say which key it is signed with")
    signed = text.rpartition(".")[0].encode()
    return Jwt(kid=kid, claims=claimed, signed=signed, signature=signature)


def vouched_by(jwt: Jwt, access: Access, now: float) -> Vouched | BadJwt:
    """Return who a JWT stands for, as far as its claims go (RFC 7519, 4.1)."""
    claims = jwt.claims
    until = _time(claims, "exp")
    said = claims.get("aud")
    audiences = said if isinstance(said, list) else [said]
    problems = (
        (claims.get("iss") != access.team, "it is another team's"),
        (access.audience not in audiences, "it is for another application"),
        (until is None or until + SKEW <= now, "it is over"),
        (not _past(claims, "nbf", now) or not _past(claims, "iat", now), "it is not yet good"),
    )
    problem = next((words for wrong, words in problems if wrong), None)
    if problem is not None or until is None:
        return BadJwt(problem or "it is over")
    author = _author(claims)
    if not author:
        return BadJwt("it names nobody")
    return Vouched(author=author, role=role_of(access, author), until=until)


def role_of(access: Access, author: str) -> Role | None:
    """Return what somebody may do whom Access lets in.

    Whoever is in a list may do what it says. Of the others: with neither list everybody may write,
    with writers alone the rest may read, and with readers nobody else may do anything.
    """
    if author in access.writers or not (access.readers or access.writers):
        return Role.ADMIN
    if author in access.readers or not access.readers:
        return Role.READ
    return None


def keys_in(text: str) -> dict[str, Jwk] | None:
    """Return the RSA keys of a JWK set by their id (RFC 7517, 5); None if it has none."""
    found = bounded_json(text)
    listed = found.get("keys") if isinstance(found, dict) else None
    keys: dict[str, Jwk] = {}
    for each in listed[:_MOST_KEYS] if isinstance(listed, list) else ():
        jwk = each if isinstance(each, dict) else {}
        kid, modulus, exponent = jwk.get("kid"), jwk.get("n"), jwk.get("e")
        if (
            jwk.get("kty") == "RSA"
            and jwk.get("alg", "RS256") == "RS256"
            and isinstance(kid, str)
            and kid
            and isinstance(modulus, str)
            and isinstance(exponent, str)
            and _PART.fullmatch(exponent)
            and 8 * len(_bytes(modulus) or b"") >= _SMALLEST_KEY
        ):
            keys[kid] = (modulus, exponent)
    return keys or None


_LATEST = 1e15
"""No time is as late as this; of larger whole numbers, not all are floats."""


@dataclass(slots=True)
class KeyRing:
    """The keys that an isolate knows, and when it may ask for others. Times in seconds."""

    keys: dict[str, Jwk] = field(default_factory=dict)
    _at: float = float("-inf")
    _asked: deque[float] = field(default_factory=lambda: deque(maxlen=FIRST_ASKED))

    def should_ask(self, kid: str, now: float) -> bool:
        """Whether to fetch keys for this one; a made-up one causes no more than a few fetches."""
        if kid in self.keys and now - self._at < KEEP:
            return False
        lately = sum(1 for at in self._asked if now - at < ASK_EVERY)
        return lately < (1 if self.keys else FIRST_ASKED)

    def asked(self, now: float) -> None:
        """Note that they are being fetched."""
        self._asked.append(now)

    def take(self, keys: dict[str, Jwk] | None, now: float) -> None:
        """Take what was fetched; when that failed, those that are known serve on."""
        if keys:
            self.keys, self._at = keys, now


def _bytes(part: str) -> bytes | None:
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
    return float(value) if abs(value) < _LATEST else None


def _past(claims: Mapping[str, object], name: str, now: float) -> bool:
    """Whether a time that may be left out is over, if it is there."""
    at = _time(claims, name)
    return (at is not None and at <= now + SKEW) or name not in claims


def _author(claims: Mapping[str, object]) -> str:
    """Return a person's mail address, or a service token's client id."""
    for name in ("email", "common_name"):
        value = claims.get(name)
        if isinstance(value, str) and len(value) <= LONGEST_AUTHOR and _NAME.fullmatch(value):
            return value.lower()
    return ""
