"""The last hour by minutes and the last day by steps of five, for charts; bounded in size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lb.base.stored_json import DamagedError, as_amounts, as_int, as_list, as_texts, each, or_else

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from lb.model import OriginKey

MINUTE = 60
MINUTES = 60
"""That are kept, the current one included."""

STEP = 300
STEPS = 288

RECENT = 5
"""Minutes that a share of traffic is taken from, besides the current one."""

MOST_SUBJECTS = 1100
"""Origins and load balancers that have a history; further ones have none. A thousand origins with
traffic in every minute take less than a megabyte of the two that a row may have
(https://developers.cloudflare.com/durable-objects/platform/limits/)."""

REQUESTS, FAILURES, TICKS, TIMED, PROBE_TICKS, PROBES = range(6)

TICK = 10_000
"""Of a second; sums of times are kept in these, as whole numbers."""


STATES = ("disabled", "unknown", "healthy", "degraded", "unhealthy", "critical")
"""The better ones first: a step shows the worst that there was in it."""

REQUEST_TIMES = TICKS, TIMED
PROBE_TIMES = PROBE_TICKS, PROBES

Timed = tuple[int, int]
"""The fields of a sum of seconds and of how many."""

Spent = tuple[float, int]
"""A sum of seconds, and of how many."""

Subject = tuple[str, ...]
"""(load balancer,), (pool, origin), or, for shares alone, (load balancer, pool, origin)."""


class Rings:
    """What is kept, by subject: minutes of numbers, and steps of health."""

    def __init__(self) -> None:
        self.minutes: dict[Subject, dict[int, list[int]]] = {}
        self.steps: dict[Subject, dict[int, int]] = {}

    def count(self, subject: Subject, field: int, amount: int, since: float, at: float) -> None:
        """Add a number to the minutes from `since` to `at`, in equal parts."""
        for minute, part in _parts(amount, since, at):
            cells = self._minute(subject, minute)
            if cells is not None:
                cells[field] += part

    def time(self, subject: Subject, fields: Timed, spent: Spent, since: float, at: float) -> None:
        """Add seconds and how many times they are the sum of, so that each minute has its share."""
        seconds, times = spent
        for minute, part in _parts(times, since, at):
            cells = self._minute(subject, minute)
            if cells is not None:
                cells[fields[0]] += round(TICK * seconds * part / times)
                cells[fields[1]] += part

    def note(self, subject: Subject, state: str, now: float) -> None:
        """Take down how a subject stands."""
        found = self.steps.get(subject)
        if found is None:
            if len(self.steps) >= MOST_SUBJECTS:
                return
            found = self.steps[subject] = {}
        step = int(now // STEP)
        found[step] = max(found.get(step, 0), STATES.index(state))
        if len(found) > STEPS:
            _forget(found, step - STEPS + 1)

    def keep(self, subjects: Collection[Subject]) -> None:
        """Forget all subjects but these."""
        self.minutes = {one: kept for one, kept in self.minutes.items() if one in subjects}
        self.steps = {one: kept for one, kept in self.steps.items() if one in subjects}

    def to_rows(self, now: float) -> dict[str, Any]:
        """Return what JSON can hold; `from_rows` takes it back."""
        oldest, first = int(now // MINUTE) - MINUTES + 1, int(now // STEP) - STEPS + 1
        return {
            "oldest": oldest,
            "minutes": [
                [
                    *subject,
                    [[at - oldest, *row] for at, row in kept.items() if at >= oldest],
                ]
                for subject, kept in self.minutes.items()
            ],
            "steps": [
                [*subject, _runs({at: state for at, state in kept.items() if at >= first})]
                for subject, kept in self.steps.items()
            ],
        }

    @staticmethod
    def from_rows(found: object) -> Rings:
        """Return the rings that such a value describes; what cannot be read is left out."""
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
        kept = self.minutes.get(subject)
        if kept is None:
            if len(self.minutes) >= 2 * MOST_SUBJECTS:
                return None
            kept = self.minutes[subject] = {}
        cells = kept.get(minute)
        if cells is None:
            cells = kept[minute] = [0, 0, 0, 0, 0, 0]
            most = RECENT + 1 if len(subject) == 3 else MINUTES
            if len(kept) > most:
                _forget(kept, minute - most + 1)
        return cells


def history(
    rings: Rings,
    origins: Iterable[OriginKey],
    load_balancers: Iterable[str],
    now: float,
    *,
    holds: float = STEP,
) -> dict[str, Any]:
    """Return the charts of the status page, as JSON has them; the oldest value comes first.

    `minutes` (60) and `steps` (288) are the times at which each begins, in seconds since the Unix
    epoch; the last ones are not over yet. Every origin of `origins` (pool, name) and every load
    balancer has `requests` and `failures` by minute (integers: a failure is an attempt that failed,
    or an answer with a status of 500 or more), `latency_ms` by minute (mean time to an answer's
    headers; null without an answer) and `health` by step: the worst of it, null where nobody
    looked. An origin has `probe_ms` as well, and `share`: its part of all requests of the last
    minutes, from 0 to 1, null when there were none. So has a load balancer, as `shares`, of its own
    requests.

    A health is taken to have lasted for `holds` seconds: the longest time between two looks.

        {"minutes": [...], "steps": [...],
         "origins": [{"pool": "p", "origin": "a", "requests": [...], "failures": [...],
                      "latency_ms": [...], "probe_ms": [...], "health": [...], "share": 0.5}],
         "load_balancers": [{"name": "*", "requests": [...], "failures": [...],
                             "latency_ms": [...], "health": [...],
                             "shares": [{"pool": "p", "origin": "a", "share": 0.5}]}]}
    """
    minutes = range(int(now // MINUTE) - MINUTES + 1, int(now // MINUTE) + 1)
    steps = range(int(now // STEP) - STEPS + 1, int(now // STEP) + 1)
    recent = minutes[-RECENT - 1 :]
    keys = list(origins)
    of_origins = {key: rings.minutes.get(key, {}) for key in keys}
    share_of = shares(rings, keys, now)
    held = max(int(holds // STEP), 1)
    found: dict[str, Any] = {
        "minutes": [minute * MINUTE for minute in minutes],
        "steps": [step * STEP for step in steps],
        "origins": [
            {
                "pool": key[0],
                "origin": key[1],
                **_traffic(kept, minutes),
                "probe_ms": _means(kept, minutes, *PROBE_TIMES),
                "health": _states(rings.steps.get(key, {}), steps, held),
                "share": share_of[key],
            }
            for key, kept in of_origins.items()
        ],
        "load_balancers": [],
    }
    for name in load_balancers:
        own = {key: _sum(rings.minutes.get((name, *key), {}), recent) for key in keys}
        found["load_balancers"].append(
            {
                "name": name,
                **_traffic(rings.minutes.get((name,), {}), minutes),
                "health": _states(rings.steps.get((name,), {}), steps, held),
                "shares": [
                    {"pool": pool, "origin": origin, "share": share}
                    for (pool, origin), share in _shares(own).items()
                    if share is not None
                ],
            }
        )
    return found


def shares(rings: Rings, origins: Iterable[OriginKey], now: float) -> dict[OriginKey, float | None]:
    """Return each origin's part of all requests of the last minutes; None when there were none."""
    recent = range(int(now // MINUTE) - RECENT, int(now // MINUTE) + 1)
    return _shares({key: _sum(rings.minutes.get(key, {}), recent) for key in origins})


def _parts(amount: int, since: float, at: float) -> Iterator[tuple[int, int]]:
    """Yield minutes with the whole numbers that they get; their sum is the amount."""
    last = int(at // MINUTE)
    first = min(max(int(since // MINUTE), last - MINUTES + 1), last)
    of_all = last - first + 1
    for number in range(of_all):
        part = amount * (number + 1) // of_all - amount * number // of_all
        if part:
            yield first + number, part


def _traffic(kept: Mapping[int, list[int]], minutes: range) -> dict[str, Any]:
    return {
        "requests": [_cell(kept, minute, REQUESTS) for minute in minutes],
        "failures": [_cell(kept, minute, FAILURES) for minute in minutes],
        "latency_ms": _means(kept, minutes, *REQUEST_TIMES),
    }


def _cell(kept: Mapping[int, list[int]], minute: int, field: int) -> int:
    cells = kept.get(minute)
    return 0 if cells is None else cells[field]


def _means(
    kept: Mapping[int, list[int]], minutes: range, ticks: int, count: int
) -> list[float | None]:
    """Return means in milliseconds."""
    return [
        round(1000 * _cell(kept, minute, ticks) / of / TICK, 1)
        if (of := _cell(kept, minute, count))
        else None
        for minute in minutes
    ]


def _states(kept: Mapping[int, int], steps: range, held: int) -> list[str | None]:
    """Return a state for each step; one that was seen lasts for `held` steps."""
    found: list[str | None] = []
    state, until = None, 0
    before = [step for step in kept if step < steps.start]
    if before:
        state, until = STATES[kept[max(before)]], max(before) + held
    for step in steps:
        if step in kept:
            state, until = STATES[kept[step]], step + held
        found.append(state if step <= until else None)
    return found


def _sum(kept: Mapping[int, list[int]], minutes: range) -> int:
    return sum(_cell(kept, minute, REQUESTS) for minute in minutes)


def _shares(requests: Mapping[OriginKey, int]) -> dict[OriginKey, float | None]:
    of_all = sum(requests.values())
    return {key: round(one / of_all, 4) if of_all else None for key, one in requests.items()}


def _forget(kept: dict[int, Any], before: int) -> None:
    for at in [at for at in kept if at < before]:
        del kept[at]


def _runs(kept: Mapping[int, int]) -> list[list[int]]:
    """Return (first step, state, how many steps) of each run of one state."""
    runs: list[list[int]] = []
    for at in sorted(kept):
        if runs and runs[-1][1] == kept[at] and runs[-1][0] + runs[-1][2] == at:
            runs[-1][2] += 1
        else:
            runs.append([at, kept[at], 1])
    return runs


def _subject(row: list[Any]) -> tuple[Subject, list[Any]]:
    *names, found = row
    if not names:
        raise DamagedError
    return as_texts(names), as_list(found)


def _cells(row: list[Any]) -> tuple[int, list[int]]:
    at, *cells = map(int, as_amounts(row))
    if len(cells) != 6:
        raise DamagedError
    return at, cells


def _run(row: list[Any]) -> tuple[int, int, int]:
    at, state, length = map(int, as_amounts(row))
    if state >= len(STATES):
        raise DamagedError
    return at, state, min(length, STEPS)
