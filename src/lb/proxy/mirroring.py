"""Which requests are sent once more, to a pool whose answers nobody sees."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from lb.health.snapshot import is_full
from lb.proxy.forwarding import Forwarding
from lb.selection.origin_steering import ORIGIN_POLICIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.health.snapshot import Snapshot
    from lb.model import LoadBalancer, Mirror, Origin
    from lb.request.facts import RequestFacts

MARK = "x-evenkeel-mirror"
"""Tells the origin that a request is a copy; and a copy is not copied again."""

MOST_AT_ONCE = 10
"""Copies of one load balancer that are under way in an isolate: what hangs takes memory."""

MARGIN = 5.0
"""Seconds after its time-out at which a copy is taken for lost."""

TOLD_EVERY = 60.0
"""Seconds between two lines about copies that failed."""


class Mirroring:
    """The copies of one load balancer's requests: plain data of one isolate."""

    def __init__(self, lb: LoadBalancer, mirror: Mirror, identity: str) -> None:
        self.timeout = mirror.timeout
        self.forwarding = Forwarding(lb, identity, ((MARK, "1"),))
        self.mirror = mirror
        self._lost_at: dict[int, float] = {}
        self._tickets = 0
        self._failures = 0
        self._tell_at = -inf

    def choose(
        self, facts: RequestFacts, snapshot: Snapshot, rand: Callable[[], float], now: float
    ) -> Origin | None:
        """Return the origin that a request is sent to once more, if it is."""
        pool = self.mirror.pool
        if rand() * 100 >= self.mirror.percent or not may_be_copied(facts) or self._busy(now):
            return None
        view = snapshot.view(pool)
        if not view.available:
            return None
        for origin in ORIGIN_POLICIES[pool.origin_steering](view, facts, rand):
            if not is_full(origin, snapshot):
                return origin
        return None

    def begin(self, now: float) -> int:
        """Count a copy; return the ticket that ends it."""
        self._tickets += 1
        self._lost_at[self._tickets] = now + self.timeout + MARGIN
        return self._tickets

    def end(self, ticket: int) -> None:
        """Count a copy no more."""
        self._lost_at.pop(ticket, None)

    def failed(self, now: float) -> int:
        """Take note of a copy that failed; return how many have if it is time to tell, else 0."""
        self._failures += 1
        if now < self._tell_at:
            return 0
        count, self._failures = self._failures, 0
        self._tell_at = now + TOLD_EVERY
        return count

    def _busy(self, now: float) -> bool:
        if len(self._lost_at) < MOST_AT_ONCE:
            return False
        self._lost_at = {ticket: at for ticket, at in self._lost_at.items() if at > now}
        return len(self._lost_at) >= MOST_AT_ONCE


def may_be_copied(facts: RequestFacts) -> bool:
    """Whether a request may be sent twice, and is no copy itself."""
    return (
        facts.method == "GET"
        and not facts.has_body
        and not facts.header("upgrade")
        and not facts.header(MARK)
    )
