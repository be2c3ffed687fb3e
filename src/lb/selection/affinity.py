"""Session affinity: what keeps a client on its origin."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, Protocol

from lb.base.hashing import hash64
from lb.model import SameSite, Secure, SessionAffinity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lb.model import LoadBalancer, Origin, OriginKey
    from lb.request.facts import RequestFacts

TOKEN_LENGTH = 32
MOST_COOKIES_READ = 8
"""Cookies of one name that are looked at: one is usual, two come from a change of Path."""


class Affinity(Protocol):
    """How one load balancer keeps sessions, made once for a configuration."""

    def pinned(self, facts: RequestFacts) -> Origin | None:
        """Return the origin that the request names, whether or not it can serve."""

    def key(self, facts: RequestFacts) -> int | None:
        """Return 64 bits that choose for a request with no pin; None: chance and load choose."""

    key_is_session: bool
    """Whether the key is the session itself: there is no pin, and the choice by it is kept."""

    def holds(self, facts: RequestFacts, origin: Origin, pinned: Origin | None) -> bool:
        """Whether a request at `origin` is in its session; `pinned` is the origin that it names."""

    def cookie(self, origin: Origin, *, https: bool) -> str | None:
        """Return the Set-Cookie header that pins a client to `origin`; None = no cookie."""

    def reason(self, facts: RequestFacts) -> str:
        """Say what makes the request part of a session, or what it lacks; no values."""


class CookieAffinity:
    """A cookie for each origin.

    A value is a digest of the origin's name, so it tells nothing about the origin and stays valid
    over restarts and in every isolate. With a key it is an HMAC (RFC 2104), which nobody without
    the key can make; without one, a client that knows the names of pools and origins could pin
    itself to an origin of its choice, though never to one that takes no traffic.
    """

    key_is_session = False

    def __init__(self, lb: LoadBalancer, key: str) -> None:
        self._name = lb.cookie_name
        self._origins: dict[str, Origin] = {}
        self._cookies: dict[OriginKey, tuple[str, str]] = {}
        plain, secure = _attributes(lb, https=False), _attributes(lb, https=True)
        for pool in lb.pools:
            for origin in pool.origins:
                token = _token(key, lb.name, origin)
                pair = f"{self._name}={token}; "
                self._origins[token] = origin
                self._cookies[origin.key] = (pair + plain, pair + secure)

    def pinned(self, facts: RequestFacts) -> Origin | None:
        """Return the origin that the cookie names; None if it names none of ours."""
        cookies = facts.header("cookie")
        for value in values_of(cookies, self._name) if cookies else ():
            origin = self._origins.get(value)
            if origin is not None:
                return origin
        return None

    def key(self, facts: RequestFacts) -> int | None:
        del facts
        return None

    def holds(self, facts: RequestFacts, origin: Origin, pinned: Origin | None) -> bool:
        del facts
        return origin is pinned

    def cookie(self, origin: Origin, *, https: bool) -> str:
        return self._cookies[origin.key][https]

    def reason(self, facts: RequestFacts) -> str:
        origin = self.pinned(facts)
        if origin is not None:
            return f"its cookie {self._name} names {'/'.join(origin.key)}"
        if any(values_of(facts.header("cookie"), self._name)):
            return f"its cookie {self._name} names no origin of this load balancer"
        return f"it has no cookie {self._name}"


class IpCookieAffinity(CookieAffinity):
    """A cookie, and for a client that has none yet the choice by its address.

    https://developers.cloudflare.com/load-balancing/understand-basics/session-affinity/
    """

    def key(self, facts: RequestFacts) -> int | None:
        return hash64(facts.client_ip)

    def reason(self, facts: RequestFacts) -> str:
        known = super().reason(facts)
        if self.pinned(facts) is not None:
            return known
        return f"{known}, so the client's address {facts.client_ip or '(unknown)'} chooses"


class Part(NamedTuple):
    """One entry of session_affinity_attributes.headers."""

    header: str
    cookies: tuple[str, ...] = ()
    """Only these cookies of the header Cookie; none: all of it."""


class HeaderAffinity:
    """A hash of headers, since nothing that all isolates know is at hand while a request waits.

    Requests with the same values have the same key, so every isolate chooses alike. A change of
    the values, or of which of the headers there are, is another session.
    https://developers.cloudflare.com/load-balancing/understand-basics/session-affinity/#control-how-headers-are-used
    """

    key_is_session = True

    def __init__(self, lb: LoadBalancer, key: str) -> None:
        del key
        attributes = lb.session_affinity_attributes
        self._parts = tuple(_part(entry) for entry in attributes.headers)
        self._all = attributes.require_all_headers

    def pinned(self, facts: RequestFacts) -> Origin | None:
        del facts
        return None

    def key(self, facts: RequestFacts) -> int | None:
        """Return the key of a request's session; None if it belongs to none."""
        found: list[str] = []
        for header, cookies in self._parts:
            value = facts.header(header)
            if not cookies:
                given = [(header, value)] if value else []
            else:
                given = [(name, each) for name in cookies if (each := cookie_of(value, name))]
            if self._all and len(given) < (len(cookies) or 1):
                return None
            for name, each in given:
                found += (header, name, each)
        return hash64(*found) if found else None

    def holds(self, facts: RequestFacts, origin: Origin, pinned: Origin | None) -> bool:
        del origin, pinned
        return self.key(facts) is not None

    def cookie(self, origin: Origin, *, https: bool) -> str | None:
        del origin, https
        return None

    def reason(self, facts: RequestFacts) -> str:
        names = ", ".join(
            f"{header} ({', '.join(cookies)})" if cookies else header
            for header, cookies in self._parts
        )
        if self.key(facts) is not None:
            return f"a hash of its headers chooses: those it has of {names}"
        return f"it lacks {'one of' if self._all else 'every one of'} {names}"


