"""An origin's health as a state machine over the verdicts of its monitor."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from lb.events import HealthChanged
from lb.model import Health

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.model import Monitor, Origin, Region


class Signal(Enum):
    """What one verdict means once the monitor's thresholds are applied."""

    PASS = "pass"  # noqa: S105 (no password, a verdict)
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

NO_FAILURES = "No failures"
"""What Cloudflare says as the cause while all is well."""


EVERYWHERE = ""
"""Stands for the place of whoever probes, where probes come from no region."""

NEWEST_COUNTS = 0.25
"""How much the newest of an origin's round trips counts, in an exponentially weighted mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one probe said."""

    passed: bool
    cause: str = NO_FAILURES
    attempt: int = 1
    """Of a round's probes; one that timed out is followed by another."""
    duration: float = 0.0
    """Seconds that the round took."""
    latencies: tuple[tuple[str, float], ...] = ()
    """Seconds that the probe took which passed, by region, as in OriginHealth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginHealth:
    """What is known of an origin. `streak` counts passes above zero, failures below."""

    health: Health = Health.UNKNOWN
    streak: int = 0
    since: float = 0.0
    checked: float = 0.0
    cause: str = ""
    recovered: float = 0.0
    """When it last turned from UNHEALTHY to HEALTHY; 0 when it never did."""
    latencies: tuple[tuple[str, float], ...] = ()
    """Seconds that probes take, by the code of the region that they come from; "" is no region."""

    def latency_from(self, region: Region | None) -> float | None:
        """Return the seconds that a probe takes from a region; of no other, from no region."""
        known = dict(self.latencies)
        found = None if region is None else known.get(region.value)
        return known.get(EVERYWHERE) if found is None else found


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureReport:
    """A failure of real traffic, for the place that health is shared from."""

    pool: str
    origin: str
    cause: str
    at: float


def observe(
    origin: Origin, monitor: Monitor, before: OriginHealth, verdict: Verdict, now: float
) -> tuple[OriginHealth, HealthChanged | None]:
    """Apply one verdict. A threshold of 0 or 1 acts at once, as Cloudflare's default does."""
    signal, streak = _signal(monitor, before.streak, passed=verdict.passed)
    health = TRANSITIONS[before.health][signal]
    changed = health is not before.health
    recovering = changed and before.health is Health.UNHEALTHY and health is Health.HEALTHY
    after = OriginHealth(
        health=health,
        streak=streak,
        since=now if changed else before.since,
        checked=now,
        cause=verdict.cause,
        recovered=now if recovering else before.recovered,
        latencies=_averaged(before.latencies, verdict.latencies),
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
