"""When an isolate refreshes the shared view, and from where."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from math import inf
from typing import TYPE_CHECKING

from lb.state.kv import KV_REFRESH
from lb.state.shared_view import NOTHING_SHARED

if TYPE_CHECKING:
    from collections.abc import Collection

    from lb.state.pull import PulledHealth
    from lb.state.shared_view import SharedHealth

LEASE = 30.0
"""Seconds after which a refresh that has not ended counts as lost, as a probe does."""

GAP = 2.0
"""Seconds between two refreshes of an isolate that has something to report. They double each time,
up to the usual interval, so that an outage does not use up the day's requests."""

SOONEST = 1.0
"""Seconds until an early pull at least: one that comes sooner than most of the usual interval. They
double while early pulls bring no news, so that an origin that fails now and then does not use up
the day's requests."""

EARLY = 0.75
"""Part of the usual interval below which a pull is early."""

OLD = 2
"""Times the usual interval after which a view is old: the isolate had no request for so long."""

LOOK_FIRST = 0.3
"""Longest wait of a request that cannot be sent again for the answer that renews an old view
(docs/decisions/after-a-pause.md)."""

FIRST_ROUND = 3.0
"""Seconds within which a new Durable Object has probed for the first time."""


class Home(Enum):
    """Where the shared view is kept, by the name of the binding."""

    OBJECT = "LB_STATE"
    KV = "LB_KV"
    MEMORY = ""


DATASET = "LB_ANALYTICS"
"""The binding of a dataset of Analytics Engine, if there is one."""


def home_of(bindings: Collection[str], *, watches: bool) -> Home:
    """Return where an isolate's shared view is kept: the Durable Object, else KV, else nowhere.

    KV holds health alone, so it is not used where nothing is watched; the object also holds what
    operators configure.
    """
    home = next((home for home in Home if home.value in bindings), Home.MEMORY)
    return Home.MEMORY if home is Home.KV and not watches else home


class Refresh:
    """The schedule of one isolate. Single-flight is a lease that expires, never a shared future."""

    def __init__(
        self, fingerprint: str, home: Home, refresh: float, *, watches: bool = True
    ) -> None:
        """`watches`: whether there is anything to probe, so that a first round will come."""
        self._watches = watches
        self._fingerprint = fingerprint
        self._refresh = max(refresh, KV_REFRESH) if home is Home.KV else refresh
        self.known = NOTHING_SHARED
        """The newest view of this configuration."""
        self._next_at = inf if home is Home.MEMORY else 0.0
        self._until = 0.0
        """When the refresh that is under way counts as lost; a past time = none is."""
        self._began = -inf
        self._hurry_at = inf
        self._taken_at = -inf
        self.old_at = 0.0 if home is Home.OBJECT and watches else inf
        """When the view is so old that a request that cannot be sent again asks first."""
        self._gap = GAP
        self._least = SOONEST
        """Shortest time until the next early pull."""

    def due(self, now: float, lease: float = LEASE) -> bool:
        """Whether to refresh now. If so, it counts as under way until `take`, or for a lease."""
        if now < self._next_at and now < self._hurry_at:
            return False
        hurried = self._hurry_at < inf
        self._gap = min(2 * self._gap, self._refresh) if hurried else GAP
        self._next_at = self._until = now + lease
        self._began = now
        self._hurry_at = inf
        return True

    def under_way(self, now: float) -> bool:
        return now < self._until

    def wait_left(self, now: float) -> float:
        """Return the seconds that a request waits for a refresh under way; 0 or less: none."""
        return self._began + LOOK_FIRST - now if self.under_way(now) else 0.0

    def hurry(self, now: float) -> None:
        """Request a refresh as soon as `GAP` allows: there is something to report."""
        if self._next_at == inf:
            return
        since = now if self.under_way(now) else self._taken_at
        soonest = max(now, since + self._gap)
        self._hurry_at = min(self._hurry_at, soonest)

    def take(self, answer: PulledHealth, now: float) -> SharedHealth | None:
        """Take the health in an answer; return the view, or None if it has none of use.

        The answer says when to ask again, except that of an older release.

        Where the view is known, the answer holds the time of its latest round alone. While a
        deployment is under way, views of another configuration arrive, whose origins may be others
        of the same names: such a view is ignored.
        """
        self._taken_at, self._until = now, 0.0
        self._next_at = now + self._refresh
        if self.old_at < inf:
            self.old_at = now + OLD * self._refresh
        shared = answer.view
        if answer.probed is not None:
            shared = replace(self.known, probed=answer.probed)
        if shared is None or shared.fingerprint != self._fingerprint:
            return None
        news = shared.version != self.known.version
        self.known = shared
        if not shared.probed and self._watches:
            self._next_at = now + FIRST_ROUND
        elif answer.again is not None:
            self._next_at = now + self._paced(answer.again, news=news)
        return shared

    def _paced(self, again: float, *, news: bool) -> float:
        """Return the time until the next pull, for the one that the Durable Object wishes."""
        most_early = EARLY * self._refresh
        if news or again >= most_early:
            self._least = SOONEST
        if again >= most_early:
            return min(again, 2 * self._refresh)
        wait = max(again, min(self._least, most_early))
        self._least *= 2
        return wait
