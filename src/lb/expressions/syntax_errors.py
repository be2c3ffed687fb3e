"""Problems of an expression with their positions."""

from __future__ import annotations

from dataclasses import dataclass

_MOST_BEFORE = 60
_MOST_SHOWN = 100


class Fault(Exception):  # noqa: N818 (it ends the reading of one expression, and never gets further)
    """A syntax error at a position in a text."""

    def __init__(self, at: int, message: str) -> None:
        super().__init__(message)
        self.at = at
        self.message = message


@dataclass(frozen=True, slots=True)
class Wrong:
    """One problem of an expression."""

    at: int
    """Position: the number of characters before it."""
    message: str

    def where(self, text: str) -> str:
        """Return the position in words; lines are named only in texts of several lines."""
        line, column = place(text, self.at)
        return f"line {line}, column {column}" if "\n" in text.strip() else f"column {column}"

    def excerpt(self, text: str) -> str:
        """Return its line with a caret under the position."""
        start = text.rfind("\n", 0, self.at) + 1
        line = text[start:].partition("\n")[0].rstrip("\r")
        before = self.at - start
        cut = max(0, before - _MOST_BEFORE)
        shown = "".join(
            char if char.isprintable() else " " for char in line[cut : cut + _MOST_SHOWN]
        )
        return f"{shown}\n{' ' * (before - cut)}^"


def place(text: str, at: int) -> tuple[int, int]:
    """Return line and column of a position, both from 1."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
