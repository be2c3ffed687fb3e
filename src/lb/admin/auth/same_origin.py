"""Protection from cross-site requests: whether a browser sends a request from our own page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.request.hosts import loopback

if TYPE_CHECKING:
    from lb.request.facts import RequestFacts


def cross_site(facts: RequestFacts, *, must_say: bool = True) -> str | None:
    """Say why a request cannot come from our own page; None when it can.

    Sec-Fetch-Site (https://www.w3.org/TR/fetch-metadata/) and Origin (RFC 6454, 7) are set by the
    browser; a page cannot change them. Some browsers leave one out, so each that is present must
    fit. With `must_say`, one of them must be present: current browsers always send one from a page.
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
    """Return the origin that a request was sent to, as a browser writes it (RFC 6454, 6.2)."""
    scheme = "https" if facts.https else "http"
    return f"{scheme}://{facts.authority.lower()}"


def secure_cookie(facts: RequestFacts) -> bool:
    """Whether a cookie is restricted to https: always, except on a developer's own machine."""
    return facts.https or not loopback(facts.host)
