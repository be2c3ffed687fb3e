"""Text fields that several objects share: names, addresses, descriptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lb.config.objects.header_fields import TOKEN
from lb.config.reading.host_names import OUT_OF_REACH, parse_address, served_name_problem
from lb.config.reading.problems import Place, Reader, kind_of
from lb.config.reading.values import Text, matching

if TYPE_CHECKING:
    from lb.config.reading.values import Schema

_LONGEST_NAME = 260
"""A host name of 253 characters, a colon and a port."""
_LONGEST_ADDRESS = 300


def printable_problem(text: str) -> str | None:
    """Names reach headers (X-Served-By) and cookies."""
    if not all(" " <= char <= "~" for char in text):
        return "must have printable ASCII characters only"
    return "must neither start nor end with a space" if text != text.strip() else None


DESCRIPTION = Text(most=1024)
POOL_NAME = Text(
    least=1,
    most=_LONGEST_NAME,
    # Cloudflare: A-Z, a-z, 0-9, "_" and "-". A dot and a colon let a pool have a host's name.
    rule=matching(r"[A-Za-z0-9_.:-]+", 'must have letters, digits and "-_.:" only'),
    pattern=r"[A-Za-z0-9_.:-]+",
    words="name (letters, digits, `-_.:`)",
)
OBJECT_NAME = Text(least=1, most=_LONGEST_NAME, rule=printable_problem, words="name (ASCII)")
SERVED_NAME = Text(
    least=1,
    most=_LONGEST_NAME,
    rule=served_name_problem,
    words='host name, `"*.example.com"` or `"*"`',
    fold=True,
)
COUNTRY = Text(
    least=2,
    most=2,
    # T1 is Tor, XX an unknown country: https://developers.cloudflare.com/network/ip-geolocation/
    rule=matching(r"[A-Z][A-Z1]", "must be a country's two capital letters (ISO 3166-1), as DE"),
    words="country code",
)
POP = Text(
    least=3,
    most=3,
    rule=matching(r"[A-Z]{3}", "must be a data centre's three capital letters (IATA), as FRA"),
    words="data centre code",
)
PATH = Text(
    least=1,
    most=2048,
    rule=matching(r"/[!-\"$-~]*", 'must start with "/" and have neither spaces nor "#"'),
    words="path, perhaps with a query",
)
COOKIE_NAME = Text(
    least=1,
    most=64,
    rule=matching(TOKEN, "is not a cookie name (RFC 6265 4.1.1)"),
    pattern=TOKEN,
    words="cookie name",
)


def _admin_path_problem(path: str) -> str | None:
    segments = path.split("/")
    if segments[0] or len(segments) == 1 or "" in segments[1:]:
        return 'must start with "/", name something, and not end with "/"'
    if "." in segments or ".." in segments:
        return 'must not have "." or ".." between slashes: URLs lose them'
    plain = matching(r"[A-Za-z0-9._~/-]+", 'must have letters, digits and "-._~/" only')
    return plain(path)


ADMIN_PATH = Text(least=1, most=128, rule=_admin_path_problem, words="path")


@dataclass(frozen=True, slots=True)
class OutOfReach:
    """An address that a Worker cannot reach."""

    text: str


@dataclass(frozen=True, slots=True)
class AddressKind:
    """An origin's address: a host name, perhaps with a port, or a URL of just that."""

    words: str = "host name, `host:port`, or URL without a path"

    def read(self, value: object, at: Place, reader: Reader) -> object:
        if not isinstance(value, str):
            return reader.refuse(at, f"must be text, not {kind_of(value)}")
        if len(value) > _LONGEST_ADDRESS:
            return reader.refuse(
                at, f"must have at most {_LONGEST_ADDRESS} characters, not {len(value)}"
            )
        parsed = parse_address(value)
        if not isinstance(parsed, str):
            return parsed
        # Not shown: an address may hold a password.
        if reader.lenient and parsed in OUT_OF_REACH:
            reader.note(at, f"the origin is kept, and gets no traffic: {parsed}")
            return OutOfReach(value)
        return reader.refuse(at, parsed)

    def schema(self) -> Schema:
        return {"type": "string", "minLength": 1, "maxLength": _LONGEST_ADDRESS}


ADDRESS = AddressKind()
