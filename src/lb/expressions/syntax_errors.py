"""What is wrong with an expression, and where."""

from __future__ import annotations

from dataclasses import dataclass

_MOST_BEFORE = 60
_MOST_SHOWN = 100


class Fault(Exception):  # noqa: N818 (it ends the reading of one expression, and never gets further)
    """Something that cannot be read, at a place in a text."""

    def __init__(self, at: int, message: str) -> None:
        super().__init__(message)
        self.at = at
        self.message = message


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that the writer of an expression has to change."""

    at: int
    """How many characters of the expression stand before it."""
    message: str

    def where(self, text: str) -> str:
        """Return the place in words: lines are named only where there is more than one."""
        line, column = place(text, self.at)
        return f"line {line}, column {column}" if "\n" in text.strip() else f"column {column}"

    def excerpt(self, text: str) -> str:
        """Return the line that it is in, with a caret under the place."""
        start = text.rfind("\n", 0, self.at) + 1
        line = text[start:].partition("\n")[0].rstrip("\r")
        before = self.at - start
        cut = max(0, before - _MOST_BEFORE)
        shown = "".join(
            char if char.isprintable() else " " for char in line[cut : cut + _MOST_SHOWN]
        )
        return f"{shown}\n{' ' * (before - cut)}^"


def place(text: str, at: int) -> tuple[int, int]:
    """Return the line and the column of a place, both from 1."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
