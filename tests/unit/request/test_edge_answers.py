"""Who wrote an answer, by its status and headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lb.request.edge_answers import (
    EDGE_PAGES,
    WRITERS,
    Barrier,
    EdgePage,
    Writer,
    barrier_of,
    edge_page,
    from_cache,
    to_access,
    writer_of,
    written_by_edge,
)

if TYPE_CHECKING:
    from collections.abc import Callable

LOGIN = "https://team.cloudflareaccess.com/cdn-cgi/access/login/app.example.com?kid=1"


def having(**headers: str) -> Callable[[str], str]:
    """Return a reader of headers, whose names have underscores here."""
    known = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda name: known.get(name, "")


def edge(**headers: str) -> Callable[[str], str]:
    """Return a reader of headers that the edge has signed."""
    return having(server="cloudflare", cf_ray="8f00ba4-AMS", **headers)


@pytest.mark.parametrize(
    ("cache_status", "writer"),
    [
        ("HIT", Writer.CACHE),
        ("STALE", Writer.CACHE),
        ("UPDATING", Writer.CACHE),
        ("REVALIDATED", Writer.CACHE),
        ("hit", Writer.CACHE),
        (" Hit ", Writer.CACHE),
        ("NONE", Writer.EDGE),
        ("unknown", Writer.EDGE),
        ("NONE/UNKNOWN", Writer.EDGE),
        ("MISS", Writer.ORIGIN),
        ("EXPIRED", Writer.ORIGIN),
        ("BYPASS", Writer.ORIGIN),
        ("DYNAMIC", Writer.ORIGIN),
        ("dynamic ", Writer.ORIGIN),
        ("IGNORED", Writer.ORIGIN),
        ("HITS", Writer.ORIGIN),
        # Two zones one behind the other: one cache on the way is enough.
        ("DYNAMIC, HIT", Writer.CACHE),
        ("hit,miss", Writer.CACHE),
        ("MISS, DYNAMIC", Writer.ORIGIN),
        ("NONE, DYNAMIC", Writer.ORIGIN),
        ("NONE, UNKNOWN", Writer.EDGE),
        (",", Writer.ORIGIN),
    ],
)
def test_the_cache_status_says_who_wrote_an_answer(cache_status: str, writer: Writer) -> None:
    """What a cache or the edge wrote says nothing about the origin now."""
    assert writer_of(200, edge(cf_cache_status=cache_status)) is writer
    assert from_cache(cache_status) is (writer is not Writer.ORIGIN)


def test_an_answer_without_a_cache_status_is_not_from_the_cache() -> None:
    """An origin without Cloudflare in front says nothing of caches."""
    assert not from_cache("")
    assert not from_cache(" ")


@pytest.mark.parametrize("status", [101, 200, 204, 302, 304, 403, 404, 500, 502, 503, 530])
def test_without_an_edge_every_answer_is_the_origins(status: int) -> None:
    """A status alone proves nothing, since an origin may answer any, and call itself anything."""
    assert writer_of(status, having()) is Writer.ORIGIN
    assert writer_of(status, having(server="cloudflare")) is Writer.ORIGIN
    assert writer_of(status, having(server="nginx", cf_ray="1")) is Writer.ORIGIN
    assert writer_of(status, having(cf_cache_status="NONE")) is Writer.ORIGIN


@pytest.mark.parametrize("status", [301, 403, 429, 500, 502, 503, 504, 520, 521, 522, 530])
def test_a_page_of_the_edge_has_its_signature_and_no_cache_status(status: int) -> None:
    """Answers of origins that come through the edge carry CF-Cache-Status."""
    assert writer_of(status, edge()) is Writer.EDGE
    assert written_by_edge(edge())
    assert writer_of(status, edge(cf_cache_status="DYNAMIC")) is Writer.ORIGIN
    assert not written_by_edge(edge(cf_cache_status="DYNAMIC"))


@pytest.mark.parametrize("status", [200, 403, 429, 503])
@pytest.mark.parametrize("cache_status", ["", "DYNAMIC"])
def test_a_challenge_says_that_it_is_one(status: int, cache_status: str) -> None:
    """Also a challenge of a second zone behind the first, which adds a cache status."""
    answer = edge(cf_mitigated="challenge", cf_cache_status=cache_status)

    assert barrier_of(status, answer) is Barrier.CHALLENGE
    assert writer_of(status, answer) is Writer.EDGE


@pytest.mark.parametrize("status", [301, 302, 303, 307])
def test_a_redirect_to_a_log_in_page_of_access_is_the_edges(status: int) -> None:
    """The origin behind Access has not seen the request."""
    assert barrier_of(status, edge(location=LOGIN)) is Barrier.ACCESS
    assert writer_of(status, edge(location=LOGIN)) is Writer.EDGE
    assert barrier_of(200, edge(location=LOGIN)) is None
    assert barrier_of(status, edge(location="/login")) is None


@pytest.mark.parametrize(
    ("location", "found"),
    [
        (LOGIN, True),
        (f" {LOGIN.upper()} ", True),
        (LOGIN.removeprefix("https:"), True),
        ("https://team.cloudflareaccess.com", True),
        ("https://team.cloudflareaccess.com:443/", True),
        ("https://team.cloudflareaccess.com?x", True),
        ("https://login.example.com/cdn-cgi/access/login/app.example.com", True),
        ("/cdn-cgi/access/login/app.example.com?kid=1", True),
        # An origin that has Access as its identity provider leads there by itself.
        ("https://team.cloudflareaccess.com/cdn-cgi/access/sso/oidc/1/authorization", False),
        ("https://cloudflareaccess.com.example.com/", False),
        ("https://example.com/?next=https://team.cloudflareaccess.com/", False),
        ("https://example.com?.cloudflareaccess.com", False),
        ("https://example.com#.cloudflareaccess.com", False),
        ("https://notcloudflareaccess.com/", False),
        ("/login?next=/cdn-cgi/access/login", False),
        ("https://example.com/cdn-cgi/access/logout", False),
        ("cloudflareaccess.com", False),
        ("mailto://x.cloudflareaccess.com", False),
        ("", False),
        ("//", False),
    ],
)
def test_a_log_in_page_of_access_is_known_by_its_address(location: str, found: bool) -> None:
    """By the team's domain, or by the path, as a team may have a domain of its own."""
    assert to_access(location) is found


