"""Facts of a request, and the look-up of its host."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.request.facts import LONGEST_HEADER_READ, RequestFacts, host_of
from lb.request.hosts import HostTable, loopback
from support.make import facts


@pytest.mark.parametrize(
    ("url", "host", "target", "https"),
    [
        ("https://a.example.com/", "a.example.com", "/", True),
        ("http://A.Example.com:8787/x/../y?q=%2F#", "a.example.com", "/x/../y?q=%2F#", False),
        ("https://a.example.com?q", "a.example.com", "?q", True),
        ("https://a.example.com", "a.example.com", "", True),
        ("https://a.example.com.:443/", "a.example.com", "/", True),
        ("http://[::1]:8787//double", "[::1]", "//double", False),
        ("https://user:pass@a.example.com/", "a.example.com", "/", True),
    ],
)
def test_a_url_is_taken_apart_without_being_changed(
    url: str, host: str, target: str, https: bool
) -> None:
    """The host is normalised; path and query stay unchanged."""
    read = facts(url=url)

    assert (read.host, read.target, read.https) == (host, target, https)


@given(st.text())
def test_any_url_can_be_read(url: str) -> None:
    """No URL raises."""
    read = facts(url=url)

    assert url.endswith(read.target)
    assert host_of(read.authority) == read.host


@pytest.mark.parametrize(
    ("value", "length"),
    [("0", 0), ("12", 12), ("-1", None), ("1e3", None), ("", None), ("٣", None), ("9" * 16, None)],
)
def test_a_content_length_is_a_number_or_unknown(value: str, length: int | None) -> None:
    """Anything but plain digits counts as unknown."""
    assert facts("POST", body=True, content_length=value).content_length == length


def test_a_place_is_what_the_runtime_says() -> None:
    """Codes are in upper case, and coordinates are numbers, though they arrive as text."""
    read = facts(
        cf={
            "colo": "nrt",
            "country": "JP",
            "regionCode": "13",
            "continent": "AS",
            "latitude": "35.68950",
            "longitude": "139.69171",
            "asn": 2516,
        }
    )

    assert (read.colo, read.country, read.region_code, read.continent) == ("NRT", "JP", "13", "AS")
    assert (read.latitude, read.longitude, read.asn) == (35.6895, 139.69171, 2516)


@pytest.mark.parametrize("nonsense", [None, True, object(), [], "", "x", "nan", "inf", 10**400])
def test_an_unknown_place_is_no_place(nonsense: object) -> None:
    """A missing value, or one of another type, is unknown and does not raise."""
    read = facts(cf=dict.fromkeys(["latitude", "longitude", "asn"], nonsense))

    assert (read.latitude, read.longitude, read.asn) == (None, None, None)
    assert (read.colo, read.country, read.region_code, read.continent) == ("", "", "", "")


def test_nothing_of_a_request_is_read_before_it_is_asked_for() -> None:
    """A fact of the place is read on demand, and once."""
    asked: list[str] = []
    read = RequestFacts("GET", "https://a.example.com/", dict[str, str]().get, cf=asked.append)

    assert asked == []
    assert (read.country, read.country) == ("", "")
    assert asked == ["country"]


def test_a_header_too_long_to_look_at_counts_as_missing() -> None:
    """A header of more than 16 KB counts as missing."""
    read = facts(cookie="x" * (LONGEST_HEADER_READ + 1), accept="y" * LONGEST_HEADER_READ)

    assert read.header("cookie") == ""
    assert len(read.header("accept")) == LONGEST_HEADER_READ


def test_a_header_is_read_only_when_asked_for() -> None:
    """Headers are read on demand, and common ones once."""
    asked: list[str] = []

    def header(name: str) -> str:
        asked.append(name)
        return "203.0.113.9"

    read = RequestFacts("GET", "https://a.example.com/", header)
    assert asked == []

    assert read.client_ip == read.via == read.via == "203.0.113.9"
    assert asked == ["cf-connecting-ip", "x-evenkeel-via"]


TABLE = HostTable([("a.example.com", 1), ("*.example.com", 2), ("*.deep.example.com", 3), ("*", 4)])


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("a.example.com", 1),
        ("b.example.com", 2),
        ("x.y.example.com", 2),
        ("x.deep.example.com", 3),
        ("deep.example.com", 2),
        ("example.com", 4),
        ("[::1]", 4),
    ],
)
def test_the_most_specific_name_serves_a_host(host: str, found: int) -> None:
    """The order is exact, closest wildcard, `*`; a wildcard does not fit its own name."""
    assert TABLE.find(host) == found


def test_a_host_that_nobody_names_is_not_found() -> None:
    """Without `*`, an unknown host has no load balancer."""
    assert HostTable([("a.example.com", 1), ("*.example.com", 2)]).find("example.org") is None


@given(st.text())
def test_any_host_can_be_looked_up(host: str) -> None:
    """No Host header raises."""
    assert TABLE.find(host) in (None, 1, 2, 3, 4)


@pytest.mark.parametrize(
    "host",
    [
        *("evil.org\\.example.com", "evil.org#.example.com", "evil.org?.example.com", ""),
        *('x"y.example.com', "<b>.example.com", "x%2e.example.com", "a b", "a,b", "\xe9", "[::1"),
        "x." * 130 + "example.com",
    ],
)
def test_what_is_no_host_name_is_served_by_nobody(host: str) -> None:
    r"""`evil.org\.example.com` was redirected to https, where a browser goes to evil.org."""
    assert TABLE.find(host) is None


def test_a_host_of_many_labels_costs_no_time() -> None:
    """Each of 30,000 labels copied the rest of the host; the longest host took 0.2 s."""
    table = HostTable([("*.example.com", 1)])
    began = time.perf_counter()
    for _ in range(100):
        table.find("a." * 30_000 + "example.com")
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        ("a.example.com:", "a.example.com"),
        ("a.example.com:65535", "a.example.com"),
        ("a.example.com:'<a href=", ""),
        ("a.example.com:80:80", ""),
        ("a.example.com:123456", ""),
        ("a.example.com:\u0663", ""),
        ("[::1]", "[::1]"),
        ("[::1]x", ""),
        ("[::1]:x", ""),
    ],
)
def test_a_port_is_a_number(authority: str, host: str) -> None:
    """`service.example.com:<b>` was served, and sent to the origin in X-Forwarded-Host."""
    assert host_of(authority) == host


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("app.localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("[::1]", True),
        ("127.example.com", False),
        ("localhost.example.com", False),
        ("example.com", False),
    ],
)
def test_loopback_names_are_known(host: str, local: bool) -> None:
    """RFC 6761's localhost and RFC 1122's 127/8 are local; similar names are not."""
    assert loopback(host) is local
