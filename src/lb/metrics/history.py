"""The charts of the status page, and shares of traffic, from what the rings hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lb.metrics.rings import (
    FAILURES,
    MINUTE,
    MINUTES,
    PROBE_TIMES,
    RECENT,
    REQUEST_TIMES,
    REQUESTS,
    STATES,
    STEP,
    STEPS,
    TICK,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lb.metrics.rings import Rings, TimeFields
    from lb.model import OriginKey


def history(
    rings: Rings,
    origins: Iterable[OriginKey],
    load_balancers: Iterable[str],
    now: float,
    *,
    interval: float = STEP,
) -> dict[str, Any]:
    """Return the charts of the status page for JSON; the oldest value comes first.

    `minutes` (60) and `steps` (288) are the times at which each begins, in seconds since the Unix
    epoch; the last ones are not over yet. Every origin of `origins` (pool, name) and every load
    balancer has `requests` and `failures` by minute (integers: a failure is an attempt that failed,
    or an answer with a status of 500 or more), `latency_ms` by minute (mean time to an answer's
    headers; null without an answer) and `health` by step: the worst one in it, null if it is not
    known. An origin has `probe_ms` as well, and `share`: its part of all requests of the last
    minutes, from 0 to 1, null if there were none. A load balancer has `shares` of its own requests.

    A recorded health holds for `interval` seconds: the longest time between two rounds of probes.

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
    share_of = shares(rings, keys, now)
    held = max(int(interval // STEP), 1)
    found: dict[str, Any] = {
        "minutes": [minute * MINUTE for minute in minutes],
        "steps": [step * STEP for step in steps],
        "origins": [],
        "load_balancers": [],
    }
    for key in keys:
        counts = rings.minutes.get(key, {})
        found["origins"].append(
            {
                "pool": key[0],
                "origin": key[1],
                **_traffic(counts, minutes),
                "probe_ms": _means(counts, minutes, PROBE_TIMES),
                "health": _states(rings.steps.get(key, {}), steps, held),
                "share": share_of[key],
            }
        )
    for name in load_balancers:
        own = {key: _requests(rings.minutes.get((name, *key), {}), recent) for key in keys}
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
    """Return each origin's part of all requests of the last minutes; None if there were none."""
    recent = range(int(now // MINUTE) - RECENT, int(now // MINUTE) + 1)
    return _shares({key: _requests(rings.minutes.get(key, {}), recent) for key in origins})


def _traffic(counts: Mapping[int, list[int]], minutes: range) -> dict[str, Any]:
    return {
        "requests": [_cell(counts, minute, REQUESTS) for minute in minutes],
        "failures": [_cell(counts, minute, FAILURES) for minute in minutes],
        "latency_ms": _means(counts, minutes, REQUEST_TIMES),
    }


def _cell(counts: Mapping[int, list[int]], minute: int, field: int) -> int:
    cells = counts.get(minute)
    return 0 if cells is None else cells[field]


def _means(
    counts: Mapping[int, list[int]], minutes: range, fields: TimeFields
) -> list[float | None]:
    """Return mean durations in milliseconds."""
    ticks, number = fields
    return [
        round(1000 * _cell(counts, minute, ticks) / times / TICK, 1)
        if (times := _cell(counts, minute, number))
        else None
        for minute in minutes
    ]


def _states(recorded: Mapping[int, int], steps: range, held: int) -> list[str | None]:
    """Return a state for each step; a recorded one holds for `held` steps."""
    found: list[str | None] = []
    state, until = None, 0
    before = [step for step in recorded if step < steps.start]
    if before:
        state, until = STATES[recorded[max(before)]], max(before) + held
    for step in steps:
        if step in recorded:
            state, until = STATES[recorded[step]], step + held
        found.append(state if step <= until else None)
    return found


def _requests(counts: Mapping[int, list[int]], minutes: range) -> int:
    return sum(_cell(counts, minute, REQUESTS) for minute in minutes)


def _shares(requests: Mapping[OriginKey, int]) -> dict[OriginKey, float | None]:
    total = sum(requests.values())
    return {key: round(one / total, 4) if total else None for key, one in requests.items()}
