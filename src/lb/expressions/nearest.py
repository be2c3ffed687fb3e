"""Suggestions for unknown words."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST = 64


def suggestion(word: str, words: Iterable[str]) -> str:
    """Return `; did you mean ...?` when a similar word exists, else nothing."""
    found = difflib.get_close_matches(word[:_LONGEST].lower(), words, n=1)
    return f"; did you mean {found[0]}?" if found else ""
