"""URL and headers of requests to origins and of answers to clients."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.model import HeaderEdits, HeaderValue, SecretName
from lb.model.identity import identity_of
from lb.proxy.forged_headers import FORGED
from lb.proxy.forwarding import HOP_BY_HOP, Edits, Forwarding, named_by_connection
from lb.request.facts import VIA
from lb.request.trusted_proxies import TrustedProxies
from support.make import balancer_of, config_of, facts, pool

POOL = pool("p", "a")
A = POOL.origins[0]
PLAIN = Forwarding(balancer_of(POOL), "0123456789abcdef")


def test_the_url_is_the_origins_authority_and_the_clients_target() -> None:
    """Host and scheme are the origin's; path and query are the client's, unchanged."""
    asked = facts(url="http://service.example.com:8787//x/%2e%2E?a=b%20c&d")

    assert PLAIN.url(A, asked) == "https://a.example.com//x/%2e%2E?a=b%20c&d"


def test_the_origin_is_told_what_cloudflare_vouches_for() -> None:
    """Address, scheme and host come from Cloudflare, never from headers of the client."""
    asked = facts(
        url="https://service.example.com:8443/",
        cf_connecting_ip="203.0.113.9",
        x_forwarded_for="6.6.6.6",
        x_real_ip="6.6.6.6",
    )

    edits = PLAIN.request(A, asked)

    assert sets(edits) == {
        "X-Forwarded-For": "203.0.113.9",
        "X-Real-IP": "203.0.113.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "service.example.com:8443",
        VIA: "0123456789abcdef",
        "X-Served-By": "a",
    }
    assert removes(edits) == {*HOP_BY_HOP, *FORGED}


NAMES = [
    "True-Client-IP",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "Fastly-Client-IP",
    "Client-IP",
    "X-ProxyUser-Ip",
    "X-Original-Forwarded-For",
    "X-Original-Host",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Remote-IP",
    "X-Remote-Addr",
    "X-Forwarded",
    "Forwarded-For",
    "X-Appengine-User-IP",
    "X-Azure-ClientIP",
    "WL-Proxy-Client-IP",
    "X-Envoy-External-Address",
    "X-Forwarded-Port",
    "X-Forwarded-Server",
    "X-Forwarded-Scheme",
    "X-Forwarded-Ssl",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_client_passes_for_nobody_else(name: str) -> None:
    """Origins got True-Client-IP and its like as the client sent them."""
    assert name.lower() in removes(PLAIN.request(A, facts()))

    own = HeaderEdits(set=((name, "mine"),))
    forwarding = Forwarding(balancer_of(POOL, request_headers=own), "id")
    assert sets(forwarding.request(A, facts()))[name] == "mine"


def test_no_header_of_ours_or_of_cloudflares_counts_as_forged() -> None:
    """What is set here is replaced, and what Cloudflare sets goes to the origin."""
    assert not {name.lower() for name in sets(PLAIN.request(A, facts(cf_connecting_ip="::1")))} & {
        *FORGED
    }
    assert not any(name.startswith("cf-") or name != name.lower() for name in FORGED)


def test_the_page_lists_the_forged_headers() -> None:
    """docs/security.md names each header that is removed."""
    page = (Path(__file__).parents[3] / "docs" / "security.md").read_text("utf-8").lower()
    section = page.partition("### forged headers")[2].partition("\n### ")[0]

    assert {name for name in FORGED if f"`{name}`" not in section} == set()


def test_the_origin_gets_the_chain_of_trusted_proxies() -> None:
    """X-Forwarded-For begins with the client, and X-Real-IP is the client."""
    asked = facts(cf_connecting_ip="10.0.0.1", x_forwarded_for="6.6.6.6, 198.51.100.1, 10.0.0.2")
    asked.behind(TrustedProxies(["10.0.0.0/8"]))

    edits = PLAIN.request(A, asked)

    assert sets(edits)["X-Forwarded-For"] == "198.51.100.1, 10.0.0.2, 10.0.0.1"
    assert sets(edits)["X-Real-IP"] == "198.51.100.1"


def test_without_an_address_the_clients_claim_is_removed() -> None:
    """Without an address from Cloudflare, the client's own claim is removed."""
    edits = PLAIN.request(A, facts(x_forwarded_for="6.6.6.6"))

    assert {"x-forwarded-for", "x-real-ip"} <= removes(edits)
    assert not {"X-Forwarded-For", "X-Real-IP"} & set(sets(edits))


