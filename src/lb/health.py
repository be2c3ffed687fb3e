"""An origin's health as a state machine over the verdicts of its monitor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from math import inf
from typing import TYPE_CHECKING

from lb.log_events import HealthChanged, MonitorChanged
from lb.model import Health, MonitorGroup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lb.model import Monitor, Origin, Region, Watch


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

MOVED = 0.2
SLIGHT = 0.002
"""Latencies that moved by less than a fifth and two milliseconds are no news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one probe said."""

    passed: bool
    cause: str = NO_FAILURES
    attempt: int = 1
    """Of a round's probes; one that timed out is followed by another."""
    duration: float = 0.0
    """Seconds that the round took."""
    status: int = 0
    """Of the HTTP answer; 0 where there was none."""
    latencies: tuple[tuple[str, float], ...] = ()
    """Seconds that the probe took which passed, by region, as in OriginHealth."""
    members: tuple[tuple[str, Verdict], ...] = ()
    """Of a group: what each monitor said that was asked, by its name."""


def together(members: Mapping[str, Verdict]) -> Verdict | None:
    """Return what a group's monitors said in one round; None when none said anything."""
    if not members:
        return None
    return Verdict(
        passed=all(one.passed for one in members.values()),
        attempt=max(one.attempt for one in members.values()),
        duration=max(one.duration for one in members.values()),
        members=tuple(members.items()),
    )


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

    members: tuple[tuple[str, OriginHealth], ...] = ()
    """What each monitor of a group knows, by its name."""

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
    origin: Origin,
    monitor: Watch,
    before: OriginHealth,
    verdict: Verdict,
    now: float,
) -> tuple[OriginHealth, HealthChanged | None]:
    """Apply one verdict. A threshold of 0 or 1 acts at once, as Cloudflare's default does."""
    if isinstance(monitor, MonitorGroup):
        members = _members(origin, monitor, before, verdict, now)
        health, cause = _vote(monitor, members)
        streak, verdict = 0, replace(verdict, cause=cause)
        latencies = _mean(monitor, members)
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
    """Return what each monitor of a group knows; one that was not asked, what it knew.

    Each has its own thresholds, and `checked` is when it was asked.
    """
    known, said = dict(before.members), dict(verdict.members)
    found = {}
    for monitor in group.monitors:
        was = known.get(monitor.name, OriginHealth())
        if (vote := said.get(monitor.name)) is not None:
            was = replace(observe(origin, monitor, was, vote, now)[0], checked=now - vote.duration)
        found[monitor.name] = was
    return found


def _vote(group: MonitorGroup, known: Mapping[str, OriginHealth]) -> tuple[Health, str]:
    """Return what a group says of an origin, and why.

    One that must be healthy and is not decides; else more than half of those that vote must say
    that it is down. Who has not seen it yet says nothing against it.
    https://developers.cloudflare.com/load-balancing/monitors/monitor-groups/
    """
    voting = [member for member in group.members if member.enabled and not member.monitoring_only]
    against = [one for one in voting if known[one.monitor.name].health is Health.UNHEALTHY]
    deciding = [one for one in against if one.must_be_healthy]
    if deciding or 2 * len(against) > len(voting):
        return Health.UNHEALTHY, known[(deciding or against)[0].monitor.name].cause
    seen = any(known[one.monitor.name].health is Health.HEALTHY for one in voting)
    return (Health.HEALTHY if seen else Health.UNKNOWN), NO_FAILURES


def _mean(group: MonitorGroup, known: Mapping[str, OriginHealth]) -> tuple[tuple[str, float], ...]:
    """Return the mean latency of the monitors that vote, by region."""
    found: dict[str, list[float]] = {}
    for member in group.members:
        if member.enabled and not member.monitoring_only:
            for region, seconds in known[member.monitor.name].latencies:
                found.setdefault(region, []).append(seconds)
    return tuple(sorted((region, sum(each) / len(each)) for region, each in found.items()))


def differ(told: tuple[tuple[str, float], ...], known: tuple[tuple[str, float], ...]) -> bool:
    """Whether latencies have moved so far that those who were told need to know."""
    before = dict(told)
    return any(
        region not in before or abs(seconds - before[region]) > MOVED * before[region] + SLIGHT
        for region, seconds in known
    )


def due_part(watch: Watch, known: OriginHealth, now: float) -> Watch:
    """Return what of a group is asked in a round that begins now.

    What a monitor said last counts until its own interval is over; half a round is forgiven.
    """
    if not isinstance(watch, MonitorGroup):
        return watch
    last = {name: member.checked for name, member in known.members}
    soon = now + watch.interval / 2
    due = frozenset(
        one.name for one in watch.monitors if last.get(one.name, -inf) + one.interval <= soon
    )
    return replace(watch, asked=due)


def at_most(probes: int, due: Sequence[tuple[Origin, Watch]]) -> list[tuple[Origin, Watch]]:
    """Return the first of what is due, as far as so many probes reach; at least one."""
    found: list[tuple[Origin, Watch]] = []
    for origin, watch in due:
        probes -= len(watch.asked or watch.monitors) if isinstance(watch, MonitorGroup) else 1
        if probes < 0 and found:
            break
        found.append((origin, watch))
    return found


def latency_of(verdict: Verdict) -> float | None:
    """Return the seconds that a round's quickest probe took which passed; None if none did."""
    own = [seconds for _, seconds in verdict.latencies]
    of_members = [latency_of(one) for _, one in verdict.members]
    return min([*own, *(one for one in of_members if one is not None)], default=None)


def code_of(verdict: Verdict) -> int:
    """Return the status code that a round met, of a group the first one; 0 where there was none."""
    codes = (verdict.status, *(code_of(one) for _, one in verdict.members))
    return next((code for code in codes if code), 0)


def untimed(verdict: Verdict) -> Verdict:
    """Return a verdict without latencies, where nobody goes by them."""
    members = tuple((name, untimed(one)) for name, one in verdict.members)
    return replace(verdict, latencies=(), members=members)


def member_changes(
    origin: Origin, before: OriginHealth, after: OriginHealth
) -> list[MonitorChanged]:
    """Return which monitors of a group changed their mind."""
    known = dict(before.members)
    return [
        MonitorChanged(
            pool=origin.pool,
            origin=origin.name,
            monitor=name,
            before=was.health,
            after=member.health,
            cause=member.cause,
        )
        for name, member in after.members
        if (was := known.get(name, OriginHealth())).health is not member.health
    ]


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
