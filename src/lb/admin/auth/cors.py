"""Cross-origin access: which other pages may read answers (`cors_origins`).

https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.admin.calls import METHODS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lb.request.facts import RequestFacts

Headers = tuple[tuple[str, str], ...]

ALLOWED_HEADERS = (
    "Authorization",
    "Content-Type",
    "If-Match",
    "X-Auth-Email",
    "X-Auth-Key",
    "X-Auth-User-Service-Key",
)
PREFLIGHT_LASTS = 600
"""Seconds for which a browser may keep the answer to a preflight."""


def allowed_origin(facts: RequestFacts, origins: Sequence[str]) -> Headers:
    """Return the headers that let a page of a configured origin read an answer; none for others.

    Credentials are not allowed: a page of another origin shows a token and never uses a cookie.
    """
    origin = facts.header("origin")
    if origin not in origins:
        return ()
    return (
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Expose-Headers", "ETag, Retry-After"),
    )


def preflight(facts: RequestFacts, origins: Sequence[str]) -> Headers | None:
    """Return the headers that answer a preflight; None for an origin that is not allowed."""
    allowed = allowed_origin(facts, origins)
    if not allowed or not facts.header("access-control-request-method"):
        return None
    return (
        *allowed,
        ("Access-Control-Allow-Methods", ", ".join(METHODS)),
        ("Access-Control-Allow-Headers", ", ".join(ALLOWED_HEADERS)),
        ("Access-Control-Max-Age", str(PREFLIGHT_LASTS)),
    )
