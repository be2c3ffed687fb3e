"""The client's address behind proxies of the operator's, whatever a client claims."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from lb.base.addresses import Ranges, network_of, number_of
from lb.request.trusted_proxies import MOST_HOPS, Believed, TrustedProxies
from support.make import facts

NETWORKS = ("10.0.0.0/8", "2001:db8:1::/48", "192.0.2.7")
PROXIES = TrustedProxies(NETWORKS)
RANGES = Ranges(one for one in map(network_of, NETWORKS) if one is not None)
PEER = "10.0.0.1"


@pytest.mark.parametrize(
    ("forwarded_for", "client", "chain"),
    [
        ("198.51.100.1", "198.51.100.1", "198.51.100.1, 10.0.0.1"),
        # The client claimed the first two; the proxy appended what it saw.
        ("6.6.6.6, 10.6.6.6, 198.51.100.1", "198.51.100.1", "198.51.100.1, 10.0.0.1"),
        ("198.51.100.1, 10.0.0.2,10.0.0.3", "198.51.100.1", "198.51.100.1, 10.0.0.2, 10.0.0.3, {}"),
        ("198.51.100.1, 2001:DB8:1:0::5", "198.51.100.1", "198.51.100.1, 2001:db8:1::5, {}"),
        ("2001:db8:2::1", "2001:db8:2::1", "2001:db8:2::1, {}"),
        # All are proxies: the farthest one asked for itself.
        ("10.0.0.3, 10.0.0.2", "10.0.0.3", "10.0.0.3, 10.0.0.2, {}"),
        ("", PEER, PEER),
        # A port, as Azure's gateways and RFC 7239 have it.
        ("198.51.100.1:4711, 10.0.0.2:80", "198.51.100.1", "198.51.100.1, 10.0.0.2, {}"),
        ("[2001:db8:2::1]:4711", "2001:db8:2::1", "2001:db8:2::1, {}"),
        ("[2001:db8:2::1]", "2001:db8:2::1", "2001:db8:2::1, {}"),
        # IPv4 in IPv6 is the same address.
        ("::ffff:198.51.100.1, ::ffff:10.0.0.2", "198.51.100.1", "198.51.100.1, 10.0.0.2, {}"),
    ],
)
def test_the_first_address_from_the_right_that_is_no_proxy_is_the_client(
    forwarded_for: str, client: str, chain: str
) -> None:
    """RFC 7239, 8.1: what stands left of it is the client's own claim, and is dropped."""
    assert PROXIES.believed(PEER, forwarded_for) == Believed(client, chain.format(PEER))


UNREADABLE = [
    "unknown",
    "_hidden",
    "garbage",
    "10.0.0.300",
    "010.0.0.1",
    "10.0.0.1:",
    "10.0.0.1:x",
    "10.0.0.1:1234567",
    "[10.0.0",
    "[]",
    "[::1]x",
    "fe80::1%eth0",
    "10.0.0.0/8",
    "1",
    "0x0a000001",
    "\x00",
    "é",
    "10.0.0.1;x",
    '"10.0.0.1"',
    "for=10.0.0.1",
]


@pytest.mark.parametrize("bad", ["", *UNREADABLE])
def test_an_entry_that_is_no_address_ends_the_walk(bad: str) -> None:
    """The address right of it is the client's: nothing behind an unreadable entry is believed."""
    assert PROXIES.believed(PEER, f"6.6.6.6, {bad}, 10.0.0.2") == Believed(
        "10.0.0.2", "10.0.0.2, 10.0.0.1"
    )


@pytest.mark.parametrize("peer", ["198.51.100.9", "2001:db8:2::1", "", "garbage", "192.0.2.8"])
def test_nobody_else_is_believed(peer: str) -> None:
    """X-Forwarded-For of a client that asks the Worker itself is its own claim."""
    assert PROXIES.believed(peer, "6.6.6.6") is None


def test_the_walk_is_short() -> None:
    """A list of trusted addresses is read for so many hops, however long it is."""
    found = PROXIES.believed(PEER, ",".join(["6.6.6.6", *["10.0.0.2"] * 5000]))

    assert found is not None
    assert found.client == "10.0.0.2"
    assert len(found.chain.split(", ")) == MOST_HOPS + 1


ADDRESSES = some.sampled_from(
    ["10.0.0.2", "10.1.2.3", "2001:db8:1::9", "192.0.2.7", "198.51.100.1", "6.6.6.6", "::1"]
)
HOSTILE = some.one_of(
    some.text(max_size=40),
    some.text(alphabet='0123456789abcdef.:[],% \t"', max_size=40),
    some.lists(some.one_of(ADDRESSES, some.text(max_size=8)), max_size=8).map(",".join),
)


@given(some.one_of(ADDRESSES, some.text(max_size=20)), HOSTILE)
def test_whatever_is_sent_the_client_is_an_address_that_was_vouched_for(
    peer: str, forwarded_for: str
) -> None:
    """It never raises; each address right of the client's in the chain is a trusted proxy's."""
    found = PROXIES.believed(peer, forwarded_for)
    trusted = (number := number_of(peer)) is not None and number in RANGES

    assert (found is not None) is trusted
    if found is not None:
        client, *proxies = found.chain.split(", ")
        assert client == found.client
        assert number_of(client) is not None
        for one in proxies:
            assert (number_of(one) or 0) in RANGES


@given(HOSTILE, ADDRESSES.filter(lambda one: (number_of(one) or 0) not in RANGES))
def test_no_claim_moves_a_client(claim: str, seen: str) -> None:
    """A client outside of the proxies' ranges cannot choose its address, whatever it sends."""
    assert PROXIES.believed(PEER, f"{claim}, {seen}") == Believed(seen, f"{seen}, {PEER}")


def test_the_facts_believe_only_what_they_are_told_to() -> None:
    """Without trusted proxies, the client's address is the one from Cloudflare."""
    asked = facts(cf_connecting_ip=PEER, x_forwarded_for="6.6.6.6, 198.51.100.1")
    assert (asked.client_ip, asked.forwarded_for) == (PEER, "")

    asked.behind(TrustedProxies(["192.0.2.0/24"]))
    assert (asked.client_ip, asked.forwarded_for) == (PEER, "")

    asked.behind(PROXIES)
    assert (asked.client_ip, asked.forwarded_for) == ("198.51.100.1", "198.51.100.1, 10.0.0.1")
