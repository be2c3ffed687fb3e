"""The public keys of Cloudflare Access, and when to fetch them.

https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from lb.admin.auth.cloudflare_access import BASE64URL, BadJwt, NoKeys, base64url_bytes
from lb.base.bounded_json import bounded_json

CERTS = "/cdn-cgi/access/certs"
"""Path of the keys below the team's address."""
FETCH_SECONDS = 5.0
"""Timeout of the answer with the keys."""
LARGEST_ANSWER = 100_000
"""Bytes."""

KEEP = 3600.0
"""Seconds after which keys are fetched again: one of them may have been withdrawn."""
FETCH_EVERY = 60.0
"""Seconds between two fetches."""
FIRST_FETCHES = 5
"""Fetches within FETCH_EVERY while no key is known: requests of a new isolate cannot share one."""

_SMALLEST_KEY = 2048
"""Bits."""
_MOST_KEYS = 20

Jwk = tuple[str, str]
"""Modulus and exponent of an RSA key, in base64url (RFC 7518, 6.3.1)."""


def keys_in(text: str) -> dict[str, Jwk] | None:
    """Return the RSA keys of a JWK set by id (RFC 7517, 5); None without any."""
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
            and BASE64URL.fullmatch(exponent)
            and 8 * len(base64url_bytes(modulus) or b"") >= _SMALLEST_KEY
        ):
            keys[kid] = (modulus, exponent)
    return keys or None


@dataclass(slots=True)
class KeyRing:
    """The keys that one isolate knows; times are in seconds."""

    keys: dict[str, Jwk] = field(default_factory=dict)
    _at: float = float("-inf")
    _fetches: deque[float] = field(default_factory=lambda: deque(maxlen=FIRST_FETCHES))

    def should_fetch(self, kid: str, now: float) -> bool:
        """Whether to fetch keys for an id; made-up ids cause one fetch a minute."""
        if kid in self.keys and now - self._at < KEEP:
            return False
        recent = sum(1 for at in self._fetches if now - at < FETCH_EVERY)
        return recent < (1 if self.keys else FIRST_FETCHES)

    def fetching(self, now: float) -> None:
        """Note that a fetch begins."""
        self._fetches.append(now)

    def take(self, keys: dict[str, Jwk] | None, now: float) -> None:
        """Replace the keys by those that were fetched; None (a failure) keeps the old ones."""
        if keys:
            self.keys, self._at = keys, now

    def key(self, kid: str) -> Jwk | BadJwt | NoKeys:
        """Return the key with an id, or why there is none."""
        key = self.keys.get(kid)
        if key is not None:
            return key
        return BadJwt("its key is not known") if self.keys else NoKeys()
