"""Parts of an answer that others wrote: what has another shape than expected counts as empty."""

from collections.abc import Mapping
from typing import Any

Part = Mapping[str, Any]
_LARGEST = 1e15


def tables(found: object) -> list[dict[str, Any]]:
    """The tables in a list."""
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def parts(whole: object, key: str) -> list[dict[str, Any]]:
    """The tables in a list of a table."""
    return tables(whole.get(key)) if isinstance(whole, dict) else []


def number(found: object) -> float | None:
    """A number that can be shown and compared."""
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return float(found) if abs(found) <= _LARGEST else None
