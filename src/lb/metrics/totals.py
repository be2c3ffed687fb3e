"""Counts by labels, which can be merged, and written and read as JSON."""

from __future__ import annotations

from typing import Any

from lb.base.stored_json import DamagedError, as_amount, as_int, as_list, as_texts, each
from lb.proxy.tallies import CELLS, SECONDS

MOST_ANSWERS = 2000
"""Most combinations of load balancer, pool, origin and attempt; further ones are counted as OTHER.
All names come from the configuration, so this bounds the cost of a configuration."""

MOST_EVENTS = 5000

OTHER = "other"
"""Label of the pool and origin beyond these numbers."""

Labels = tuple[str, ...]


class Totals:
    """Answers by (load balancer, pool, origin, attempt, "" or "failed"), and other events by kind.

    The cells of answers are those of lb.proxy.tallies. The labels of events are those of
    lb.metrics.labels.Kind: first the kind, then load balancer, pool and origin where they apply.
    """

    __slots__ = ("answers", "events")

    def __init__(self) -> None:
        self.answers: dict[Labels, list[float]] = {}
        self.events: dict[Labels, float] = {}

    def __bool__(self) -> bool:
        return bool(self.answers or self.events)

    def add_answers(self, labels: Labels, cells: list[float]) -> None:
        """Add the cells of answers."""
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

    def add_event(self, labels: Labels, amount: float = 1) -> None:
        """Add a number of events."""
        if labels not in self.events and len(self.events) >= MOST_EVENTS:
            labels = (labels[0], OTHER)
        self.events[labels] = self.events.get(labels, 0) + amount

    def merge(self, other: Totals) -> None:
        """Add all counts of another one."""
        for labels, cells in other.answers.items():
            self.add_answers(labels, cells)
        for labels, amount in other.events.items():
            self.add_event(labels, amount)

    def to_rows(self) -> dict[str, Any]:
        """Return a value for JSON, without empty cells, which `from_rows` reads."""
        return {
            "answers": [
                [*labels, [[at, cell] for at, cell in enumerate(cells) if cell]]
                for labels, cells in self.answers.items()
            ],
            "events": [[*labels, amount] for labels, amount in self.events.items()],
        }

    @staticmethod
    def from_rows(found: object) -> Totals:
        """Return the counts of such a value, without what is damaged."""
        counted = Totals()
        if isinstance(found, dict):
            for labels, cells in each(found.get("answers"), _answers):
                counted.add_answers(labels, cells)
            for labels, amount in each(found.get("events"), _event):
                counted.add_event(labels, amount)
        return counted


def _answers(row: list[Any]) -> tuple[Labels, list[float]]:
    *labels, found = row
    if len(labels) != 5:
        raise DamagedError
    cells: list[float] = [0] * CELLS
    for at, cell in each(as_list(found), _cell):
        cells[at] = float(cell) if at == SECONDS else int(cell)
    return as_texts(labels), cells


def _cell(row: list[Any]) -> tuple[int, float]:
    at, cell = row
    if not 0 <= as_int(at) < CELLS:
        raise DamagedError
    return at, as_amount(cell)


def _event(row: list[Any]) -> tuple[Labels, float]:
    *labels, amount = row
    if len(labels) < 2:
        raise DamagedError
    return as_texts(labels), as_amount(amount)
