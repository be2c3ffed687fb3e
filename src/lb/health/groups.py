"""Groups of monitors: what is asked in a round, and what their votes come to."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from lb.health.verdict import NO_FAILURES, OriginHealth, Verdict
from lb.log_events import MonitorChanged
from lb.model import Health, MonitorGroup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lb.model import Origin, Watch


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


def vote(group: MonitorGroup, known: Mapping[str, OriginHealth]) -> tuple[Health, str]:
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


def mean_latencies(
    group: MonitorGroup, known: Mapping[str, OriginHealth]
) -> tuple[tuple[str, float], ...]:
    """Return the mean latency of the monitors that vote, by region."""
    found: dict[str, list[float]] = {}
    for member in group.members:
        if member.enabled and not member.monitoring_only:
            for region, seconds in known[member.monitor.name].latencies:
                found.setdefault(region, []).append(seconds)
    return tuple(sorted((region, sum(each) / len(each)) for region, each in found.items()))


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
