"""Reads JSON that this project has stored: every value is checked before it is used."""

from __future__ import annotations

import json
from sys import float_info
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from enum import Enum

_LATEST = 1e11
"""Upper bound of times, in seconds since the Unix epoch: rejects other units and infinities."""

_LARGEST = float_info.max
"""JSON may hold integers beyond it, for which `float` and `isfinite` raise OverflowError."""

_MOST = 1 << 53
"""Upper bound of amounts: up to here, JSON numbers are exact (RFC 8259, 6)."""

Value = TypeVar("Value")
Default = TypeVar("Default")
EnumType = TypeVar("EnumType", bound="Enum")


class DamagedError(ValueError):
    """A stored value of the wrong type or out of bounds."""


def parsed(text: str) -> Any:
    """Return the value of a JSON text; None if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def document(text: str) -> Mapping[str, Any]:
    """Return the object that a JSON text holds; an empty one for any other text."""
    found = parsed(text)
    return found if isinstance(found, dict) else {}


def rows(value: object) -> list[list[Any]]:
    """Return the lists in a list, without its other items; none if it is not a list."""
    return [one for one in value if isinstance(one, list)] if isinstance(value, list) else []


def each(value: object, read: Callable[[list[Any]], Value]) -> list[Value]:
    """Return `read` of each list in a list, without the rows for which it raises ValueError."""
    found: list[Value] = []
    for row in rows(value):
        try:
            found.append(read(row))
        except ValueError:
            continue
    return found


def or_else(read: Callable[[object], Value], value: object, default: Default) -> Value | Default:
    """Return `read` of a value; the default if it raises ValueError."""
    try:
        return read(value)
    except ValueError:
        return default


def as_text(value: object) -> str:
    """Return a value that is text."""
    if not isinstance(value, str):
        raise DamagedError
    return value


def as_flag(value: object) -> bool:
    """Return a value that is true or false."""
    if not isinstance(value, bool):
        raise DamagedError
    return value


def as_int(value: object) -> int:
    """Return a value that is an integer, of any size."""
    if type(value) is not int:
        raise DamagedError
    return value


def as_number(value: object) -> float:
    """Return a value that is a finite number."""
    if type(value) not in {int, float} or not -_LARGEST <= value <= _LARGEST:  # type: ignore[operator] # a number
        raise DamagedError
    return float(value)  # type: ignore[arg-type] # a number


def as_amount(value: object) -> float:
    """Return a value that is a number from 0 to 2**53; an integer stays one."""
    if type(value) not in {int, float} or not 0 <= value <= _MOST:  # type: ignore[operator] # a number
        raise DamagedError
    return value  # type: ignore[return-value] # a number


def as_time(value: object) -> float:
    """Return a value that is a time, in seconds since the Unix epoch."""
    found = as_number(value)
    if not 0 <= found < _LATEST:
        raise DamagedError
    return found


def as_enum(kind: type[EnumType], value: object) -> EnumType:
    """Return the member of an enum that a value names."""
    try:
        return kind(value)
    except ValueError:
        raise DamagedError from None


def as_list(value: object) -> list[Any]:
    """Return a value that is a list."""
    if not isinstance(value, list):
        raise DamagedError
    return value


def as_object(value: object) -> dict[str, Any]:
    """Return a value that is a JSON object."""
    if not isinstance(value, dict):
        raise DamagedError
    return value


def as_texts(value: object) -> tuple[str, ...]:
    """Return a list of nothing but text."""
    return tuple(as_text(one) for one in as_list(value))


def as_amounts(value: object) -> list[float]:
    """Return a list of nothing but amounts, as `as_amount` has them."""
    return [as_amount(one) for one in as_list(value)]