def test_a_client_cannot_name_our_headers_away() -> None:
    """Headers that Connection names are removed before others are set."""
    asked = facts(connection="close, X-Hop, x-forwarded-for", cf_connecting_ip="203.0.113.9")

    edits = PLAIN.request(A, asked)

    assert {"x-hop", "x-forwarded-for"} <= removes(edits)
    assert sets(edits)["X-Forwarded-For"] == "203.0.113.9"


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("", ()),
        ("keep-alive", ()),
        ("Upgrade", ()),
        ("close, X-A ,x-b", ("x-a", "x-b")),
        ("X A, é, x\x00", ()),
        (",,,", ()),
        ("CF-Connecting-IP, cf-ipcountry, X-A", ("x-a",)),
    ],
)
def test_connection_names_headers(value: str, names: tuple[str, ...]) -> None:
    """Options that belong to the runtime stay, and what is no header name is passed over.

    A client could take away what Cloudflare says of it, and so pass by an origin's rules for it.
    """
    assert named_by_connection(value) == names


@given(st.text())
def test_any_connection_header_can_be_read(value: str) -> None:
    """A long list is cut, and each name in it is valid for `Headers.delete`."""
    names = named_by_connection(value)

    assert len(names) <= 32
    assert all(name.isascii() and name and " " not in name for name in names)


def test_a_request_that_was_here_before_is_known() -> None:
    """A loop is detected by this balancer's name in the header."""
    assert PLAIN.loops(facts(x_evenkeel_via="ffff, 0123456789abcdef"))
    assert not PLAIN.loops(facts(x_evenkeel_via="ffff"))
    edits = PLAIN.request(A, facts(x_evenkeel_via="ffff"))
    assert sets(edits)[VIA] == "ffff, 0123456789abcdef"
    assert VIA not in dict(edits.fixed.set)


def test_a_balancers_name_is_its_configurations() -> None:
    """All isolates of one configuration have the same name; another configuration has another."""
    one, other = config_of(balancer_of(POOL)), config_of(balancer_of(pool("p", "b")))

    assert identity_of(one) == identity_of(config_of(balancer_of(POOL)))
    assert identity_of(one) != identity_of(other)


def test_the_client_is_told_who_served() -> None:
    """X-Served-By and the cookie are added, and hop-by-hop headers removed."""
    edits = PLAIN.response(A, "X-Hop", "sid=1")

    assert removes(edits) == {"x-hop"}
    assert sets(edits) == {"X-Served-By": "a"}
    assert edits.append == (("Set-Cookie", "sid=1"),)
    assert PLAIN.response(A, "", None).append == ()


def test_x_served_by_can_be_turned_off() -> None:
    """Neither side gets X-Served-By, and the client's own is removed."""
    quiet = Forwarding(balancer_of(POOL, x_served_by=False), "id")

    assert "x-served-by" in removes(quiet.request(A, facts()))
    assert "X-Served-By" not in sets(quiet.request(A, facts()))
    assert not sets(quiet.response(A, "", None))


def test_the_operators_edits_come_last() -> None:
    """request_headers and response_headers override what is set here."""
    edits = HeaderEdits(set=(("X-Forwarded-Host", "other"),), remove=("x-powered-by",))
    forwarding = Forwarding(balancer_of(POOL, request_headers=edits, response_headers=edits), "id")

    assert sets(forwarding.request(A, facts()))["X-Forwarded-Host"] == "other"
    assert "x-powered-by" in removes(forwarding.request(A, facts()))
    assert removes(forwarding.response(A, "", None)) == {"x-powered-by"}
    assert sets(forwarding.response(A, "", None))["X-Forwarded-Host"] == "other"


def test_what_is_fixed_is_made_once_for_an_origin() -> None:
    """Fixed edits are the same object each time, so that a runtime can cache them."""
    one = PLAIN.request(A, facts(url="https://service.example.com/a", cf_connecting_ip="::1"))
    other = PLAIN.request(A, facts(url="https://other.example.com/b"))
    plain = PLAIN.request(A, facts(url="http://service.example.com/a"))

    assert one.fixed is other.fixed
    assert one.fixed is not plain.fixed
    assert PLAIN.response(A, "", "a=b").fixed is PLAIN.response(A, "X-Hop", None).fixed


def sets(edits: Edits) -> dict[str, str]:
    """Return the headers that edits set, in order."""
    return dict((*edits.set, *edits.fixed.set))


def removes(edits: Edits) -> set[str]:
    """Return the headers that edits remove."""
    return {*edits.remove, *edits.fixed.remove}


def test_a_secret_is_sent_and_a_missing_one_is_not() -> None:
    """Without its secret a header is not sent at all, and a client's own does not pass for it."""
    edits: HeaderEdits[HeaderValue] = HeaderEdits(
        set=(("X-Key", SecretName("KEY")), ("X-Gone", SecretName("GONE")))
    )
    lb = balancer_of(POOL, request_headers=edits)
    forwarding = Forwarding(lb, "id", secret={"KEY": "hush"}.get)

    made = forwarding.request(A, facts())

    assert sets(made)["X-Key"] == "hush"
    assert "X-Gone" not in sets(made)
    assert "X-Gone" in removes(made)
    assert "hush" not in f"{made!r} {made.fixed!r} {lb!r} {vars(forwarding)['_lb']!r}"
