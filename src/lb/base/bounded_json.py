"""Reads JSON that somebody else wrote: never deeper, larger or odder than what can be handled."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from math import isfinite

DEEPEST = 32
"""Tables and lists within each other; Cloudflare's own bodies have about eight."""

_LARGEST = 1 << 63

# An unfinished string ends with the text, or each of its quotes would be looked at anew.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NO_BRACKET = re.compile(r"[^\[\]{}]+")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A text that is not taken."""

    message: str
    """Why, in plain words; nothing of the text is in it."""


class _OddNumberError(ValueError):
    """A number that others could not hold."""


def bounded_json(text: str, deepest: int = DEEPEST) -> object:
    """Return what a JSON text says, or Unreadable.

    Refused are, beside what is no JSON (RFC 8259): more than `deepest` tables and lists within
    each other, numbers that no 64 bits hold, NaN and Infinity, and halves of surrogate pairs, which
    no UTF-8 holds. Of a key that comes twice the last one counts, as with Cloudflare's API.
    """
    if not text.strip():
        return Unreadable("the body is empty")
    if not _shallow(text, deepest):
        return Unreadable(f"more than {deepest} brackets are within each other, or left open")
    try:
        value = json.loads(text, parse_int=_whole, parse_float=_finite, parse_constant=_no_constant)
    except _OddNumberError:
        return Unreadable("a number is too large, or none")
    except json.JSONDecodeError as error:
        return Unreadable(
            f"it is no JSON: {error.msg.lower()}, line {error.lineno} column {error.colno}"
        )
    if (not text.isascii() or _SURROGATE.search(text)) and _halved(value):
        return Unreadable("a text has half of a surrogate pair")
    return value


def _shallow(text: str, deepest: int) -> bool:
    """Whether a text is known to be no deeper; no text makes this slow, as one by depth could."""
    if text.count("[") + text.count("{") <= deepest:
        return True
    brackets = _NO_BRACKET.sub("", _STRING.sub("", text))
    # Each round takes the innermost ones away.
    for _ in range(deepest):
        brackets = brackets.replace("[]", "").replace("{}", "")
    return not brackets


def _whole(digits: str) -> int:
    # Before it is made: Python refuses more than 4300 digits with an error of its own.
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
