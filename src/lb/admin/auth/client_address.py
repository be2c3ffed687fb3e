"""Addresses of clients: what counts as one client, and what the log shows of it."""

from __future__ import annotations

import ipaddress


def client_of(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or the first 64 bits of an IPv6 one.

    One subscriber has all addresses below such a prefix (RFC 6177); "" for what is not an address.
    """
    return _network(address, 32, 64)


def logged_network(address: str) -> str:
    """Return the network of an address: 24 bits of IPv4, 48 of IPv6; "" for anything else.

    It distinguishes the operator's office from elsewhere and identifies nobody.
    """
    return _network(address, 24, 48)


def _network(address: str, bits4: int, bits6: int) -> str:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is None:
            # By number: the address itself may have a zone.
            return str(ipaddress.IPv6Network((int(found), bits6), strict=False))
        found = found.ipv4_mapped
    return str(ipaddress.IPv4Network((int(found), bits4), strict=False))
