"""Addresses of clients, as they are counted and logged."""

from __future__ import annotations

import pytest

from lb.admin.auth.client_address import client_of, logged_network


@pytest.mark.parametrize(
    ("address", "client", "place"),
    [
        ("203.0.113.77", "203.0.113.77/32", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("2001:0DB8:0001:0002::9", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.77/32", "203.0.113.0/24"),
        ("fe80::1%eth0", "fe80::/64", "fe80::/48"),
        ("", "", ""),
        ("203.0.113.77, 198.51.100.1", "", ""),
        ("localhost", "", ""),
        ("1" * 5000, "", ""),
    ],
)
def test_a_client_is_an_address_or_a_subscribers_prefix(
    address: str, client: str, place: str
) -> None:
    """The log shows the network only."""
    assert (client_of(address), logged_network(address)) == (client, place)
