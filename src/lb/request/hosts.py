"""Which load balancer serves a host: exact name, then the closest wildcard, then `*`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")

# What a name in a configuration can be (RFC 1123, 2.1, and the underscore of DNS), or an IPv6
# address. A URL's own characters (`evil.com\.example.com`) would end the host for a browser that
# is redirected to it, or for an origin that writes links with X-Forwarded-Host.
_HOST = re.compile(r"[a-z0-9_.-]{1,253}|\[[0-9a-f:.]{2,45}\]")


class HostTable(Generic[T]):
    """Look-up of what serves a host; its cost grows with the host's labels, not with the table."""

    def __init__(self, entries: Iterable[tuple[str, T]]) -> None:
        self._exact: dict[str, T] = {}
        self._below: dict[str, T] = {}
        self._any: T | None = None
        for name, value in entries:
            if name == "*":
                self._any = value
            elif name.startswith("*."):
                self._below[name[2:]] = value
            else:
                self._exact[name] = value

    def find(self, host: str) -> T | None:
        """Return what serves `host`, None when nothing does, or it is no host name.

        `*.example.com` serves every name below example.com, at any depth, but not the name itself
        (https://developers.cloudflare.com/dns/manage-dns-records/reference/wildcard-dns-records/).
        """
        found = self._exact.get(host)
        if found is not None or not _HOST.fullmatch(host):
            return found
        if self._below:
            parent = host.partition(".")[2]
            while parent:
                found = self._below.get(parent)
                if found is not None:
                    return found
                parent = parent.partition(".")[2]
        return self._any


def found_by(name: str) -> str:
    """Say why a load balancer of this name serves a host that it was found for."""
    if name == "*":
        return "it serves every host that no other name fits"
    if name.startswith("*."):
        return "it is the closest name with a * that fits the host"
    return "its name is the host"


def loopback(host: str) -> bool:
    """Whether a host names this very machine (RFC 6761 for localhost, RFC 1122 for 127/8)."""
    return (
        host == "localhost"
        or host.endswith(".localhost")
        or host == "[::1]"
        or (host.startswith("127.") and host.replace(".", "").isdigit())
    )
