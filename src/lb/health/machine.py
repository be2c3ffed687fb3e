"""The state machine of an origin's health, over the verdicts of its monitor."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING

from lb.health.groups import mean_latencies, vote
from lb.health.verdict import OriginHealth, Verdict
from lb.log_events import HealthChanged
from lb.model import Health, MonitorGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.model import Monitor, Origin, Watch


class Signal(Enum):
    """A verdict after the monitor's thresholds."""

    PASS = "pass"  # noqa: S105 (a verdict, no password)
    FAIL = "fail"
    UP = "up"
    """The consecutive_up-th pass in a row."""
    DOWN = "down"
    """The consecutive_down-th failure in a row."""


# UNKNOWN turns HEALTHY on the first pass: an origin that was never seen to fail has nothing
# to recover from, and the thresholds are there to slow down recovery, not a start.
TRANSITIONS: Mapping[Health, Mapping[Signal, Health]] = {
    Health.UNKNOWN: {
        Signal.PASS: Health.HEALTHY,
        Signal.UP: Health.HEALTHY,
        Signal.FAIL: Health.UNKNOWN,
        Signal.DOWN: Health.UNHEALTHY,
    },
    Health.HEALTHY: {
        Signal.PASS: Health.HEALTHY,
        Signal.UP: Health.HEALTHY,
        Signal.FAIL: Health.HEALTHY,
        Signal.DOWN: Health.UNHEALTHY,
    },
    Health.UNHEALTHY: {
        Signal.PASS: Health.UNHEALTHY,
        Signal.UP: Health.HEALTHY,
        Signal.FAIL: Health.UNHEALTHY,
        Signal.DOWN: Health.UNHEALTHY,
    },
}

NEWEST_COUNTS = 0.25
"""Weight of the newest latency in an exponentially weighted mean."""


def observe(
    origin: Origin,
    monitor: Watch,
    before: OriginHealth,
    verdict: Verdict,
    now: float,
) -> tuple[OriginHealth, HealthChanged | None]:
    """Apply one verdict; return the health after it, and the change if there is one.

    A threshold of 0 or 1 acts at once, as Cloudflare's default does. An inconclusive verdict
    changes neither health nor streak.
    """
    if not verdict.conclusive and not isinstance(monitor, MonitorGroup):
        return replace(before, checked=now, cause=verdict.cause), None
    if isinstance(monitor, MonitorGroup):
        members = _members(origin, monitor, before, verdict, now)
        health, cause = vote(monitor, members)
        streak, verdict = 0, replace(verdict, cause=cause)
        latencies = mean_latencies(monitor, members)
    else:
        signal, streak = _signal(monitor, before.streak, passed=verdict.passed)
        health, members = TRANSITIONS[before.health][signal], {}
        latencies = _averaged(before.latencies, verdict.latencies)
    changed = health is not before.health
    recovering = changed and before.health is Health.UNHEALTHY and health is Health.HEALTHY
    after = OriginHealth(
        health=health,
        streak=streak,
        since=now if changed else before.since,
        checked=now,
        cause=verdict.cause,
        recovered=now if recovering else before.recovered,
        latencies=latencies,
        members=tuple(members.items()),
    )
    if not changed:
        return after, None
    return after, HealthChanged(
        pool=origin.pool,
        origin=origin.name,
        before=before.health,
        after=health,
        cause=verdict.cause,
        attempt=verdict.attempt,
        duration=verdict.duration,
    )


def _members(
    origin: Origin, group: MonitorGroup, before: OriginHealth, verdict: Verdict, now: float
) -> dict[str, OriginHealth]:
    """Return the health by each monitor of a group; a monitor that was not asked keeps its own.

    Each has its own thresholds, and `checked` is when its probe was sent.
    """
    known, said = dict(before.members), dict(verdict.members)
    found = {}
    for monitor in group.monitors:
        was = known.get(monitor.name, OriginHealth())
        if (newest := said.get(monitor.name)) is not None:
            after, _ = observe(origin, monitor, was, newest, now)
            was = replace(after, checked=now - newest.duration)
        found[monitor.name] = was
    return found


def _averaged(
    before: tuple[tuple[str, float], ...], newest: tuple[tuple[str, float], ...]
) -> tuple[tuple[str, float], ...]:
    if not newest:
        return before
    known = dict(before)
    for region, seconds in newest:
        mean = known.get(region, seconds)
        known[region] = mean + NEWEST_COUNTS * (seconds - mean)
    return tuple(sorted(known.items()))


def _signal(monitor: Monitor, streak: int, *, passed: bool) -> tuple[Signal, int]:
    if passed:
        streak = max(streak, 0) + 1
        return (Signal.UP if streak >= monitor.consecutive_up else Signal.PASS), streak
    streak = min(streak, 0) - 1
    return (Signal.DOWN if -streak >= monitor.consecutive_down else Signal.FAIL), streak
