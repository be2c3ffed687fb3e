"""The earliest time at which an origin's health can change."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from lb.health.verdict import OriginHealth
from lb.model import Health, MonitorGroup

if TYPE_CHECKING:
    from lb.model import Monitor, Watch


class NextChange(NamedTuple):
    """The earliest change of an origin's health, as one monitor may find it."""

    at: float
    """Time of the verdict that changes it, if all until then agree."""
    verdict: float
    """Time of the next verdict."""
    interval: float
    threshold: int
    """Verdicts in a row that change it."""
    counting: bool
    """Whether the latest verdict counts towards the change."""

    @property
    def shortest(self) -> float:
        """Seconds that a change takes, from the first of its verdicts, and one interval more."""
        return self.threshold * self.interval

    def after(self, now: float) -> float:
        """Return `at` as it will be at that time, if no verdict until then counts towards it."""
        if self.counting or now < self.verdict:
            return self.at
        return self.at + (int((now - self.verdict) / self.interval) + 1) * self.interval


def next_changes(watch: Watch, known: OriginHealth, verdict: float) -> list[NextChange]:
    """Return the next change by each monitor of an origin; `verdict`: when the next one is due."""
    if not isinstance(watch, MonitorGroup):
        return [_next_change(watch, known, verdict)]
    members = dict(known.members)
    found = []
    for one in watch.monitors:
        member = members.get(one.name, OriginHealth())
        # A round asks the monitors whose interval has passed, half a round early (due_part).
        waits = member.checked + one.interval - watch.interval / 2 - verdict
        rounds = max(ceil(waits / watch.interval), 0)
        found.append(_next_change(one, member, verdict + rounds * watch.interval))
    return found


def _next_change(monitor: Monitor, known: OriginHealth, verdict: float) -> NextChange:
    if known.health is Health.UNHEALTHY:
        threshold, counted = max(monitor.consecutive_up, 1), max(known.streak, 0)
    else:
        threshold, counted = max(monitor.consecutive_down, 1), max(-known.streak, 0)
    left = max(threshold - counted, 1)
    return NextChange(
        at=verdict + (left - 1) * monitor.interval,
        verdict=verdict,
        interval=monitor.interval,
        threshold=threshold,
        counting=counted > 0,
    )
