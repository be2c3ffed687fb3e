"""Who wrote an answer: the origin, a cache, or Cloudflare's edge in place of the origin."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Header = Callable[[str], str]
    """Returns a header of an answer by its lower-case name; "" = missing."""


class Writer(Enum):
    """Who wrote an answer."""

    ORIGIN = "the origin"
    CACHE = "Cloudflare's cache"
    EDGE = "Cloudflare's edge"


# https://developers.cloudflare.com/cache/concepts/cache-responses/. An answer that was found in the
# cache says nothing about the origin now: not HIT, not STALE (the origin could not be asked), not
# UPDATING (another request asks it). REVALIDATED: the origin may have said 304, or the upper tier
# of a tiered cache has. NONE and UNKNOWN: the edge made the answer.
WRITERS: Mapping[str, Writer] = {
    "hit": Writer.CACHE,
    "stale": Writer.CACHE,
    "updating": Writer.CACHE,
    "revalidated": Writer.CACHE,
    "none": Writer.EDGE,
    "unknown": Writer.EDGE,
    "miss": Writer.ORIGIN,
    "expired": Writer.ORIGIN,
    "bypass": Writer.ORIGIN,
    "dynamic": Writer.ORIGIN,
}
"""The writer of an answer by its CF-Cache-Status, in lower case; any other value: the origin."""


class EdgePage(Enum):
    """What an answer of the edge means."""

    UNREACHED = "the edge could not reach the origin, and sent it nothing"
    NO_ANSWER = "the edge lost the origin, or got no valid answer from it"
    NOT_IN_TIME = "the origin did not answer the edge in time"
    OWN = "the edge answered for reasons of its own"


# Connection refused, unreachable, TLS handshake or certificate failed, name or tunnel not found:
# the edge has sent nothing. After the others the origin may have the request.
# https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
EDGE_PAGES: Mapping[int, EdgePage] = {
    502: EdgePage.NO_ANSWER,
    504: EdgePage.NOT_IN_TIME,
    520: EdgePage.NO_ANSWER,
    521: EdgePage.UNREACHED,
    522: EdgePage.NO_ANSWER,
    523: EdgePage.UNREACHED,
    524: EdgePage.NOT_IN_TIME,
    525: EdgePage.UNREACHED,
    526: EdgePage.UNREACHED,
    527: EdgePage.NO_ANSWER,
    530: EdgePage.UNREACHED,
}
"""The meaning of an answer of the edge by its status; any other status: OWN."""

ACCESS_HOST = ".cloudflareaccess.com"
ACCESS_PATH = "/cdn-cgi/access/"


def from_cache(cache_status: str) -> bool:
    """Whether an answer with this CF-Cache-Status says nothing about the origin now."""
    status = cache_status.strip().lower()
    return WRITERS.get(status, Writer.ORIGIN) is not Writer.ORIGIN


def writer_of(status: int, header: Header) -> Writer:
    """Return who wrote an answer.

    Answers of origins carry CF-Cache-Status, and pages of the edge do not. A challenge says so
    (https://developers.cloudflare.com/cloudflare-challenges/challenge-types/challenge-pages/detect-response/),
    and a redirect to a log-in page of Cloudflare Access is known by where it leads.
    """
    cache_status = header("cf-cache-status")
    if cache_status and from_cache(cache_status):
        return WRITERS[cache_status.strip().lower()]
    if header("cf-mitigated") or (300 <= status < 400 and to_access(header("location"))):
        return Writer.EDGE
    return Writer.EDGE if not cache_status and _signed_by_edge(header) else Writer.ORIGIN


def written_by_edge(header: Header) -> bool:
    """Whether Cloudflare's edge wrote an answer in place of the origin, by its signature."""
    return _signed_by_edge(header) and not header("cf-cache-status")


def edge_page(status: int) -> EdgePage:
    """Return what an answer of the edge with this status means."""
    return EDGE_PAGES.get(status, EdgePage.OWN)


def to_access(location: str) -> bool:
    """Whether a redirect leads to a log-in page of Cloudflare Access.

    https://developers.cloudflare.com/cloudflare-one/access-controls/
    """
    scheme, slashes, rest = location.strip().lower().partition("//")
    if scheme in {"http:", "https:", ""} and slashes:
        authority, slash, path = rest.partition("/")
        host = authority.rpartition("@")[2].partition(":")[0]
        return host.endswith(ACCESS_HOST) or (slash + path).startswith(ACCESS_PATH)
    return location.strip().startswith(ACCESS_PATH)


def _signed_by_edge(header: Header) -> bool:
    return header("server").strip().lower() == "cloudflare" and bool(header("cf-ray"))
