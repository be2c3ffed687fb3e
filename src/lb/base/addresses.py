"""IP addresses as numbers, so that a list of any length takes one search."""

from __future__ import annotations

from bisect import bisect_right
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

V6 = 1 << 128
"""Offset of IPv6 addresses; IPv4 addresses are the numbers below it."""
_BITS4, _BITS6 = 32, 128


def number_of(text: str) -> int | None:
    """Return an address's number; None = not an address."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return int(address) if address.version == 4 else V6 + int(address)


def text_of(number: int) -> str:
    """Return an address as text (RFC 5952)."""
    if number < V6:
        return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))
    return str(ip_address((number - V6).to_bytes(16, "big")))


def network_of(text: str) -> tuple[int, int] | None:
    """Return a CIDR range's first and last address; bits beyond its length are ignored."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return None
    low, high = int(network[0]), int(network[-1])
    return (low, high) if network.version == 4 else (V6 + low, V6 + high)


def masked(number: int, bits4: int, bits6: int) -> int:
    """Return the address of the network that an address is in."""
    if number < V6:
        return number >> (_BITS4 - bits4) << (_BITS4 - bits4)
    shift = _BITS6 - bits6
    return V6 + ((number - V6) >> shift << shift)


class Ranges:
    """A set of ranges; ranges that touch or overlap are joined."""

    def __init__(self, ranges: Iterable[tuple[int, int]]) -> None:
        self._lows: list[int] = []
        self._highs: list[int] = []
        for low, high in sorted(ranges):
            if self._highs and low <= self._highs[-1] + 1:
                self._highs[-1] = max(self._highs[-1], high)
            else:
                self._lows.append(low)
                self._highs.append(high)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._lows, number) - 1
        return at >= 0 and number <= self._highs[at]
