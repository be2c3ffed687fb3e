"""Header names and values: what an operator may set, and what belongs to the runtime."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lb.base.addresses import network_of, number_of, text_of
from lb.base.header_text import fits_a_header
from lb.config.reading.problems import BAD
from lb.config.reading.secret_names import secret_name_problem
from lb.config.reading.tables import REQUIRED, Field, Record, Table
from lb.config.reading.values import Kind, ListOf, MapOf, Text
from lb.model import HeaderEdits, SecretName

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.config.reading.problems import Place, Reader
    from lb.config.reading.values import Schema

# RFC 9110 5.6.2: the characters of a token.
TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 (a token of HTTP's grammar)
_TOKEN = re.compile(TOKEN)
_NETWORK = re.compile(r"[0-9a-fA-F.:]+(?:/[0-9]{1,3})?")
_EVERYBODY = (1 << 32, 1 << 128)
"""Sizes of the ranges that hold all addresses."""
_MOST_HEADERS = 100
_LONGEST_NAME = 100
_LONGEST_VALUE = 4096

_HOP_BY_HOP = "belongs to one connection, not to the message (RFC 9110 7.6.1)"
_LENGTH = "is set by the runtime from the body"
_CLOUDFLARE = "is set by Cloudflare and cannot be changed by a Worker"
_HOST = "is always the host of the origin's address: put the name there"

_CONNECTION = dict.fromkeys(
    ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding"),
    _HOP_BY_HOP,
)
_REQUEST: dict[str, str] = {
    **_CONNECTION,
    "host": _HOST,
    "content-length": _LENGTH,
    "upgrade": "is what opens a WebSocket, and is passed on as it is",
    "expect": "is answered by Cloudflare before a Worker sees the request",
    "cdn-loop": _CLOUDFLARE,
}
_ACCESS = frozenset({"cf-access-client-id", "cf-access-client-secret"})
"""Headers of a service token of Cloudflare Access, which a client sends:
https://developers.cloudflare.com/cloudflare-one/access-controls/service-credentials/service-tokens/"""
_RESPONSE: dict[str, str] = {
    **_CONNECTION,
    "content-length": _LENGTH,
    "upgrade": "is what opens a WebSocket, and is passed on as it is",
    "content-encoding": "tells how the body is packed, and bodies are passed on as they are",
}


def token_problem(name: str) -> str | None:
    """The problem of a header's name; None = valid."""
    return None if _TOKEN.fullmatch(name) else "is not a header name (RFC 9110 5.1)"


def value_problem(value: str) -> str | None:
    """The problem of a header's value (RFC 9110 5.5), which is not shown; None = valid."""
    if not fits_a_header(value):
        return "a header's value has printable ASCII characters only, on one line"
    return (
        "a header's value neither starts nor ends with a space" if value != value.strip() else None
    )


def _request_problem(name: str) -> str | None:
    """The reason why an operator must not change a request header; None = allowed."""
    lower = name.lower()
    if lower.startswith("cf-") and lower not in _ACCESS:
        return _CLOUDFLARE
    if lower.startswith("x-evenkeel-"):
        return "is Evenkeel's own"
    return _REQUEST.get(lower)


def _probe_problem(name: str) -> str | None:
    lower = name.lower()
    if lower == "user-agent":
        # https://developers.cloudflare.com/load-balancing/monitors/create-monitor/
        return "cannot be overridden: origins tell probes from visitors by it"
    # Host is compared with the addresses, once these are known.
    return None if lower == "host" else _request_problem(name)


def _response_set_problem(name: str) -> str | None:
    lower = name.lower()
    if lower == "set-cookie":
        return "cannot be set, as that would replace the origin's own cookies"
    return _RESPONSE.get(lower)


def _response_remove_problem(name: str) -> str | None:
    return _RESPONSE.get(name.lower())


def header_name(forbidden: Callable[[str], str | None]) -> Text:
    """A header name that `forbidden` allows."""
    return Text(
        least=1,
        most=_LONGEST_NAME,
        rule=token_problem,
        forbidden=forbidden,
        pattern=TOKEN,
        words="header name",
    )


