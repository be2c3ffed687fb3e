"""Host names and addresses that a Worker can send a request to."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
# The WHATWG URL parser takes such a host for an IPv4 address ("ends in a number"):
# https://url.spec.whatwg.org/#ends-in-a-number-checker
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST_HOST = 253
_HIGHEST_PORT = 65_535
_DEFAULT_PORTS = {"http": 80, "https": 443}

NO_IP_ADDRESS = (
    "a Worker cannot send requests to an IP address (Cloudflare answers with error 1003): "
    "give a host name"
)
NO_PRIVATE_ADDRESS = (
    "is an address of a private network, which no Worker reaches: give a public hostname of the "
    "tunnel (Cloudflare answers requests to any IP address with error 1003)"
)
NO_TUNNEL_ID = (
    "a tunnel's own cfargotunnel.com name serves only DNS records of its account: "
    "give a public hostname of the tunnel"
)
NOT_ASCII = "a host name has ASCII letters only: write its punycode form (xn--...)"
NOTHING_BEHIND = "only a host may be given, as a request brings its own path and query"


OUT_OF_REACH = frozenset({NO_IP_ADDRESS, NO_PRIVATE_ADDRESS, NO_TUNNEL_ID})
"""Problems of addresses that Cloudflare's load balancing accepts and a Worker cannot reach."""


@dataclass(frozen=True, slots=True)
class Address:
    """An origin's address in parts."""

    text: str
    """The address as written."""
    scheme: str
    """Empty = not given."""
    host: str
    port: int
    """0 = not given."""

    @property
    def loopback(self) -> bool:
        """Whether it is the local machine."""
        return _is_loopback(self.host)

    @property
    def explicit(self) -> bool:
        """Whether the operator chose the scheme or the port."""
        return bool(self.scheme or self.port)

    def url(self, port: int = 0) -> str:
        """Scheme, host and port; `port` is the origin's key of that name, 0 = not given."""
        chosen = self.port or port
        # No certificate on a developer's machine is trusted by the runtime.
        plain = chosen == _DEFAULT_PORTS["http"] or self.loopback
        scheme = self.scheme or ("http" if plain else "https")
        default = chosen in {0, _DEFAULT_PORTS[scheme]}
        return f"{scheme}://{self.host}" if default else f"{scheme}://{self.host}:{chosen}"


def hostname_problem(host: str) -> str | None:
    """The problem of a lower-case host name (RFC 1123 2.1, underscores allowed); None = valid."""
    if host.endswith("."):
        return "a host name ends without a dot"
    if len(host) > _LONGEST_HOST:
        return f"a host name has at most {_LONGEST_HOST} characters"
    labels = host.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        return "is not a host name"
    if _NUMERIC_LABEL.fullmatch(labels[-1]):
        return NO_IP_ADDRESS
    return None


def served_name_problem(name: str) -> str | None:
    """The problem of a load balancer's name (host name, wildcard or `*`); None = valid."""
    if name == "*":
        return None
    if not name.isascii():
        return NOT_ASCII
    host = name.lower().removeprefix("*.")
    if "*" in host:
        return 'a "*" may stand alone or as the first label: "*.example.com"'
    if "/" in host or ":" in host:
        return "must be a bare host name, without scheme, port or path"
    return hostname_problem(host)


def parse_address(text: str) -> Address | str:
    """An address in parts, or its problem."""
    reason = _unusable_text(text)
    if reason:
        return reason
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "", text
    scheme = scheme.lower()
    if separator and scheme not in _DEFAULT_PORTS:
        return "must start with https:// or http:// (WebSockets pass through these too)"
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if rest[len(authority) :] not in {"", "/"}:
        return NOTHING_BEHIND
    if "@" in authority:
        return "must not hold a user name or password: use request_headers for credentials"
    return _parse_authority(text, scheme, authority.lower())


def endpoint_problem(url: str) -> str | None:
    """The problem of a URL that a Worker is to call, which is never shown; None = valid."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return "must be a URL that starts with https://"
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:
        return "must not hold a user name or password"
    address = parse_address(f"{scheme}://{authority}")
    if isinstance(address, str):
        return address
    if address.scheme != "https" and not address.loopback:
        return "must start with https://; http is for this machine alone"
    if not all("!" <= char <= "~" for char in rest) or "#" in rest or "\\" in rest:
        return "has a character that no such URL has"
    return None


def _unusable_text(text: str) -> str | None:
    if not text:
        return "must not be empty"
    if not text.isascii():
        # Checked before lower-casing, which turns some other letters into ASCII.
        return NOT_ASCII
    if not all(" " < char < "\x7f" for char in text) or "\\" in text:
        return "has a character that no address has"
    return None


def _parse_authority(text: str, scheme: str, authority: str) -> Address | str:
    host, port = _split_port(authority)
    if port and not (port.isascii() and port.isdigit() and 1 <= len(port) <= len("65535")):
        return "has a port that is no number"
    number = int(port) if port else 0
    if authority.endswith(":") or number > _HIGHEST_PORT or (port and not number):
        return f"a port is from 1 to {_HIGHEST_PORT}"
    address = _ip_address(host)
    if address is not None:
        if not _is_loopback(host):
            return NO_PRIVATE_ADDRESS if _is_private(address) else NO_IP_ADDRESS
        host = f"[{address}]" if address.version == 6 else str(address)
    else:
        reason = _unusable_name(host)
        if reason:
            return reason
    return Address(text, scheme, host, number)


def _unusable_name(host: str) -> str | None:
    if host == "cfargotunnel.com" or host.endswith(".cfargotunnel.com"):
        # https://developers.cloudflare.com/cloudflare-one/connections/connect-networks/routing-to-tunnel/dns/
        return NO_TUNNEL_ID
    return hostname_problem(host)


def _split_port(authority: str) -> tuple[str, str]:
    if authority.count(":") > 1 and not authority.startswith("["):
        return authority, ""  # an IPv6 address without its brackets
    host, colon, port = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        return authority, ""
    return host, port


def _ip_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if "%" in bare:
        return None  # a zone, which URLs do not have: https://url.spec.whatwg.org/#concept-ipv6
    try:
        return ipaddress.ip_address(bare)
    except ValueError:
        return None


_PRIVATE = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"),
    # RFC 6598, of carriers and of Tailscale.
    *("100.64.0.0/10", "fc00::/7", "fe80::/10"),
)


def _is_private(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Not is_private: releases of Python differ on it, and it covers documentation's addresses."""
    return any(address in ipaddress.ip_network(each) for each in _PRIVATE)


def _is_loopback(host: str) -> bool:
    """RFC 6761 6.3 keeps `localhost` and all below it for the machine itself."""
    address = _ip_address(host)
    if isinstance(address, ipaddress.IPv6Address):
        # Not is_loopback: releases of Python differ on ::ffff:127.0.0.1.
        return int(address) == 1
    if address is not None:
        return address.is_loopback
    return host == "localhost" or host.endswith(".localhost")
