"""Mirroring: which requests are copied to another pool, and to which of its origins."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from lb.health.snapshot import is_full
from lb.model.header_secrets import no_secret
from lb.proxy.forwarding import Forwarding
from lb.selection.origin_steering import ORIGIN_POLICIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.health.snapshot import Snapshot
    from lb.model import LoadBalancer, Mirror, Origin
    from lb.model.header_secrets import Secret
    from lb.request.facts import RequestFacts

MARK = "x-evenkeel-mirror"
"""Header of a copy. It tells the origin, and keeps copies from being copied again."""

MOST_AT_ONCE = 10
"""Most copies of one load balancer in flight in an isolate: copies that hang take memory."""

MARGIN = 5.0
"""Seconds after its time-out from which a copy counts as lost."""

LOG_INTERVAL = 60.0
"""Seconds between two log events about failed copies."""


class Mirroring:
    """Mirroring of one load balancer in one isolate; plain data."""

    def __init__(
        self, lb: LoadBalancer, mirror: Mirror, identity: str, secret: Secret = no_secret
    ) -> None:
        self.timeout = mirror.timeout
        self.forwarding = Forwarding(lb, identity, ((MARK, "1"),), secret)
        self.mirror = mirror
        self._lost_at: dict[int, float] = {}
        self._tickets = 0
        self._failures = 0
        self._log_at = -inf

    def choose(
        self, facts: RequestFacts, snapshot: Snapshot, rand: Callable[[], float], now: float
    ) -> Origin | None:
        """Return the origin of the copy; None = the request is not copied."""
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
        """Count a copy as in flight; return the ticket that ends it."""
        self._tickets += 1
        self._lost_at[self._tickets] = now + self.timeout + MARGIN
        return self._tickets

    def end(self, ticket: int) -> None:
        """Stop counting a copy as in flight."""
        self._lost_at.pop(ticket, None)

    def failed(self, now: float) -> int:
        """Count a failed copy; return the number to log, 0 = log nothing now."""
        self._failures += 1
        if now < self._log_at:
            return 0
        count, self._failures = self._failures, 0
        self._log_at = now + LOG_INTERVAL
        return count

    def _busy(self, now: float) -> bool:
        if len(self._lost_at) < MOST_AT_ONCE:
            return False
        self._lost_at = {ticket: at for ticket, at in self._lost_at.items() if at > now}
        return len(self._lost_at) >= MOST_AT_ONCE


def may_be_copied(facts: RequestFacts) -> bool:
    """Whether a request may be sent twice, and is not a copy itself."""
    return (
        facts.method == "GET"
        and not facts.has_body
        and not facts.header("upgrade")
        and not facts.header(MARK)
    )
