"""Reads JSON that this project has stored: what is damaged is left out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


_LATEST = 1e11
"""No time is as late as this; it keeps numbers of other units and infinities out."""


def document(text: str) -> Mapping[str, Any]:
    """Return the object that a text describes; an empty one for any other text."""
    found = parsed(text)
    return found if isinstance(found, dict) else {}


def parsed(text: str) -> Any:
    """Return what a text describes; None for what is no JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def rows(value: object) -> list[list[Any]]:
    """Return the lists in a list; none of anything else."""
    return [one for one in value if isinstance(one, list)] if isinstance(value, list) else []


def texts(row: list[Any]) -> bool:
    """Whether a list holds nothing but text."""
    return all(isinstance(one, str) for one in row)


def is_time(value: object) -> bool:
    """Whether a value can be a moment."""
    return type(value) in {int, float} and 0 <= value < _LATEST  # type: ignore[operator] # a number
