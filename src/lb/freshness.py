"""How long the health that isolates share may be trusted."""

from __future__ import annotations

from bisect import bisect_right
from enum import Enum
from math import inf
from typing import TYPE_CHECKING

from lb.events import ProberResumed, ProberStalled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lb.model import Config
    from lb.shared import SharedHealth

REFRESH = 60.0
"""Seconds between two looks of an isolate at the shared view, at most."""

GRACE = 10.0
"""Seconds that an isolate waits for a newer view: after a quiet hour the one that it has is old,
and the request that finds this out has only just sent for another."""


class Trust(Enum):
    """What an isolate thinks of the shared view."""

    NONE = "none"
    """There is none."""
    FRESH = "fresh"
    DOUBTED = "doubted"
    """It is old; a newer one may be on its way."""
    STALE = "stale"


TRUSTED = frozenset({Trust.FRESH, Trust.DOUBTED})


def fresh_for(config: Config) -> float:
    """Return the longest time in which a round of probes must have come to an isolate.

    Two of the longest intervals, so that one lost round is forgiven; what its slowest probe may
    take with all retries; and the time that isolates let pass before they look.
    """
    pools = {pool.name: pool for lb in config.load_balancers for pool in lb.pools}
    monitors = [pool.monitor for pool in pools.values() if pool.monitor is not None]
    if not monitors:
        return inf
    interval = max(monitor.interval for monitor in monitors)
    probe = max(monitor.timeout * (1 + monitor.retries) for monitor in monitors)
    return 2 * interval + probe + REFRESH


class SharedView:
    """The newest shared view that an isolate has seen, and whether it trusts it."""

    def __init__(self, config: Config, borders: Sequence[float]) -> None:
        self.shared: SharedHealth | None = None
        self.trust = Trust.NONE
        self._fresh_for = fresh_for(config)
        self._borders = borders
        self._ask_again = inf

    @property
    def trusted(self) -> bool:
        return self.trust in TRUSTED

    def is_news(self, shared: SharedHealth) -> bool:
        """Whether a view is at least as new as the one held.

        By the time of its probes before its version: one whose keeper had to begin anew counts
        from zero, and must not be ignored for ever.
        """
        held = self.shared
        return held is None or (shared.probed, shared.version) >= (held.probed, held.version)

    def take(self, shared: SharedHealth, now: float) -> ProberStalled | ProberResumed | None:
        """Hold a view from now on, and say whether trust was lost or came back."""
        before, self.shared = self.trust, shared
        self.trust = Trust.FRESH if now < self.ends(now) else Trust.STALE
        if self.trust is Trust.STALE and before is not Trust.STALE:
            return ProberStalled(age=now - shared.probed)
        if self.trust is Trust.FRESH and before is Trust.STALE:
            return ProberResumed(age=now - shared.probed)
        return None

    def ends(self, now: float) -> float:
        """Return when the view held is too old: probes pause in maintenance, so its end counts."""
        if self.shared is None:
            return -inf
        passed = bisect_right(self._borders, now)
        latest = self._borders[passed - 1] if passed else -inf
        return max(self.shared.probed, latest) + self._fresh_for

    def doubt(self, now: float) -> tuple[float, ProberStalled | None]:
        """Return until when a view that was trusted up to now is trusted still.

        At first it is doubted; when no newer one came in time it is stale.
        """
        if now < self.ends(now):
            return self.ends(now), None
        if self.trust is Trust.FRESH:
            self.trust, self._ask_again = Trust.DOUBTED, now + GRACE
        if now < self._ask_again:
            return self._ask_again, None
        self.trust = Trust.STALE
        return now, ProberStalled(age=now - (self.shared.probed if self.shared else now))
