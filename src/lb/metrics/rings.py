"""Counts by minute and health by step of five minutes, of origins and load balancers; bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lb.base.stored_json import DamagedError, as_amounts, as_int, as_list, as_texts, each, or_else

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

MINUTE = 60
MINUTES = 60
"""Minutes that are kept, the current one included."""

STEP = 300
STEPS = 288
"""Steps that are kept, the current one included: a day."""

RECENT = 5
"""Minutes before the current one over which shares of traffic are taken."""

MOST_SUBJECTS = 1100
"""Most origins and load balancers with a history. A thousand origins with traffic in every minute
take less than a megabyte of the two that a row may have
(https://developers.cloudflare.com/durable-objects/platform/limits/)."""

REQUESTS, FAILURES, TICKS, TIMED, PROBE_TICKS, PROBES = FIELDS = range(6)
"""Positions in the cells of a minute."""

TICK = 10_000
"""Ticks a second: sums of durations are kept as whole numbers."""

STATES = ("disabled", "unknown", "healthy", "degraded", "unhealthy", "critical")
"""States of health from the best to the worst: a step shows the worst one that occurred in it."""

REQUEST_TIMES = TICKS, TIMED
PROBE_TIMES = PROBE_TICKS, PROBES

TimeFields = tuple[int, int]
"""The fields of a sum of durations and of their number."""

Durations = tuple[float, int]
"""The sum of some durations in seconds, and their number."""

Subject = tuple[str, ...]
"""(load balancer,), (pool, origin), or, for shares alone, (load balancer, pool, origin)."""


class Rings:
    """Counts by subject and minute, and states by subject and step."""

    def __init__(self) -> None:
        self.minutes: dict[Subject, dict[int, list[int]]] = {}
        self.steps: dict[Subject, dict[int, int]] = {}

    def add_count(self, subject: Subject, field: int, amount: int, since: float, at: float) -> None:
        """Add a number to the minutes from `since` to `at`, in equal parts."""
        for minute, part in _parts(amount, since, at):
            cells = self._minute(subject, minute)
            if cells is not None:
                cells[field] += part

    def add_times(
        self, subject: Subject, fields: TimeFields, durations: Durations, since: float, at: float
    ) -> None:
        """Add durations to the minutes from `since` to `at`, in equal parts."""
        seconds, times = durations
        for minute, part in _parts(times, since, at):
            cells = self._minute(subject, minute)
            if cells is not None:
                cells[fields[0]] += round(TICK * seconds * part / times)
                cells[fields[1]] += part

    def record_state(self, subject: Subject, state: str, now: float) -> None:
        """Add the present state of a subject to the current step."""
        found = self.steps.get(subject)
        if found is None:
            if len(self.steps) >= MOST_SUBJECTS:
                return
            found = self.steps[subject] = {}
        step = int(now // STEP)
        found[step] = max(found.get(step, 0), STATES.index(state))
        if len(found) > STEPS:
            _drop_before(found, step - STEPS + 1)

    def retain(self, subjects: Collection[Subject]) -> None:
        """Drop all other subjects."""
        self.minutes = {one: cells for one, cells in self.minutes.items() if one in subjects}
        self.steps = {one: states for one, states in self.steps.items() if one in subjects}

    def to_rows(self, now: float) -> dict[str, Any]:
        """Return a value for JSON, which `from_rows` reads."""
        oldest, first = int(now // MINUTE) - MINUTES + 1, int(now // STEP) - STEPS + 1
        return {
            "oldest": oldest,
            "minutes": [
                [*subject, [[at - oldest, *cells] for at, cells in minutes.items() if at >= oldest]]
                for subject, minutes in self.minutes.items()
            ],
            "steps": [
                [*subject, _runs({at: state for at, state in states.items() if at >= first})]
                for subject, states in self.steps.items()
            ],
        }

    @staticmethod
    def from_rows(found: object) -> Rings:
        """Return the rings of such a value, without what is damaged."""
        rings = Rings()
        if not isinstance(found, dict):
            return rings
        oldest = or_else(as_int, found.get("oldest"), None)
        if oldest is None:
            return rings
        for subject, rows in each(found.get("minutes"), _subject):
            rings.minutes[subject] = {oldest + at: cells for at, cells in each(rows, _cells)}
        for subject, rows in each(found.get("steps"), _subject):
            rings.steps[subject] = {
                at + more: state for at, state, length in each(rows, _run) for more in range(length)
            }
        return rings

    def _minute(self, subject: Subject, minute: int) -> list[int] | None:
        minutes = self.minutes.get(subject)
        if minutes is None:
            if len(self.minutes) >= 2 * MOST_SUBJECTS:
                return None
            minutes = self.minutes[subject] = {}
        cells = minutes.get(minute)
        if cells is None:
            cells = minutes[minute] = [0] * len(FIELDS)
            most = RECENT + 1 if len(subject) == 3 else MINUTES
            if len(minutes) > most:
                _drop_before(minutes, minute - most + 1)
        return cells


def _parts(amount: int, since: float, at: float) -> Iterator[tuple[int, int]]:
    """Yield minutes and whole numbers whose sum is the amount, without minutes that get none."""
    last = int(at // MINUTE)
    first = min(max(int(since // MINUTE), last - MINUTES + 1), last)
    count = last - first + 1
    for number in range(count):
        part = amount * (number + 1) // count - amount * number // count
        if part:
            yield first + number, part


def _drop_before(kept: dict[int, Any], first: int) -> None:
    for at in [at for at in kept if at < first]:
        del kept[at]


def _runs(states: Mapping[int, int]) -> list[list[int]]:
    """Return (first step, state, number of steps) of each run of one state."""
    runs: list[list[int]] = []
    for at in sorted(states):
        if runs and runs[-1][1] == states[at] and runs[-1][0] + runs[-1][2] == at:
            runs[-1][2] += 1
        else:
            runs.append([at, states[at], 1])
    return runs


def _subject(row: list[Any]) -> tuple[Subject, list[Any]]:
    *names, found = row
    if not names:
        raise DamagedError
    return as_texts(names), as_list(found)


def _cells(row: list[Any]) -> tuple[int, list[int]]:
    at, *cells = map(int, as_amounts(row))
    if len(cells) != len(FIELDS):
        raise DamagedError
    return at, cells


def _run(row: list[Any]) -> tuple[int, int, int]:
    at, state, length = map(int, as_amounts(row))
    if state >= len(STATES):
        raise DamagedError
    return at, state, min(length, STEPS)