VALUE = Text(most=_LONGEST_VALUE, rule=value_problem, words="header value", secret=True)


SECRET = Table(
    name="secret",
    doc="A secret of the Worker, by its name.",
    fields=(
        Field(
            "secret",
            Text(least=1, most=64, rule=secret_name_problem, secret=True, words="name of a secret"),
            REQUIRED,
            "The name of a secret of the Worker, never the secret itself.",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class ValueOrSecret:
    """A header's value, or `{ secret = "NAME" }`."""

    words: str = 'header value or `{ secret = "NAME" }`'

    def read(self, value: object, at: Place, reader: Reader) -> object:
        if not isinstance(value, Mapping):
            return VALUE.read(value, at, reader)
        named = SECRET.read(value, at, reader)
        name = named.text("secret") if isinstance(named, Record) else ""
        return SecretName(name) if name else BAD

    def schema(self) -> Schema:
        return {"anyOf": [VALUE.schema(), SECRET.schema()]}


class HeaderMap(MapOf):
    """Headers by name; names are unique without regard to case."""

    def read(self, value: object, at: Place, reader: Reader) -> object:
        pairs = super().read(value, at, reader)
        seen: set[str] = set()
        if isinstance(pairs, tuple):
            for name, _ in pairs:
                if name.lower() in seen:
                    reader.refuse(at / name, "this header is given twice (case does not count)")
                seen.add(name.lower())
        return pairs


def probe_headers() -> Kind:
    """A monitor's header: each name with one or more values."""
    values = ListOf(kind=ValueOrSecret(), least=1, most=10)
    return HeaderMap(key=header_name(_probe_problem), kind=values, most=_MOST_HEADERS)


def origin_headers() -> Kind:
    """An origin's header: Cloudflare knows only Host, which for a Worker is the address."""
    return HeaderMap(key=HOST_NAME, kind=ListOf(kind=VALUE, least=1, most=1), most=1)


def _only_host(name: str) -> str | None:
    if name.lower() == "host":
        return None
    return "an origin's header may only be Host: use request_headers of the load balancer"


HOST_NAME = Text(least=1, most=_LONGEST_NAME, rule=_only_host, words="`Host`")


def _network_problem(text: str) -> str | None:
    network = network_of(text) if _NETWORK.fullmatch(text) else None
    if network is None:
        return "must be an address or a CIDR range: 192.0.2.1, 192.0.2.0/24, 2001:db8::/32"
    low, high = network
    if high - low + 1 in _EVERYBODY:
        return "would believe anybody: name the addresses of your own proxies"
    address, _, length = text.partition("/")
    if length and number_of(address) != low:
        return f"has bits beyond its length: {text_of(low)}/{length}"
    return None


NETWORK = Text(least=1, most=49, rule=_network_problem, words="address or CIDR range")
"""Addresses of proxies, for `trusted_proxies`."""


def _edits(name: str, doc: str, set_rule: Text, value: Kind, remove_rule: Text) -> Table:
    return Table(
        name=name,
        doc=doc,
        make=_make_edits,
        fields=(
            Field(
                "set",
                HeaderMap(key=set_rule, kind=value, most=_MOST_HEADERS),
                {},
                "Headers to set, replacing what was there.",
            ),
            Field(
                "remove",
                ListOf(kind=remove_rule, most=_MOST_HEADERS),
                [],
                "Headers to remove, before others are set.",
            ),
        ),
    )


def _make_edits(record: Record, reader: Reader) -> object:
    del reader
    return record.build(HeaderEdits)


REQUEST_HEADERS = _edits(
    "load_balancers.request_headers",
    "Changes to the headers of a request on its way to an origin.",
    header_name(_request_problem),
    ValueOrSecret(),
    header_name(_request_problem),
)
RESPONSE_HEADERS = _edits(
    "load_balancers.response_headers",
    "Changes to the headers of an answer on its way to the client.",
    header_name(_response_set_problem),
    VALUE,
    header_name(_response_remove_problem),
)
