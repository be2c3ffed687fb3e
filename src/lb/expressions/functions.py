"""The functions of the rules language."""

# https://developers.cloudflare.com/ruleset-engine/rules-language/functions/
from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lb.base.addresses import masked, text_of
from lb.expressions.texts import lower, upper, url_decoded
from lb.expressions.types import (
    ADDRESS,
    BOOLEAN,
    BOOLEANS,
    INTEGER,
    MAP_OF_STRINGS,
    STRING,
    STRINGS,
    Type,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MOST_ARGUMENTS = 32
_MOST_BRACKETS = 200
_MOST_SPLIT = 128
_BITS4, _BITS6 = 32, 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of a function."""

    types: tuple[Type, ...]
    literal: bool | None = None
    """True: a literal only; False: anything but a literal; None: both."""
    range: tuple[int, int] | None = None
    """Range of a literal number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function. `run` is given the arguments' values, in Python's types (see kinds.Value)."""

    parameters: tuple[Parameter, ...]
    returns: Type
    run: Callable[..., object]
    doc: str
    optional: int = 0
    """How many of the last parameters may be left out."""
    repeats: bool = False
    """Whether the last parameter may be repeated."""
    address: Callable[..., object] | None = None
    """Replaces `run` when the first argument is an IP address."""
    keyed: bool = False
    """Whether it reads one entry of a map, so that the others are not read."""
    missing: bool = False
    """Whether it is called with None for a missing value; otherwise its result is missing."""


def _starts(text: str, start: str) -> bool:
    return text.startswith(start)


def _ends(text: str, end: str) -> bool:
    return text.endswith(end)


def _length(value: str | Sequence[object]) -> int:
    """Return a string's length in bytes, or an array's in elements."""
    return len(value.encode("utf-8", "replace")) if isinstance(value, str) else len(value)


def _concat(*values: object) -> str:
    return "".join(_text(value) for value in values if value is not None)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "".join(_text(each) for each in value)
    return str(value)


def _substring(text: str, start: int, end: int | None = None) -> str | None:
    """Cut by bytes, as the language counts; a split character is left out."""
    if text.isascii():
        return text[start:end]
    return text.encode("utf-8", "replace")[start:end].decode("utf-8", "ignore")


def _split(text: str, separator: str, limit: int) -> list[str]:
    return text.split(separator, limit - 1)


def _join(items: Sequence[str], separator: str) -> str:
    return separator.join(items)


def _remove(text: str, chars: str) -> str:
    return text.translate({ord(char): None for char in chars})


def _without_arguments(query: str, *names: str) -> str:
    return "&".join(each for each in query.split("&") if each.partition("=")[0] not in names)


def _base64(text: str) -> str | None:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except ValueError:  # not base64, or not text
        return None


def _looked_up(text: str, keys: Sequence[str | int]) -> object:
    """Return a value in a JSON text; None = absent."""
    if text.count("[") + text.count("{") > _MOST_BRACKETS:
        return None  # nobody's header; and Python's parser calls itself for each
    try:
        value: Any = json.loads(text)
    except ValueError:
        return None
    for key in keys:
        if isinstance(value, dict) and isinstance(key, str):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and 0 <= key < len(value):
            value = value[key]
        else:
            return None
    return value


def _json_string(text: str, *keys: str | int) -> str | None:
    value = _looked_up(text, keys)
    return value if isinstance(value, str) else None


def _json_integer(text: str, *keys: str | int) -> int | None:
    value = _looked_up(text, keys)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _has_value(values: Mapping[str, Sequence[str]] | Sequence[str], wanted: str) -> bool:
    if isinstance(values, dict):
        return any(wanted in each for each in values.values())
    return wanted in values


def _p(
    *types: Type,
    literal: bool | None = None,
    range: tuple[int, int] | None = None,  # noqa: A002
) -> Parameter:
    return Parameter(types=types, literal=literal, range=range)


_TEXT = _p(STRING)
_FIELD = _p(STRING, literal=False)
_KEY = _p(STRING, INTEGER)


def _function(
    returns: Type, run: Callable[..., object], doc: str, *parameters: Parameter, **more: Any
) -> Function:
    return Function(parameters=parameters, returns=returns, run=run, doc=doc, **more)


FUNCTIONS: dict[str, Function] = {
    "all": _function(BOOLEAN, all, "Whether every element is true; of none, true.", _p(BOOLEANS)),
    "any": _function(BOOLEAN, any, "Whether an element is true.", _p(BOOLEANS)),
    "cidr": _function(
        ADDRESS,
        masked,
        "The network of an address: bits of IPv4, bits of IPv6.",
        _p(ADDRESS, literal=False),
        _p(INTEGER, literal=True, range=(1, _BITS4)),
        _p(INTEGER, literal=True, range=(1, _BITS6)),
    ),
    "cidr6": _function(
        ADDRESS,
        lambda address, bits: masked(address, _BITS4, bits),
        "The network of an IPv6 address; IPv4 stays as it is.",
        _p(ADDRESS, literal=False),
        _p(INTEGER, literal=True, range=(1, _BITS6)),
    ),
    "concat": _function(
        STRING,
        _concat,
        "Texts and numbers one after the other; a missing value is empty.",
        _p(STRING, INTEGER, BOOLEAN, STRINGS),
        repeats=True,
        missing=True,
    ),
    "decode_base64": _function(STRING, _base64, "Decoded; missing if it is not text.", _FIELD),
    "ends_with": _function(BOOLEAN, _ends, "Whether text ends so.", _FIELD, _TEXT),
    "has_key": _function(
        BOOLEAN,
        lambda values, key: key in values,
        "Whether a map has an entry.",
        _p(MAP_OF_STRINGS),
        _TEXT,
        keyed=True,
    ),
    "has_value": _function(
        BOOLEAN,
        _has_value,
        "Whether a map or an array has a value.",
        _p(MAP_OF_STRINGS, STRINGS),
        _TEXT,
    ),
    "join": _function(
        STRING, _join, "An array's texts with something between.", _p(STRINGS), _TEXT
    ),
    "len": _function(
        INTEGER, _length, "Bytes of a text, elements of an array.", _p(STRING, STRINGS)
    ),
    "lookup_json_integer": _function(
        INTEGER, _json_integer, "A whole number in JSON, by keys.", _TEXT, _KEY, repeats=True
    ),
    "lookup_json_string": _function(
        STRING, _json_string, "A text in JSON, by keys.", _TEXT, _KEY, repeats=True
    ),
    "lower": _function(STRING, lower, "ASCII letters in lower case.", _TEXT),
    "remove_bytes": _function(
        STRING, _remove, "Without these characters.", _FIELD, _p(STRING, literal=True)
    ),
    "remove_query_args": _function(
        STRING,
        _without_arguments,
        "A query without these arguments.",
        _FIELD,
        _p(STRING, literal=True),
        repeats=True,
    ),
    "split": _function(
        STRINGS,
        _split,
        "An array of a text's parts, at most so many.",
        _TEXT,
        _p(STRING, literal=True),
        _p(INTEGER, literal=True, range=(1, _MOST_SPLIT)),
    ),
    "starts_with": _function(BOOLEAN, _starts, "Whether text begins so.", _FIELD, _TEXT),
    "substring": _function(
        STRING,
        _substring,
        "From a byte to another; negative: from the end.",
        _FIELD,
        _p(INTEGER),
        _p(INTEGER),
        optional=1,
    ),
    "to_string": _function(
        STRING,
        _text,
        "A number, a truth or an address as text.",
        _p(INTEGER, BOOLEAN, ADDRESS),
        address=text_of,
    ),
    "upper": _function(STRING, upper, "ASCII letters in upper case.", _TEXT),
    "url_decode": _function(
        STRING,
        url_decoded,
        'Percent-decoded; options "r": again and again, "u": %uXXXX too.',
        _TEXT,
        _p(STRING, literal=True),
        optional=1,
    ),
}

REFUSED: dict[str, str] = {
    "bit_slice": "it belongs to packets, and a Worker sees requests",
    "encode_base64": "it belongs to rules that rewrite",
    "is_timed_hmac_valid_v0": "it would need a secret inside of the configuration",
    "regex_replace": "it belongs to rules that rewrite",
    "sha256": "it belongs to rules that rewrite",
    "uuidv4": "it belongs to rules that rewrite",
    "wildcard_replace": "it belongs to rules that rewrite",
}
