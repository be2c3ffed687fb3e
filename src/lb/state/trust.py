"""How long the health that isolates share may be trusted."""

from __future__ import annotations

from bisect import bisect_right
from enum import Enum
from math import inf
from typing import TYPE_CHECKING

from lb.log_events import ProberResumed, ProberStalled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lb.model import Config
    from lb.state.shared_view import SharedHealth


class Trust(Enum):
    """What an isolate thinks of the shared view."""

    NONE = "none"
    """There is none that anybody goes on probing for."""
    FRESH = "fresh"
    STALE = "stale"


def fresh_for(config: Config) -> float:
    """Return the longest time in which a round of probes must have come to an isolate.

    Two of the longest intervals, so that one lost round is forgiven; what its slowest probe may
    take with all retries; and two of the times that isolates let pass before they look.
    """
    pools = {pool.name: pool for lb in config.load_balancers for pool in lb.watched}
    watches = [watch for pool in pools.values() if (watch := pool.watched_by) is not None]
    if not watches:
        return inf
    interval = max(watch.interval for watch in watches)
    probe = max(
        monitor.timeout * (1 + monitor.retries)
        for pool in pools.values()
        for monitor in pool.monitors
    )
    return 2 * interval + probe + 2 * config.state.refresh


class TrustedView:
    """The newest shared view that an isolate has seen, and whether it trusts it."""

    def __init__(self, config: Config, borders: Sequence[float]) -> None:
        """`borders` are the moments at which maintenance begins or ends."""
        self.shared: SharedHealth | None = None
        self.trust = Trust.NONE
        self._fresh_for = fresh_for(config)
        self._borders = borders

    @property
    def trusted(self) -> bool:
        return self.trust is Trust.FRESH

    def is_news(self, shared: SharedHealth) -> bool:
        """Whether a view is at least as new as the one held.

        By the time of its probes before its version: one whose keeper had to begin anew may
        count from zero, and must not be ignored for ever.
        """
        held = self.shared
        return held is None or (shared.probed, shared.version) >= (held.probed, held.version)

    def take(self, shared: SharedHealth, now: float) -> ProberStalled | ProberResumed | None:
        """Hold a view from now on, and say whether trust was lost or came back."""
        before, self.shared = self.trust, shared
        if not shared.probed:
            return None
        if now >= self.ends(now):
            return self.lose(now)
        self.trust = Trust.FRESH
        return ProberResumed(age=now - shared.probed) if before is Trust.STALE else None

    def ends(self, now: float) -> float:
        """Return when the view held is too old: probes pause in maintenance, so its end counts."""
        if self.shared is None:
            return -inf
        passed = bisect_right(self._borders, now)
        latest = self._borders[passed - 1] if passed else -inf
        return max(self.shared.probed, latest) + self._fresh_for

    def lose(self, now: float) -> ProberStalled | None:
        """Trust the view no more; says so the first time."""
        before, self.trust = self.trust, Trust.STALE
        if before is Trust.STALE or self.shared is None:
            return None
        return ProberStalled(age=now - self.shared.probed)
