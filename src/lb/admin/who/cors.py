"""What a browser says of the page that had a request sent, and what other pages may read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.request.hosts import loopback

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lb.request.facts import RequestFacts

Headers = tuple[tuple[str, str], ...]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
SAFE = frozenset({"GET", "HEAD"})
"""RFC 9110, 9.2.1: they change nothing."""

ALLOWED_HEADERS = (
    "Authorization",
    "Content-Type",
    "If-Match",
    "X-Auth-Email",
    "X-Auth-Key",
    "X-Auth-User-Service-Key",
)
PREFLIGHT_LASTS = 600
"""Seconds for which a browser may keep what it was told of another page's requests."""

STRICT = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""The Content-Security-Policy of what is no page."""


def cross_site(facts: RequestFacts, *, must_say: bool = True) -> str | None:
    """Say why a request cannot be one of our own page's; None when it can.

    Sec-Fetch-Site (https://www.w3.org/TR/fetch-metadata/) and Origin (RFC 6454, 7) are set by the
    browser, whatever the page wants. Some leave one of them out: all that are there must fit.
    Without `must_say`, so may a request that has neither, which no page of today can send.
    """
    site, origin = facts.header("sec-fetch-site"), facts.header("origin")
    if site and site != "same-origin":
        return "the request comes from another site's page"
    if origin and origin.lower() != own_origin(facts):
        return "the request comes from a page of another origin"
    if must_say and not site and not origin:
        return "the request does not say which page it comes from (Origin, Sec-Fetch-Site)"
    return None


def own_origin(facts: RequestFacts) -> str:
    """Return the origin that a request went to, as a browser writes it (RFC 6454, 6.2)."""
    scheme = "https" if facts.https else "http"
    return f"{scheme}://{facts.authority.lower()}"


def secure_cookie(facts: RequestFacts) -> bool:
    """Whether a cookie may travel over https alone: always, but on a developer's own machine."""
    return facts.https or not loopback(facts.host)


def allowed_origin(facts: RequestFacts, origins: Sequence[str]) -> Headers:
    """Return the headers that let a page of a configured origin read an answer; none for others.

    No credentials: a page of another origin shows a token, it never uses a cookie.
    https://fetch.spec.whatwg.org/#http-cors-protocol
    """
    origin = facts.header("origin")
    if origin not in origins:
        return ()
    return (
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Expose-Headers", "ETag, Retry-After"),
    )


def preflight(facts: RequestFacts, origins: Sequence[str]) -> Headers | None:
    """Return the headers that permit a page's request; None when nobody is permitted anything."""
    allowed = allowed_origin(facts, origins)
    if not allowed or not facts.header("access-control-request-method"):
        return None
    return (
        *allowed,
        ("Access-Control-Allow-Methods", ", ".join(METHODS)),
        ("Access-Control-Allow-Headers", ", ".join(ALLOWED_HEADERS)),
        ("Access-Control-Max-Age", str(PREFLIGHT_LASTS)),
    )


def headers_of(content_type: str, own: Headers, cors: Headers) -> list[tuple[str, str]]:
    """Return all headers of an answer; its own come before ours only for what it may show.

    https://owasp.org/www-project-secure-headers/ says what each is good for.
    """
    return [
        *((("Content-Type", content_type),) if content_type else ()),
        ("Content-Security-Policy", STRICT),
        *((name, value) for name, value in own if not name.lower().startswith("access-control-")),
        *cors,
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Resource-Policy", "cross-origin" if cors else "same-origin"),
        ("Vary", "Authorization, Cookie, Origin"),
    ]
