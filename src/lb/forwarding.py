"""What an origin is told of a request, and a client of an answer: URL and header edits."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lb.hashing import hash64

if TYPE_CHECKING:
    from lb.facts import RequestFacts
    from lb.model import Config, LoadBalancer, Origin

VIA = "x-evenkeel-via"
"""Names the balancers that a request came through. Via itself (RFC 9110, 7.6.3) would make some
origins stop compressing (nginx: gzip_proxied), and CDN-Loop cannot be set by a Worker."""

# RFC 9110, 7.6.1: fields that an intermediary removes whether or not Connection names them,
# and RFC 7235's Proxy-Authorization, which is meant for a proxy. Forwarded (RFC 7239) would be
# the client's own claim.
HOP_BY_HOP = ("keep-alive", "proxy-connection", "proxy-authorization", "te", "forwarded")

_KEPT_BY_THE_RUNTIME = frozenset({"", "close", "keep-alive", "upgrade", "connection", "te"})
_CLOUDFLARES = "cf-"
"""What Cloudflare says of a client is for the origin, though the client names it in Connection."""
MOST_NAMED = 32
"""Headers that one Connection header can name; nobody needs more than a few."""


class Edits(NamedTuple):
    """Headers to remove first, then headers to set, then headers to add."""

    remove: tuple[str, ...] = ()
    set: tuple[tuple[str, str], ...] = ()
    append: tuple[tuple[str, str], ...] = ()


class Forwarding:
    """The edits of one load balancer; what can be known beforehand is made once."""

    def __init__(self, lb: LoadBalancer, identity: str) -> None:
        self._lb = lb
        self._identity = identity
        hidden = () if lb.x_served_by else ("x-served-by",)
        self._request_remove = (*HOP_BY_HOP, *hidden, *lb.request_headers.remove)

    def loops(self, facts: RequestFacts) -> bool:
        """Whether the request has been through this very balancer before."""
        return self._identity in facts.header(VIA)

    def url(self, origin: Origin, facts: RequestFacts) -> str:
        """Return the URL at the origin: its own authority, the client's path and query."""
        return origin.url + facts.target

    def request(self, origin: Origin, facts: RequestFacts) -> Edits:
        """Return the edits for the request to `origin`.

        What the client says in Connection goes first, so that it can name nothing that is set
        here. Addresses come from what Cloudflare vouches for, never from the client's headers.
        """
        ip, via = facts.client_ip, facts.header(VIA)
        known = (("X-Forwarded-For", ip), ("X-Real-IP", ip)) if ip else ()
        unknown = () if ip else ("x-forwarded-for", "x-real-ip")
        served_by = (("X-Served-By", origin.name),) if self._lb.x_served_by else ()
        return Edits(
            remove=(
                *named_by_connection(facts.header("connection")),
                *unknown,
                *self._request_remove,
            ),
            set=(
                *known,
                ("X-Forwarded-Proto", "https" if facts.https else "http"),
                ("X-Forwarded-Host", facts.authority),
                (VIA, f"{via}, {self._identity}" if via else self._identity),
                *served_by,
                *self._lb.request_headers.set,
            ),
        )

    def response(self, origin: Origin, connection: str, set_cookie: str | None) -> Edits:
        """Return the edits for the origin's answer; `connection` is its Connection header."""
        served_by = (("X-Served-By", origin.name),) if self._lb.x_served_by else ()
        return Edits(
            remove=(*named_by_connection(connection), *self._lb.response_headers.remove),
            set=(*served_by, *self._lb.response_headers.set),
            append=(("Set-Cookie", set_cookie),) if set_cookie else (),
        )


def named_by_connection(value: str) -> tuple[str, ...]:
    """Return the headers that a Connection header declares to be for this hop alone."""
    if not value:
        return ()
    names = (name.strip().lower() for name in value.split(",", MOST_NAMED)[:MOST_NAMED])
    return tuple(
        name
        for name in names
        if name not in _KEPT_BY_THE_RUNTIME and not name.startswith(_CLOUDFLARES) and _token(name)
    )


def _token(name: str) -> bool:
    """Whether a text is a header name (RFC 9110, 5.6.2); `delete` throws on all else."""
    return name.isascii() and all(c.isalnum() or c in "!#$%&'*+-.^_`|~" for c in name)


def identity_of(config: Config) -> str:
    """Return a name for this balancer that its isolates share and other balancers do not."""
    return f"{hash64(repr(config.load_balancers)):016x}"
