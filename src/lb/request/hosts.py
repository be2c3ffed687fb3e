"""Look-up by host: the exact name, then the closest wildcard, then `*`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")

# The names that a configuration allows (RFC 1123, 2.1, and the underscore of DNS), or an IPv6
# address. In `evil.com\.example.com`, the backslash would end the host for a browser that follows
# a redirect, or a link that an origin has made of X-Forwarded-Host.
_HOST = re.compile(r"[a-z0-9_.-]{1,253}|\[[0-9a-f:.]{2,45}\]")


class HostTable(Generic[T]):
    """Values by host; a look-up costs one step per label of the host, whatever the table's size."""

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
        """Return the value of `host`; None = no entry fits, or it is not a host name.

        `*.example.com` fits every name below example.com, at any depth, but not the name itself
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
    """Return, as text, why a load balancer of this name was found for a host."""
    if name == "*":
        return "it serves every host that no other name fits"
    if name.startswith("*."):
        return "it is the closest name with a * that fits the host"
    return "its name is the host"


def loopback(host: str) -> bool:
    """Whether a host is the local machine (RFC 6761 for localhost, RFC 1122 for 127/8)."""
    return (
        host == "localhost"
        or host.endswith(".localhost")
        or host == "[::1]"
        or (host.startswith("127.") and host.replace(".", "").isdigit())
    )