def test_a_worker_that_is_the_origin_is_not_beyond_blame() -> None:
    """An exception of a Worker at the origin's hostname is no rule of the edge against a client."""
    assert {edge_page(status, edge()) for status in (500, 503)} == {EdgePage.FAILED}
    assert {edge_page(status, edge()) for status in (302, 403, 429)} == {EdgePage.OWN}


def test_a_challenge_is_not_a_failure_of_a_worker() -> None:
    """A challenge may come with 503, and its status means nothing."""
    for status in (403, 503, 530):
        assert edge_page(status, edge(cf_mitigated="challenge")) is EdgePage.OWN


def test_only_what_the_edge_could_not_send_is_sure_not_to_have_reached_the_origin() -> None:
    """The origin may have a request that ran into a time-out or brought nonsense."""
    unreached = {status for status, page in EDGE_PAGES.items() if page is EdgePage.UNREACHED}

    assert unreached == {521, 523, 525, 526, 530}
    assert set(EDGE_PAGES.values()) | {EdgePage.OWN} == set(EdgePage)
    assert set(WRITERS.values()) == set(Writer)


def test_an_ordinary_answer_costs_one_header() -> None:
    """Each header that is read is a call into the runtime."""
    read: list[str] = []

    def header(name: str) -> str:
        read.append(name)
        return "HIT" if name == "cf-cache-status" else ""

    assert writer_of(404, header) is Writer.CACHE
    assert read == ["cf-cache-status"]
