"""What was counted in some time: numbers by labels, that can be added up and sent as JSON."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from lb.proxy.tallies import CELLS, SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_ANSWERS = 2000
"""Load balancer, pool, origin and number of attempt: more of them than this are counted as OTHER's.
Names come from the configuration alone, so this bounds what a configuration can cost."""

MOST_EVENTS = 5000

OTHER = "other"
"""The pool and origin of all that are beyond these numbers."""

Labels = tuple[str, ...]


class Totals:
    """Answers by (load balancer, pool, origin, attempt, "" or "failed"), and all else by its kind.

    The cells of answers are those of Tallies. What else is counted has its kind as the first label,
    and the load balancer, the pool and the origin, as far as it has them, after it (kinds.py).
    """

    __slots__ = ("answers", "events")

    def __init__(self) -> None:
        self.answers: dict[Labels, list[float]] = {}
        self.events: dict[Labels, float] = {}

    def __bool__(self) -> bool:
        return bool(self.answers or self.events)

    def answered(self, labels: Labels, cells: list[float]) -> None:
        """Add cells of answers."""
        found = self.answers.get(labels)
        if found is None and len(self.answers) >= MOST_ANSWERS and labels[2] != OTHER:
            labels = (labels[0], OTHER, OTHER, *labels[3:])
            found = self.answers.get(labels)
        if found is None:
            if len(self.answers) >= 2 * MOST_ANSWERS:
                return
            self.answers[labels] = list(cells)
            return
        for at, cell in enumerate(cells):
            if cell:
                found[at] += cell

    def add(self, labels: Labels, amount: float = 1) -> None:
        """Count what is no answer."""
        if labels not in self.events and len(self.events) >= MOST_EVENTS:
            labels = (labels[0], OTHER)
        self.events[labels] = self.events.get(labels, 0) + amount

    def take(self, other: Totals) -> None:
        """Add all of another one."""
        for labels, cells in other.answers.items():
            self.answered(labels, cells)
        for labels, amount in other.events.items():
            self.add(labels, amount)

    def to_rows(self) -> dict[str, Any]:
        """Return what JSON can hold; `from_rows` takes it back. Empty cells take no room."""
        return {
            "answers": [
                [*labels, [[at, cell] for at, cell in enumerate(cells) if cell]]
                for labels, cells in self.answers.items()
            ],
            "events": [[*labels, amount] for labels, amount in self.events.items()],
        }

    @staticmethod
    def from_rows(found: object) -> Totals:
        """Return what such a value counts; what cannot be read is left out."""
        counted = Totals()
        if isinstance(found, dict):
            for labels, cells in _rows(found.get("answers")):
                if len(labels) == 5 and isinstance(cells, list):
                    counted.answered(labels, _cells(cells))
            for labels, amount in _rows(found.get("events")):
                if len(labels) > 1 and _is_number(amount):
                    counted.add(labels, amount)
        return counted


def _rows(value: object) -> Iterator[tuple[Labels, Any]]:
    for row in value if isinstance(value, list) else ():
        if isinstance(row, list) and row and all(isinstance(one, str) for one in row[:-1]):
            yield tuple(row[:-1]), row[-1]


def _cells(found: list[Any]) -> list[float]:
    cells: list[float] = [0] * CELLS
    for one in found:
        if isinstance(one, list) and len(one) == 2 and type(one[0]) is int and _is_number(one[1]):
            at, cell = one
            if 0 <= at < CELLS:
                cells[at] = float(cell) if at == SECONDS else int(cell)
    return cells


def _is_number(value: object) -> bool:
    return type(value) in {int, float} and isfinite(value) and value >= 0  # type: ignore[arg-type, operator] # a number
