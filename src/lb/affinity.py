"""Session affinity: the cookie that keeps a client on its origin."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING

from lb.model import SameSite, Secure, SessionAffinity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lb.model import LoadBalancer, Origin

TOKEN_LENGTH = 32
MOST_COOKIES_READ = 8
"""Cookies of our name that are looked at: one is usual, two come from a change of Path."""


class CookieAffinity:
    """The cookies of one load balancer, one for each origin, made once for a configuration.

    A value is a digest of the origin's name, so it tells nothing about the origin and stays valid
    over restarts and in every isolate. With a key it is an HMAC (RFC 2104), which nobody without
    the key can make; without one, a client that knows the names of pools and origins could pin
    itself to an origin of its choice, though never to one that takes no traffic.
    """

    def __init__(self, lb: LoadBalancer, key: str) -> None:
        self._name = lb.cookie_name
        self._lb = lb
        self._origins: dict[str, Origin] = {}
        self._tokens: dict[tuple[str, str], str] = {}
        for pool in lb.pools:
            for origin in pool.origins:
                token = _token(key, lb.name, origin)
                self._origins[token] = origin
                self._tokens[origin.key] = token

    def pinned(self, cookies: str) -> Origin | None:
        """Return the origin that a Cookie header names; None if it names none of ours."""
        for value in _values(cookies, self._name):
            origin = self._origins.get(value)
            if origin is not None:
                return origin
        return None

    def cookie(self, origin: Origin, *, https: bool) -> str:
        """Return the Set-Cookie header that pins a client to `origin` (RFC 6265, 4.1).

        Secure and SameSite as Cloudflare's Auto reads them: None goes with Secure, else Lax
        (https://developers.cloudflare.com/load-balancing/understand-basics/session-affinity/).
        HttpOnly always, as theirs.
        """
        attributes = self._lb.session_affinity_attributes
        secure = attributes.secure is Secure.ALWAYS or (attributes.secure is Secure.AUTO and https)
        samesite = attributes.samesite
        if samesite is SameSite.AUTO:
            samesite = SameSite.NONE if secure else SameSite.LAX
        return (
            f"{self._name}={self._tokens[origin.key]}; Path=/; "
            f"Max-Age={self._lb.session_affinity_ttl}; HttpOnly; "
            f"{'Secure; ' if secure else ''}SameSite={samesite.value}"
        )


def cookie_affinity(lb: LoadBalancer, key: str) -> CookieAffinity | None:
    """Return the load balancer's cookies, None when it keeps no sessions by cookie."""
    if lb.session_affinity in (SessionAffinity.COOKIE, SessionAffinity.IP_COOKIE):
        return CookieAffinity(lb, key)
    return None


def _token(key: str, lb_name: str, origin: Origin) -> str:
    text = "\0".join(("evenkeel affinity 1", lb_name, *origin.key)).encode()
    digest = hmac.new(key.encode(), text, sha256) if key else sha256(text)
    return digest.hexdigest()[:TOKEN_LENGTH]


def _values(cookies: str, name: str) -> Iterator[str]:
    """Yield the values of the cookies called `name` that have the length of a token.

    A search instead of a parser: the header is the client's, may be long and is usually
    full of other cookies.
    """
    at = -1
    for _ in range(MOST_COOKIES_READ):
        at = cookies.find(name + "=", at + 1)
        if at < 0:
            return
        if at > 0 and cookies[at - 1] not in " ;":
            continue
        value = cookies[at + len(name) + 1 :].partition(";")[0].strip(' "')
        if len(value) == TOKEN_LENGTH:
            yield value
