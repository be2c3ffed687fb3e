"""The client's address where the Worker stands behind proxies of the operator's."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lb.base.addresses import V6, Ranges, network_of, number_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_HOPS = 32
"""Most addresses of X-Forwarded-For that are read, from the right."""

_MAPPED = V6 + (0xFFFF << 32)
"""First of the IPv4-mapped IPv6 addresses, ::ffff:0:0/96 (RFC 4291, 2.5.5.2)."""
_IPV4 = 1 << 32


class Believed(NamedTuple):
    """What is believed of a request's way."""

    client: str
    """Address of the client."""
    chain: str
    """X-Forwarded-For from the client to the proxy that asked the Worker."""


class TrustedProxies:
    """Proxies whose X-Forwarded-For is believed.

    Each proxy appends the address that it was asked from, so the list is read from the right: as
    long as an address is a trusted proxy's, the one before it is believed too. The first one that
    is not is the client's. What stands left of it is the client's own claim
    (RFC 7239, 8.1; https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/X-Forwarded-For).
    """

    def __init__(self, networks: Iterable[str]) -> None:
        """`networks`: CIDR ranges and addresses; what is neither is left out."""
        found = (network_of(one) for one in networks)
        self._ranges = Ranges(one for one in found if one is not None)

    def believed(self, peer: str, forwarded_for: str) -> Believed | None:
        """Return what is believed; None = the peer, which asked the Worker, is no trusted proxy.

        `forwarded_for`: X-Forwarded-For, several of them joined by commas. An entry that is no
        address ends the walk: the address before it is then the client's.
        """
        number = _number(peer)
        if number is None or number not in self._ranges:
            return None
        chain = [text_of(number)]
        for entry in reversed(forwarded_for.rsplit(",", MOST_HOPS)[-MOST_HOPS:]):
            number = _number(_without_port(entry.strip()))
            if number is None:
                break
            chain.append(text_of(number))
            if number not in self._ranges:
                break
        return Believed(chain[-1], ", ".join(reversed(chain)))


def _number(text: str) -> int | None:
    number = None if "%" in text else number_of(text)
    if number is not None and _MAPPED <= number < _MAPPED + _IPV4:
        return number - _MAPPED
    return number


def _without_port(entry: str) -> str:
    """Return an address without a port: `192.0.2.1:4711` (Azure), `[2001:db8::1]:4711`."""
    if entry.startswith("["):
        address, bracket, port = entry[1:].partition("]")
        return address if bracket and (not port or _is_port(port)) else ""
    address, colon, port = entry.partition(":")
    return address if colon and "." in address and _is_port(colon + port) else entry


def _is_port(text: str) -> bool:
    return text[0] == ":" and text[1:].isascii() and text[1:].isdigit() and len(text) < 7
