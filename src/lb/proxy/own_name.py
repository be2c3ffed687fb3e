"""The origin's own name in the headers of its answers, and the public name in its place."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lb.model import Origin
    from lb.request.facts import RequestFacts

    Rename = Callable[[str], str]
    """Takes a URL; returns it with the public name if its authority is the origin's."""

DEFAULT_PORTS: Mapping[str, str] = {"http:": "80", "https:": "443"}

SET_COOKIE = "set-cookie"

UNDECODED = "\ufffd"
"""What bytes that are not UTF-8 are read as. A value with one stays as it is: written again, the
bytes would be lost."""

ACCESS_COOKIES = frozenset({"CF_Authorization", "CF_AppSession", "CF_Binding", "CF_Session"})
"""Cookies of Cloudflare Access. The answer to a request with a service token can bring one that
opens the origin's hostname to whoever has it
(https://developers.cloudflare.com/cloudflare-one/access-controls/service-credentials/service-tokens/)."""


def _whole(value: str, rename: Rename) -> str:
    return rename(value)


# The regular expressions are compiled when they are first used, not at start-up.
# https://html.spec.whatwg.org/multipage/document-lifecycle.html#shared-declarative-refresh-steps
_BEFORE_URL = r"""(?i)\s*[0-9.]*\s*[;,]?\s*(?:url\s*=\s*)?(['"]?)"""


def _refresh(value: str, rename: Rename) -> str:
    before = re.match(_BEFORE_URL, value)
    if before is None:
        return value
    start, quote = before.end(), before[1]
    end = value.find(quote, start) if quote else -1
    end = len(value) if end < 0 else end
    return value[:start] + rename(value[start:end]) + value[end:]


# Targets and quoted strings (RFC 8288, 3; RFC 9110, 5.6.4). What is not closed goes to the end:
# otherwise the search would start again at each mark, in quadratic time.
_TARGET = r'(?s)<([^>]*)(?:>|\Z)|"(?:[^"\\]|\\.)*+(?:"|\\?\Z)'


def _link(value: str, rename: Rename) -> str:
    def target(found: re.Match[str]) -> str:
        url: str | None = found[1]
        return found[0] if url is None else f"<{rename(url)}{found[0][1 + len(url) :]}"

    return re.sub(_TARGET, target, value)


REWRITES: Mapping[str, Callable[[str, Rename], str]] = {
    "location": _whole,
    "content-location": _whole,
    "refresh": _refresh,
    "link": _link,
}
"""Headers with URLs, and the function that renames those in a value; all else stays."""


class OwnName:
    """One origin, as its answers may name it.

    Scheme and case do not count, and the default port of a scheme is the same as none: an origin
    that gets http from a proxy or tunnel before it takes itself for http.
    """

    def __init__(self, origin: Origin, *, renames: bool, drops_access: bool) -> None:
        """`renames`: whether its name is replaced; `drops_access`: whether cookies of Access go."""
        scheme, _, authority = origin.url.lower().partition("//")
        bracket = authority.find("]") + 1  # after an IPv6 address
        name, _, given = authority[bracket:].partition(":")
        self._host = authority[:bracket] + name
        self._renames = renames
        self._drops_access = drops_access
        self._forms: dict[str, tuple[str, ...]] = {}
        """Authorities in lower case by the scheme before them; "" = none."""
        own_port = DEFAULT_PORTS[scheme]
        port = given or own_port
        for each, usual in (*DEFAULT_PORTS.items(), ("", own_port)):
            forms: tuple[str, ...] = (f"{self._host}:{port}",)
            if port in {own_port, usual}:
                forms += (self._host, f"{self._host}:", f"{self._host}:{usual}")
            self._forms[each] = forms

    def headers(self, values: Mapping[str, str], facts: RequestFacts) -> Iterator[tuple[str, str]]:
        """Yield the headers among `values` that change, with their new values.

        `facts` have the public name: that of the request.
        """
        rename = partial(self._rename, facts)
        for name, rewrite in REWRITES.items():
            value = values[name]
            if self._renames and self._host in value.lower() and UNDECODED not in value:
                new = rewrite(value, rename)
                if new != value:
                    yield name, new

    def may_change_cookies(self, joined: str) -> bool:
        """Whether a Set-Cookie may change; `joined`: all of them in one text."""
        if self._drops_access and any(name in joined for name in ACCESS_COOKIES):
            return True
        return self._renames and self._host in joined.lower() and UNDECODED not in joined

    def cookies(self, given: Sequence[str]) -> list[str] | None:
        """Return the client's Set-Cookie lines; None = those of the origin, as they are."""
        kept = [one for one in given if not (self._drops_access and opens_origin(one))]
        if self._renames:
            kept = [without_own_domain(one, self._host) for one in kept]
        return None if kept == list(given) else kept

    def _rename(self, facts: RequestFacts, url: str) -> str:
        scheme, slashes, rest = url.partition("//")
        forms = self._forms.get(scheme.lower())
        if not slashes or forms is None:
            return url
        end = min(f"{rest}{mark}".find(mark) for mark in "/?#")
        if rest[:end].lower() not in forms:
            return url
        public_scheme = "https:" if facts.https else "http:"
        return f"{public_scheme if scheme else ''}//{facts.authority}{rest[end:]}"


def without_own_domain(cookie: str, host: str) -> str:
    """Return a Set-Cookie without a Domain that is the origin's host.

    Without one, a cookie belongs to the host alone that sets it: for the client, the public one
    (RFC 6265, 5.2.3 and 5.3).
    """
    pair, *attributes = cookie.split(";")
    kept = [one for one in attributes if not _is_domain(one, host)]
    return ";".join((pair, *kept))


def _is_domain(attribute: str, host: str) -> bool:
    name, _, value = attribute.partition("=")
    return name.strip().lower() == "domain" and value.strip().removeprefix(".").lower() == host


def opens_origin(cookie: str) -> bool:
    """Whether a Set-Cookie is one of Cloudflare Access, and not the end of one."""
    name, _, rest = cookie.partition("=")
    return name.strip() in ACCESS_COOKIES and bool(rest.partition(";")[0].strip())
