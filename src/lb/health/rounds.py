"""Rounds of probes: due origins, and the effect of a verdict."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, NamedTuple, Protocol

from lb.health.groups import at_most, due_part, member_changes, voted
from lb.health.machine import observe
from lb.health.maintenance import borders, is_on
from lb.health.next_change import next_changes
from lb.health.verdict import OriginHealth, untimed
from lb.model.watched import monitored, timed, used_pools

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lb.health.next_change import NextChange
    from lb.health.verdict import Verdict
    from lb.log_events import HealthChanged, MonitorChanged
    from lb.model import Config, Origin, OriginKey, Watch


PROBES_IN_AN_ALARM = 12
"""Origins probed in one alarm: with three retries each, 48 of the 50 subrequests of the free plan
(https://developers.cloudflare.com/workers/platform/limits/#subrequests)."""


class Pace(Protocol):
    """Waits between an origin's probes."""

    def wait(self, key: OriginKey, interval: float) -> float:
        """Return the seconds from an origin's latest probe to its next one."""

    def sent(self, key: OriginKey, interval: float) -> None:
        """Take note that an origin is being probed."""


class Leases:
    """The pace of an isolate, whose probes may end with the request that they run behind."""

    def __init__(self, seconds: float) -> None:
        """`seconds`: time after which a probe without a verdict counts as lost."""
        self._seconds = seconds
        self._under_way: set[OriginKey] = set()

    def wait(self, key: OriginKey, interval: float) -> float:
        """Return the lease while a probe is under way, else the monitor's interval."""
        return self._seconds if key in self._under_way else interval

    def sent(self, key: OriginKey, interval: float) -> None:
        """Begin a lease."""
        del interval
        self._under_way.add(key)

    def ended(self, key: OriginKey) -> bool:
        """End an origin's lease, and say whether there was one."""
        found = key in self._under_way
        self._under_way.discard(key)
        return found


class Observed(NamedTuple):
    """An origin's health before and after a verdict, and the changes to log."""

    before: OriginHealth
    after: OriginHealth
    verdict: Verdict
    """The round's verdict; for a group, its vote."""
    health: HealthChanged | None
    monitors: tuple[MonitorChanged, ...]
    """Changes by single monitors of a group."""


class Rounds:
    """The schedule and the health of all watched origins: plain data, no I/O.

    The same rules for an isolate, which probes behind responses, and for the Durable Object, which
    probes by its alarm. The pace and the size of a round differ, and are passed in.
    """

    def __init__(self, config: Config, pace: Pace, *, most: int, together: float = 0.0) -> None:
        """`most`: probes in one round, retries not counted.

        `together`: seconds by which a probe is brought forward to join a round; above 0, half an
        interval for origins of the same interval.
        """
        self.health: dict[OriginKey, OriginHealth] = {}
        self.asked: dict[OriginKey, float] = {}
        """Time of an origin's latest probe; absent: never."""
        self.took: dict[OriginKey, float] = {}
        """Seconds from an origin's latest probe to its verdict."""
        self.watched = {origin.key: (origin, watch) for origin, watch in monitored(config)}
        self.borders = borders(config)
        """Starts and ends of maintenance, sorted."""
        self._config = config
        self._pace = pace
        self._most = most
        self._together = together
        self._pools = used_pools(config)
        self._timed = timed(config)

    def take_over(self, before: Rounds, keys: Iterable[OriginKey]) -> None:
        """Copy health and schedule of these origins from another configuration's rounds."""
        for key in keys:
            if key in before.health:
                self.health[key] = before.health[key]
            if key in before.asked:
                self.asked[key] = before.asked[key]

    def restore(self, key: OriginKey, health: OriginHealth) -> None:
        """Take an origin's health from storage, after `asked`."""
        self.health[key] = health
        self.took[key] = max(health.checked - self.asked[key], 0.0)

    def switched_on(self, now: float) -> list[tuple[Origin, Watch]]:
        """Return the origins that are probed now, which leaves out those in maintenance."""
        found = list(self.watched.values())
        if not self.borders:
            return found
        return [one for one in found if is_on(self._pools[one[0].pool], one[0], now)]

    def due_at(self, origin: Origin, watch: Watch) -> float:
        """Return when an origin is probed next; one that never was is due at once."""
        asked = self.asked.get(origin.key)
        return 0.0 if asked is None else asked + self._pace.wait(origin.key, watch.interval)

    def due(self, now: float) -> list[tuple[Origin, Watch]]:
        """Return the origins to probe in a round that begins now, and mark them as probed.

        Longest wait first, so that every origin gets its turn, however many there are. A monitor
        group comes with the monitors of this round in `asked`.
        """
        soon = now + self._together
        origins = self.switched_on(now)
        waiting = [one for one in origins if self.due_at(*one) <= soon]
        if self._together:
            waiting += self._joining(origins, waiting, now)
        waiting.sort(key=lambda one: self.asked.get(one[0].key, -inf))
        due = at_most(
            self._most,
            [(origin, due_part(watch, self._known(origin), now)) for origin, watch in waiting],
        )
        for origin, watch in due:
            self._pace.sent(origin.key, watch.interval)
            self.asked[origin.key] = now
        return due

    def _joining(
        self,
        origins: Sequence[tuple[Origin, Watch]],
        due: Sequence[tuple[Origin, Watch]],
        now: float,
    ) -> list[tuple[Origin, Watch]]:
        """Return the origins that join a round of others with the same interval.

        A report or a new origin shifts a probe. Without this, each shifted origin would have rounds
        of its own from then on, which cost an alarm and two rows written each time.
        """
        intervals, taken = {watch.interval for _, watch in due}, {one.key for one, _ in due}
        return [
            (origin, watch)
            for origin, watch in origins
            if watch.interval in intervals
            and origin.key not in taken
            and now >= self.asked.get(origin.key, 0.0) + watch.interval / 2
        ]

    def next_at(self, now: float) -> float:
        """Return when the next origin is due, of those that are on now; inf: none."""
        return min((self.due_at(*one) for one in self.switched_on(now)), default=inf)

    def next_changes(self, now: float) -> list[NextChange]:
        """Return when the health of each origin that is on now can change next."""
        return [
            change
            for origin, watch in self.switched_on(now)
            for change in next_changes(
                watch, self._known(origin), self._verdict_at(origin, watch, now)
            )
        ]

    def next_border(self, after: float) -> float:
        """Return when maintenance begins or ends next; inf: never."""
        at = bisect_right(self.borders, after)
        return self.borders[at] if at < len(self.borders) else inf

    def observe(self, origin: Origin, watch: Watch, verdict: Verdict, now: float) -> Observed:
        """Apply a verdict to an origin's health."""
        before = self._known(origin)
        kept = verdict if origin.pool in self._timed else untimed(verdict)
        after, changed = observe(origin, watch, before, kept, now)
        self.health[origin.key] = after
        self.took[origin.key] = max(now - self.asked.get(origin.key, now), 0.0)
        members = member_changes(origin, before, after)
        if changed is not None or members:
            users = self._config.users_of(origin.pool)
            changed = changed and replace(changed, load_balancer=users)
            members = [replace(one, load_balancer=users) for one in members]
        return Observed(before, after, voted(watch, verdict, after), changed, tuple(members))

    def _verdict_at(self, origin: Origin, watch: Watch, now: float) -> float:
        """Return when the next verdict is expected: a probe takes as long as the one before."""
        asked, took = self.asked.get(origin.key, 0.0), self.took.get(origin.key, 0.0)
        if asked > self._known(origin).checked:  # under way
            return max(asked + took, now)
        return max(self.due_at(origin, watch), now) + took

    def _known(self, origin: Origin) -> OriginHealth:
        return self.health.get(origin.key, OriginHealth())
