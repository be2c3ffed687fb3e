"""The charts of the status page, and the rings of the last hour and the last day."""

from __future__ import annotations

import json
from typing import Any

from lb.metrics.history import history
from lb.metrics.rings import (
    FAILURES,
    MINUTES,
    MOST_SUBJECTS,
    PROBE_TIMES,
    REQUEST_TIMES,
    REQUESTS,
    STATES,
    STEPS,
    Rings,
)

NOW = 1_790_000_040.0
"""Forty seconds into a minute."""
A, B = ("p", "a"), ("p", "b")


def charts(rings: Rings, now: float = NOW, **options: float) -> dict[str, Any]:
    """Return the charts of both origins and their load balancer."""
    return history(rings, [A, B], ["*"], now, **options)


def stored(rings: Rings, now: float = NOW) -> Rings:
    """Return the rings after storing and reading them."""
    return Rings.from_rows(json.loads(json.dumps(rings.to_rows(now))))


def test_counts_are_in_their_minute() -> None:
    """The last value is that of the current minute; `minutes` are the starts."""
    rings = Rings()
    rings.add_count(A, REQUESTS, 7, NOW - 60, NOW - 60)
    rings.add_count(A, REQUESTS, 3, NOW, NOW)
    rings.add_count(A, FAILURES, 1, NOW, NOW)

    found = charts(rings)

    assert len(found["minutes"]) == MINUTES
    assert found["minutes"][-1] == NOW // 60 * 60
    assert found["origins"][0]["requests"][-3:] == [0, 7, 3]
    assert found["origins"][0]["failures"][-3:] == [0, 0, 1]
    assert found["origins"][1]["requests"] == [0] * MINUTES


def test_counts_of_several_minutes_are_spread_and_none_is_lost() -> None:
    """A hand-over covers the time since the one before."""
    rings = Rings()

    rings.add_count(A, REQUESTS, 10, NOW - 120, NOW)

    assert charts(rings)["origins"][0]["requests"][-3:] == [3, 3, 4]


def test_latencies_are_means_in_milliseconds() -> None:
    """A minute without answers has none."""
    rings = Rings()
    rings.add_times(A, REQUEST_TIMES, (0.3, 2), NOW, NOW)
    rings.add_times(A, PROBE_TIMES, (0.02, 1), NOW, NOW)

    found = charts(rings)["origins"][0]

    assert found["latency_ms"][-2:] == [None, 150.0]
    assert found["probe_ms"][-2:] == [None, 20.0]


def test_spread_durations_keep_their_mean() -> None:
    """A single answer, handed over late, is in one minute with its whole duration."""
    rings = Rings()

    rings.add_times(A, REQUEST_TIMES, (0.2, 1), NOW - 240, NOW)

    assert charts(rings)["origins"][0]["latency_ms"][-2:] == [None, 200.0]


def test_shares_are_of_the_last_minutes() -> None:
    """Of all requests, and of those of each load balancer; null without requests."""
    rings = Rings()
    rings.add_count(A, REQUESTS, 100, NOW - 1800, NOW - 1800)
    rings.add_count(A, REQUESTS, 1, NOW, NOW)
    rings.add_count(B, REQUESTS, 3, NOW, NOW)
    rings.add_count(("*", *B), REQUESTS, 2, NOW, NOW)

    found = charts(rings)

    assert [one["share"] for one in found["origins"]] == [0.25, 0.75]
    assert found["load_balancers"][0]["shares"] == [
        {"pool": "p", "origin": "a", "share": 0.0},
        {"pool": "p", "origin": "b", "share": 1.0},
    ]
    assert [one["share"] for one in charts(Rings())["origins"]] == [None, None]
    assert charts(Rings())["load_balancers"][0]["shares"] == []


def test_a_step_shows_the_worst_health_in_it() -> None:
    """The chart of a day shows an outage of a minute."""
    rings = Rings()
    for state in ("healthy", "unhealthy", "healthy"):
        rings.record_state(A, state, NOW)
    rings.record_state(("*",), "degraded", NOW)

    found = charts(rings)

    assert len(found["steps"]) == STEPS
    assert found["steps"][-1] == NOW // 300 * 300
    assert found["origins"][0]["health"][-2:] == [None, "unhealthy"]
    assert found["load_balancers"][0]["health"][-1] == "degraded"


def test_a_health_holds_for_the_interval() -> None:
    """An interval may be longer than a step; without rounds of probes, the chart has a gap."""
    rings = Rings()
    rings.record_state(A, "healthy", NOW - 3000)

    assert charts(rings, interval=600)["origins"][0]["health"][-11:] == ["healthy"] * 3 + [None] * 8
    assert charts(rings, interval=3600)["origins"][0]["health"][-11:] == ["healthy"] * 11


def test_rings_are_read_as_they_were_stored() -> None:
    """Counts, durations and states are equal."""
    rings = Rings()
    rings.add_count(A, REQUESTS, 5, NOW - 300, NOW)
    rings.add_times(A, REQUEST_TIMES, (0.1234, 1), NOW, NOW)
    for hours, state in enumerate(STATES):
        rings.record_state(A, state, NOW + 3600 * (hours - len(STATES)))

    before, after = charts(rings), charts(stored(rings))

    assert after["origins"][0]["latency_ms"][-1] == 123.4
    assert after == before


def test_old_values_are_dropped() -> None:
    """They are neither shown nor kept."""
    rings = Rings()
    for minute in range(500):
        rings.add_count(A, REQUESTS, 1, NOW + 60 * minute, NOW + 60 * minute)
        rings.record_state(A, "healthy", NOW + 300 * minute)

    assert len(rings.minutes[A]) == MINUTES
    assert len(rings.steps[A]) == STEPS
    assert charts(rings, NOW + 1e6)["origins"][0]["requests"] == [0] * MINUTES
    assert charts(rings, NOW + 1e6)["origins"][0]["health"] == [None] * STEPS


def test_the_rings_are_bounded() -> None:
    """A thousand busy origins fit into a row; further subjects have no history."""
    rings = Rings()
    for number in range(2 * MOST_SUBJECTS):
        key = ("pool", f"origin-{number}")
        for minute in range(MINUTES if number < 1000 else 1):
            at = NOW - 60 * minute
            rings.add_count(key, REQUESTS, 12_345, at, at)
            rings.add_count(key, FAILURES, 17, at, at)
            rings.add_times(key, REQUEST_TIMES, (123.456, 12_345), at, at)
            rings.add_times(key, PROBE_TIMES, (0.123, 2), at, at)
        rings.record_state(key, "healthy", NOW)

    rows = json.dumps(rings.to_rows(NOW), separators=(",", ":"))

    assert len(rings.steps) == MOST_SUBJECTS
    assert len(rows) < 3_000_000  # a fifth of that when it is compressed


def test_damaged_rows_are_left_out() -> None:
    """Other rows stay."""
    bad: tuple[Any, ...] = (
        None,
        [],
        {"oldest": "x", "minutes": [["p", "a", [[0] * 7]]]},
        {"oldest": 1, "minutes": [["p", "a", 5], [7, []], "x", ["p", "a", [[1], ["x"] * 7]]]},
        {"steps": [["p", "a", [[1, 99, 1], [1, 2], [float("nan"), 1, 1]]]]},
    )
    for found in bad:
        assert charts(Rings.from_rows(found)) == charts(Rings())