def _nothing_keeps(lb: LoadBalancer, key: str) -> None:
    del lb, key


KINDS: Mapping[SessionAffinity, Callable[[LoadBalancer, str], Affinity | None]] = {
    SessionAffinity.NONE: _nothing_keeps,
    SessionAffinity.COOKIE: CookieAffinity,
    SessionAffinity.IP_COOKIE: IpCookieAffinity,
    SessionAffinity.HEADER: HeaderAffinity,
}


def affinity_of(lb: LoadBalancer, key: str) -> Affinity | None:
    """Return how a load balancer keeps sessions, None when it does not; `key` signs cookies."""
    return KINDS[lb.session_affinity](lb, key)


def _attributes(lb: LoadBalancer, *, https: bool) -> str:
    """Return the attributes of a cookie (RFC 6265, 4.1).

    Secure and SameSite as Cloudflare's Auto reads them: None goes with Secure, else Lax
    (https://developers.cloudflare.com/load-balancing/understand-basics/session-affinity/).
    HttpOnly always, as theirs.
    """
    attributes = lb.session_affinity_attributes
    secure = attributes.secure is Secure.ALWAYS or (attributes.secure is Secure.AUTO and https)
    samesite = attributes.samesite
    if samesite is SameSite.AUTO:
        samesite = SameSite.NONE if secure else SameSite.LAX
    return (
        f"Path=/; Max-Age={lb.session_affinity_ttl}; HttpOnly; "
        f"{'Secure; ' if secure else ''}SameSite={samesite.value}"
    )


def _part(entry: str) -> Part:
    name, _, cookies = entry.partition(":")
    return Part(name.lower(), tuple(sorted(set(cookies.split(",")))) if cookies else ())


def _token(key: str, lb_name: str, origin: Origin) -> str:
    text = "\0".join(("evenkeel affinity 1", lb_name, *origin.key)).encode()
    digest = hmac.new(key.encode(), text, sha256) if key else sha256(text)
    return digest.hexdigest()[:TOKEN_LENGTH]


def cookie_of(cookies: str, name: str) -> str:
    """Return the value of the first cookie of this name that has one, "" if there is none."""
    return next((value for value in values_of(cookies, name) if value), "")


def values_of(cookies: str, name: str) -> Iterator[str]:
    """Yield the values of the cookies called `name`.

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
        end = cookies.find(";", at)
        yield cookies[at + len(name) + 1 : end if end >= 0 else None].strip(' "')
