"""How long the health that isolates share may be trusted."""

from __future__ import annotations

from bisect import bisect_right
from enum import Enum
from math import inf
from typing import TYPE_CHECKING

from lb.log_events import ProberResumed, ProberStalled
from lb.model.watched import used_pools
from lb.state.pull_times import refresh_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lb.model import Config
    from lb.state.shared_view import SharedHealth


class Trust(Enum):
    """How far an isolate trusts the shared view."""

    NONE = "none"
    """No view yet whose origins are probed for all isolates."""
    FRESH = "fresh"
    STALE = "stale"


def fresh_for(config: Config) -> float:
    """Return the seconds after a round of probes for which a view is fresh.

    Two of the longest intervals, so that one round may be lost; the longest probe with all retries;
    and two refresh intervals of an isolate. Infinite where nothing is probed.
    """
    pools = used_pools(config)
    watches = [watch for pool in pools.values() if (watch := pool.watched_by) is not None]
    if not watches:
        return inf
    interval = max(watch.interval for watch in watches)
    probe = max(
        monitor.timeout * (1 + monitor.retries)
        for pool in pools.values()
        for monitor in pool.monitors
    )
    return 2 * interval + probe + 2 * refresh_of(config)


class TrustedView:
    """The newest shared view that an isolate has, and whether it trusts it."""

    def __init__(self, config: Config, borders: Sequence[float]) -> None:
        """`borders`: the moments at which maintenance begins or ends, in order."""
        self.shared: SharedHealth | None = None
        self.trust = Trust.NONE
        self._fresh_for = fresh_for(config)
        self._borders = borders

    @property
    def trusted(self) -> bool:
        return self.trust is Trust.FRESH

    def is_news(self, shared: SharedHealth) -> bool:
        """Whether a view is at least as new as the one held.

        The time of its probes counts before its version: a Durable Object that lost its storage
        counts versions anew, and must not be ignored for ever.
        """
        held = self.shared
        return held is None or (shared.probed, shared.version) >= (held.probed, held.version)

    def take(self, shared: SharedHealth, now: float) -> ProberStalled | ProberResumed | None:
        """Hold a view from now on; return whether trust was lost or restored by it."""
        before, self.shared = self.trust, shared
        if not shared.probed:
            return None
        if now >= self.ends(now):
            return self.lose(now)
        self.trust = Trust.FRESH
        return ProberResumed(age=now - shared.probed) if before is Trust.STALE else None

    def ends(self, now: float) -> float:
        """Return when the view held is too old; time counts anew from the end of maintenance."""
        if self.shared is None:
            return -inf
        passed = bisect_right(self._borders, now)
        latest = self._borders[passed - 1] if passed else -inf
        return max(self.shared.probed, latest) + self._fresh_for

    def lose(self, now: float) -> ProberStalled | None:
        """Stop trusting the view; return an event the first time."""
        before, self.trust = self.trust, Trust.STALE
        if before is Trust.STALE or self.shared is None:
            return None
        return ProberStalled(age=now - self.shared.probed)
