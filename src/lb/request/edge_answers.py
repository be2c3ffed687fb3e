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
# UPDATING (another request asks it). REVALIDATED: the 304 is the origin's, or that of the upper
# tier of a tiered cache, which answers from its own store. NONE and UNKNOWN: the edge made it.
WRITERS: Mapping[str, Writer] = {
    "hit": Writer.CACHE,
    "stale": Writer.CACHE,
    "updating": Writer.CACHE,
    "revalidated": Writer.CACHE,
    "none": Writer.EDGE,
    "unknown": Writer.EDGE,
    "none/unknown": Writer.EDGE,
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
    FAILED = "the edge failed, or a Worker at the origin's hostname"
    OWN = "the edge answered for reasons of its own"


# Connection refused, unreachable, TLS handshake or certificate failed, name or tunnel not found:
# the edge has sent nothing. After 502, 504, 520, 522, 524 and 527 the origin may have the request.
# 500 and 503: what a Worker answers, or the edge for it after an exception (1101, 1102), is signed
# as a page of the edge is. A Worker that is the origin must not be beyond blame for that.
# https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
EDGE_PAGES: Mapping[int, EdgePage] = {
    500: EdgePage.FAILED,
    502: EdgePage.NO_ANSWER,
    503: EdgePage.FAILED,
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


class Barrier(Enum):
    """What keeps requests from the origin, by its own sign, whatever the status."""

    CHALLENGE = "a challenge page"
    ACCESS = "a log-in page of Cloudflare Access"


def from_cache(cache_status: str) -> bool:
    """Whether an answer with this CF-Cache-Status says nothing about the origin now."""
    return bool(cache_status) and _writer_by(cache_status) is not Writer.ORIGIN


def writer_of(status: int, header: Header) -> Writer:
    """Return who wrote an answer; where no edge stood between, the origin.

    Answers of origins carry CF-Cache-Status, and pages of the edge do not. Answers of a Worker
    don't either: such an answer is the edge's too.
    """
    cache_status = header("cf-cache-status")
    writer = _writer_by(cache_status) if cache_status else Writer.EDGE
    if writer is Writer.CACHE:
        return writer
    if barrier_of(status, header) is not None:
        return Writer.EDGE
    return Writer.EDGE if writer is Writer.EDGE and _signed_by_edge(header) else Writer.ORIGIN


def written_by_edge(header: Header) -> bool:
    """Whether Cloudflare's edge wrote an answer in place of the origin, by its signature."""
    return _signed_by_edge(header) and not header("cf-cache-status")


def edge_page(status: int, header: Header) -> EdgePage:
    """Return what an answer of the edge means."""
    page = EDGE_PAGES.get(status, EdgePage.OWN)
    return EdgePage.OWN if barrier_of(status, header) is not None else page


def barrier_of(status: int, header: Header) -> Barrier | None:
    """Return what answered in place of the origin by its own sign, None = nothing of the kind.

    Every challenge page says that it is one:
    https://developers.cloudflare.com/cloudflare-challenges/challenge-types/challenge-pages/detect-response/
    """
    if header("cf-mitigated"):
        return Barrier.CHALLENGE
    if 300 <= status < 400 and to_access(header("location")):
        return Barrier.ACCESS
    return None


ACCESS_HOST = ".cloudflareaccess.com"
ACCESS_LOGIN = "/cdn-cgi/access/login"
ACCESS_SSO = "/cdn-cgi/access/sso/"
"""Paths of a team's domain for applications that have Access as their identity provider
(https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/saas-apps/):
an origin leads its visitors there by itself."""


def to_access(location: str) -> bool:
    """Whether a redirect leads to a log-in page of Cloudflare Access."""
    scheme, slashes, rest = location.strip().lower().partition("//")
    if scheme not in {"http:", "https:", ""} or not slashes:
        return location.strip().lower().startswith(ACCESS_LOGIN)
    authority, slash, path = rest.partition("/")
    if (slash + path).startswith(ACCESS_LOGIN):
        return True
    host = authority.partition("?")[0].partition("#")[0].rpartition("@")[2].partition(":")[0]
    return host.endswith(ACCESS_HOST) and not (slash + path).startswith(ACCESS_SSO)


def _writer_by(cache_status: str) -> Writer:
    """Return the writer by CF-Cache-Status: one value, or several of edges one behind another."""
    found = WRITERS.get(cache_status.strip().lower())
    if found is not None or "," not in cache_status:
        return found or Writer.ORIGIN
    writers = {_writer_by(one) for one in cache_status.split(",") if one.strip()}
    return next(
        (one for one in (Writer.CACHE, Writer.ORIGIN, Writer.EDGE) if one in writers), Writer.ORIGIN
    )


def _signed_by_edge(header: Header) -> bool:
    return header("server").strip().lower() == "cloudflare" and bool(header("cf-ray"))
