"""The URL and the header edits of requests to origins and of answers to clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lb.model import SecretName
from lb.model.header_secrets import no_secret, sent
from lb.proxy.forged_headers import FORGED
from lb.proxy.own_name import OwnName
from lb.request.facts import VIA

if TYPE_CHECKING:
    from lb.model import LoadBalancer, Origin, OriginKey
    from lb.model.header_secrets import Secret
    from lb.request.facts import RequestFacts


# Fields that an intermediary removes whether or not Connection names them (RFC 9110, 7.6.1);
# Proxy-Authorization, which is meant for a proxy (RFC 7235); and Forwarded (RFC 7239), which would
# be the client's own claim.
HOP_BY_HOP = ("keep-alive", "proxy-connection", "proxy-authorization", "te", "forwarded")


_KEPT_BY_THE_RUNTIME = frozenset({"", "close", "keep-alive", "upgrade", "connection", "te"})


_CLOUDFLARES = "cf-"
"""Prefix of Cloudflare's headers. They go to the origin, even if Connection names them."""


ACCESS_CLIENT_ID = "cf-access-client-id"
"""Header with the id of a service token of Cloudflare Access."""


MOST_NAMED = 32
"""Most headers that one Connection header can name; a few are usual."""


class Fixed:
    """Header edits that many requests share; a runtime can cache what it builds from them."""

    __slots__ = ("remove", "set")

    def __init__(self, remove: tuple[str, ...], to_set: tuple[tuple[str, str], ...]) -> None:
        self.remove = remove
        self.set = to_set


class Edits(NamedTuple):
    """Header edits in their order: `remove` of both parts, `set`, `fixed.set`, `append`."""

    fixed: Fixed
    remove: tuple[str, ...] = ()
    set: tuple[tuple[str, str], ...] = ()
    append: tuple[tuple[str, str], ...] = ()


