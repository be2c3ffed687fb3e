"""Monitor groups: the monitors that a round asks, and their vote."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from lb.health.verdict import NO_FAILURES, OriginHealth, Verdict
from lb.log_events import MonitorChanged
from lb.model import Health, MonitorGroup

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from lb.model import Origin, Watch


def together(members: Mapping[str, Verdict]) -> Verdict | None:
    """Return a group's verdict in one round from those of its monitors; None without any."""
    if not members:
        return None
    # Before the vote, which needs the results of monitors that were not asked: see `voted`.
    return Verdict(
        passed=all(one.passed for one in members.values()),
        conclusive=any(one.conclusive for one in members.values()),
        attempt=max(one.attempt for one in members.values()),
        duration=max(one.duration for one in members.values()),
        members=tuple(members.items()),
    )


def vote(group: MonitorGroup, known: Mapping[str, OriginHealth]) -> tuple[Health, str]:
    """Return the health that a group's monitors vote for, and its cause."""
    against = {name for name, one in known.items() if one.health is Health.UNHEALTHY}
    outvoted_by = _majority_of(group, against)
    if outvoted_by:
        return Health.UNHEALTHY, known[outvoted_by[0]].cause
    voters = _voters(group)
    if any(known[name].health is Health.HEALTHY for name in voters):
        return Health.HEALTHY, NO_FAILURES
    causes = (known[name].cause for name in voters)
    return Health.UNKNOWN, next((cause for cause in causes if cause), NO_FAILURES)


def voted(watch: Watch, verdict: Verdict, after: OriginHealth) -> Verdict:
    """Return the verdict of a round: of a group, the vote of its monitors' latest results.

    `after` is what the round left behind. A monitor that this round did not ask counts with its
    last result, which holds for its own interval; its thresholds play no part.
    """
    if not isinstance(watch, MonitorGroup):
        return verdict
    against = {name for name, one in after.members if one.streak < 0}
    return replace(verdict, passed=not _majority_of(watch, against))


def _majority_of(group: MonitorGroup, against: Collection[str]) -> list[str]:
    """Return the monitors that vote an origin down; none while it is up.

    One that must be healthy decides alone; else it takes more than half of those that vote. A
    monitor without a result is not against it.
    https://developers.cloudflare.com/load-balancing/monitors/monitor-groups/
    """
    must = {member.monitor.name for member in group.members if member.must_be_healthy}
    voting = _voters(group)
    failing = [name for name in voting if name in against]
    deciding = [name for name in failing if name in must]
    if deciding:
        return deciding
    return failing if 2 * len(failing) > len(voting) else []


def _voters(group: MonitorGroup) -> list[str]:
    """Return the names of the monitors that have a vote, in order."""
    return [
        member.monitor.name
        for member in group.members
        if member.enabled and not member.monitoring_only
    ]


def mean_latencies(
    group: MonitorGroup, known: Mapping[str, OriginHealth]
) -> tuple[tuple[str, float], ...]:
    """Return the mean latency of the monitors that vote, by region."""
    found: dict[str, list[float]] = {}
    for name in _voters(group):
        for region, seconds in known[name].latencies:
            found.setdefault(region, []).append(seconds)
    return tuple(sorted((region, sum(each) / len(each)) for region, each in found.items()))


def due_part(watch: Watch, known: OriginHealth, now: float) -> Watch:
    """Return a group with the monitors that a round beginning now asks; a monitor as it is.

    A monitor's result holds for its own interval; half a round early is allowed.
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
    """Return the first due origins that need no more than so many probes; at least one."""
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
    """Return the changes of health as a group's monitors see it."""
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
