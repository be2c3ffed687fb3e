"""Reads JSON of strangers within bounds of depth and of numbers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from math import isfinite

DEEPEST = 32
"""Deepest nesting of objects and arrays; Cloudflare's own bodies have about eight levels."""

_LARGEST = 1 << 63

# An unfinished string matches up to the end of the text: otherwise the search would start again at
# each of its quotes, in quadratic time.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NO_BRACKET = re.compile(r"[^\[\]{}]+")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A text that is refused."""

    message: str
    """The reason, in plain words, without any part of the text."""


class _OddNumberError(ValueError):
    """A number that does not fit into 64 bits, or is not finite."""


def bounded_json(text: str, deepest: int = DEEPEST) -> object:
    """Return the value of a JSON text (RFC 8259), or Unreadable.

    Also refused: nesting deeper than `deepest`, numbers that do not fit into 64 bits, NaN and
    Infinity, and halves of surrogate pairs, which UTF-8 cannot encode. Of duplicate keys the last
    one counts, as with Cloudflare's API.
    """
    if not text.strip():
        return Unreadable("the body is empty")
    if not _shallow(text, deepest):
        return Unreadable(f"brackets are nested more than {deepest} levels deep, or not closed")
    try:
        value = json.loads(text, parse_int=_whole, parse_float=_finite, parse_constant=_no_constant)
    except _OddNumberError:
        return Unreadable("a number is too large, or not finite")
    except json.JSONDecodeError as error:
        return Unreadable(
            f"not valid JSON: {error.msg.lower()}, line {error.lineno} column {error.colno}"
        )
    if (not text.isascii() or _SURROGATE.search(text)) and _halved(value):
        return Unreadable("a string contains half of a surrogate pair")
    return value


def _shallow(text: str, deepest: int) -> bool:
    """Whether a text is surely no deeper. Linear in its length for any text."""
    if text.count("[") + text.count("{") <= deepest:
        return True
    brackets = _NO_BRACKET.sub("", _STRING.sub("", text))
    # Each pass removes the innermost pairs.
    for _ in range(deepest):
        brackets = brackets.replace("[]", "").replace("{}", "")
    return not brackets


def _whole(digits: str) -> int:
    # Checked before the conversion: Python raises an error of its own for more than 4300 digits.
    number = int(digits) if len(digits) < 21 else _LARGEST
    if not -_LARGEST <= number < _LARGEST:
        raise _OddNumberError
    return number


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise _OddNumberError
    return number


def _no_constant(_word: str) -> None:
    raise _OddNumberError


def _halved(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False