class Forwarding:
    """The edits of one load balancer; the fixed ones are built once."""

    def __init__(
        self,
        lb: LoadBalancer,
        identity: str,
        also: tuple[tuple[str, str], ...] = (),
        secret: Secret = no_secret,
    ) -> None:
        """`identity` names this balancer in `VIA`; `also` is set on every request.

        A header whose secret is missing is removed: a client's own value must not take its place.
        """
        self._lb = lb
        self._also = also
        self._set, self._missing = sent(lb.request_headers.set, secret)
        self._identity = identity
        self._requests: dict[tuple[tuple[str, str], bool, bool], Fixed] = {}
        self._responses: dict[OriginKey, Fixed] = {}
        self._own_names: dict[OriginKey, OwnName] = {}
        self._drops_access = sends_credentials(lb)
        self.renames = lb.proxy_redirect or self._drops_access
        """Whether headers of answers that may name their origin are looked at."""

    def loops(self, facts: RequestFacts) -> bool:
        """Whether the request has been through this balancer before."""
        return self._identity in facts.via

    def url(self, origin: Origin, facts: RequestFacts) -> str:
        """Return the URL at the origin: its own authority, the client's path and query."""
        return origin.url + facts.target

    def request(self, origin: Origin, facts: RequestFacts) -> Edits:
        """Return the edits for the request to `origin`.

        Headers that Connection names are removed before anything is set here. The client's
        address is the one that Cloudflare vouches for, or a trusted proxy, never one that only the
        client claims. X-Forwarded-For begins with it, and goes on with the trusted proxies.
        """
        ip, via, connection = facts.client_ip, facts.via, facts.header("connection")
        remove = named_by_connection(connection) if connection else ()
        edits: tuple[tuple[str, str], ...] = (("X-Forwarded-Host", facts.authority),)
        if ip:
            edits = (("X-Forwarded-For", facts.forwarded_for or ip), ("X-Real-IP", ip), *edits)
        else:
            remove += ("x-forwarded-for", "x-real-ip")
        if via:
            edits += ((VIA, f"{via}, {self._identity}"),)
        return Edits(self._request(origin, https=facts.https, via=bool(via)), remove, edits)

    def response(
        self, origin: Origin, connection: str, set_cookie: str | None, timing: str = ""
    ) -> Edits:
        """Return the edits for the origin's answer; `connection` is its Connection header.

        `timing` is appended as Server-Timing, beside any of the origin's.
        """
        fixed = self._responses.get(origin.key)
        if fixed is None:
            edits = self._lb.response_headers
            fixed = Fixed(edits.remove, (*self._served_by(origin), *edits.set))
            self._responses[origin.key] = fixed
        return Edits(
            fixed,
            named_by_connection(connection) if connection else (),
            append=(
                *((("Set-Cookie", set_cookie),) if set_cookie else ()),
                *((("Server-Timing", timing),) if timing else ()),
            ),
        )

    def own_name(self, origin: Origin) -> OwnName:
        """Return what replaces the origin's name in its answers."""
        own = self._own_names.get(origin.key)
        if own is None:
            own = self._own_names[origin.key] = OwnName(
                origin, renames=self._lb.proxy_redirect, drops_access=self._drops_access
            )
        return own

    def _request(self, origin: Origin, *, https: bool, via: bool) -> Fixed:
        key = (origin.key, https, via)
        fixed = self._requests.get(key)
        if fixed is None:
            edits = self._lb.request_headers
            hidden = () if self._lb.x_served_by else ("x-served-by",)
            first_hop = () if via else ((VIA, self._identity),)
            fixed = self._requests[key] = Fixed(
                (*HOP_BY_HOP, *FORGED, *hidden, *edits.remove, *self._missing),
                (
                    ("X-Forwarded-Proto", "https" if https else "http"),
                    *first_hop,
                    *self._served_by(origin),
                    *self._set,
                    *self._also,
                ),
            )
        return fixed

    def _served_by(self, origin: Origin) -> tuple[tuple[str, str], ...]:
        return (("X-Served-By", origin.name),) if self._lb.x_served_by else ()


def sends_credentials(lb: LoadBalancer) -> bool:
    """Whether requests to origins may have a service token of Cloudflare Access.

    Access can read one from any header (read_service_tokens_from_header), so any secret may be one.
    """
    return any(
        name.lower() == ACCESS_CLIENT_ID or isinstance(value, SecretName)
        for name, value in lb.request_headers.set
    )


def server_timing(
    lb: LoadBalancer, origin: Origin, took: float | None, total: float, tried: int
) -> str:
    """Return the value of Server-Timing for an answer (https://www.w3.org/TR/server-timing/).

    `took`: seconds of the origin, None = the client's are among them; `total`: seconds since the
    request arrived; `tried`: number of attempts. The origin is named where X-Served-By names it.
    """
    quoted = origin.name.replace("\\", "\\\\").replace('"', '\\"')
    name = f';desc="{quoted}"' if lb.x_served_by else ""
    duration = "" if took is None else f";dur={1000 * took:.1f}"
    parts = (
        f"lb;dur={1000 * total:.1f}",
        f"origin{name}{duration}",
        f'attempts;desc="{tried}"',
    )
    return ", ".join(parts)


def named_by_connection(value: str) -> tuple[str, ...]:
    """Return the headers that a Connection header declares hop-by-hop, in lower case."""
    names = (name.strip().lower() for name in value.split(",", MOST_NAMED)[:MOST_NAMED])
    return tuple(
        name
        for name in names
        if name not in _KEPT_BY_THE_RUNTIME and not name.startswith(_CLOUDFLARES) and _token(name)
    )


def _token(name: str) -> bool:
    """Whether a text is a header name (RFC 9110, 5.6.2); JavaScript throws on any other."""
    return name.isascii() and all(c.isalnum() or c in "!#$%&'*+-.^_`|~" for c in name)
