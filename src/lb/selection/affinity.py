"""Session affinity: how a client stays on its origin."""

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
"""Most cookies of one name that are read; one is usual, two result from a change of Path."""


class Affinity(Protocol):
    """The sessions of one load balancer; built once per configuration."""

    def pinned(self, facts: RequestFacts) -> Origin | None:
        """Return the origin that the request names, even if it cannot serve; None = no pin."""

    def key(self, facts: RequestFacts) -> int | None:
        """Return a key of 64 bits that decides the choice; None = chance and load decide."""

    key_is_session: bool
    """Whether the key is the session itself: there is no pin, and its choice is kept."""

    def holds(self, facts: RequestFacts, origin: Origin, pinned: Origin | None) -> bool:
        """Whether a request at `origin` is in its session; `pinned`: the origin that it names."""

    def cookie(self, origin: Origin, *, https: bool) -> str | None:
        """Return the Set-Cookie header that pins a client to `origin`; None = no cookie."""

    def reason(self, facts: RequestFacts) -> str:
        """Return, as text, why the request is in a session or what it lacks; never a value."""


class CookieAffinity:
    """Sessions by a cookie that names the origin.

    The value is a digest of the origin's name: it reveals nothing about the origin, and is valid
    in every isolate and after restarts. With a key it is an HMAC (RFC 2104), which cannot be forged
    without the key. Without one, a client that knows the names of pools and origins can pin itself
    to an origin of its choice, though never to one that takes no traffic.
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
        """Return the origin that the cookie names; None = no origin of this load balancer."""
        cookies = facts.header("cookie")
        for value in values_of(cookies, self._name) if cookies else ():
            origin = self._origins.get(value)
            if origin is None and "," in value:
                # Two Cookie lines may arrive joined by a comma, as other headers are.
                origin = self._origins.get(value.partition(",")[0].strip(' "'))
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
    """Sessions by cookie; a client without one is placed by its address.

    https://developers.cloudflare.com/load-balancing/understand-basics/session-affinity/
    """

    def key(self, facts: RequestFacts) -> int | None:
        return hash64(facts.client_ip)

    def reason(self, facts: RequestFacts) -> str:
        reason = super().reason(facts)
        if self.pinned(facts) is not None:
            return reason
        return f"{reason}, so the client's address {facts.client_ip or '(unknown)'} chooses"


class Part(NamedTuple):
    """One entry of session_affinity_attributes.headers."""

    header: str
    cookies: tuple[str, ...] = ()
    """Names of the cookies that count; empty = the whole header."""


class HeaderAffinity:
    """Sessions by a hash of headers: no table of sessions, as isolates share none in time.

    Requests with the same values have the same key, so every isolate makes the same choice. Other
    values, or another set of present headers, are another session.
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
        """Return the key of the request's session; None = no session."""
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
        return f"it lacks {'one of' if self._all else 'all of'} {names}"


def _no_sessions(lb: LoadBalancer, key: str) -> None:
    del lb, key


KINDS: Mapping[SessionAffinity, Callable[[LoadBalancer, str], Affinity | None]] = {
    SessionAffinity.NONE: _no_sessions,
    SessionAffinity.COOKIE: CookieAffinity,
    SessionAffinity.IP_COOKIE: IpCookieAffinity,
    SessionAffinity.HEADER: HeaderAffinity,
}


def affinity_of(lb: LoadBalancer, key: str) -> Affinity | None:
    """Return the sessions of a load balancer; None = it has none. `key` signs cookies."""
    return KINDS[lb.session_affinity](lb, key)


def _attributes(lb: LoadBalancer, *, https: bool) -> str:
    """Return the attributes of a cookie (RFC 6265, 4.1).

    Auto means the same as with Cloudflare: SameSite=None with Secure, else Lax
    (https://developers.cloudflare.com/load-balancing/understand-basics/session-affinity/).
    HttpOnly is always set, as by Cloudflare.
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
    """Return the first value of this cookie that is not empty; "" = none."""
    return next((value for value in values_of(cookies, name) if value), "")


def values_of(cookies: str, name: str) -> Iterator[str]:
    """Yield the values of the cookies called `name`, MOST_COOKIES_READ at most.

    A search instead of a parser: the header may be long, and usually has many other cookies.
    """
    at = -1
    for _ in range(MOST_COOKIES_READ):
        at = cookies.find(name + "=", at + 1)
        if at < 0:
            return
        if at > 0 and cookies[at - 1] not in " ;,":
            continue
        end = cookies.find(";", at)
        yield cookies[at + len(name) + 1 : end if end >= 0 else None].strip(' "')
