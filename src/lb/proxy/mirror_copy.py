"""The copy of a request that goes to a mirror: its attempt, and what its outcome means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.log_events import MirrorFailed
from lb.proxy.steps import Attempt
from lb.request.outcomes import judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.model import Origin
    from lb.proxy.mirroring import Mirroring
    from lb.proxy.prepared import PreparedLoadBalancer
    from lb.request.facts import RequestFacts
    from lb.request.outcomes import Outcome
    from lb.state.memory import Memory


def copy_of(
    serving: PreparedLoadBalancer,
    facts: RequestFacts,
    memory: Memory,
    rand: Callable[[], float],
    now: float,
) -> Copy | None:
    """Return the copy of a request, counted as in flight; None = the request is not copied."""
    mirroring = serving.mirroring
    if mirroring is None:
        return None
    origin = mirroring.choose(facts, memory.snapshot(now), rand, now)
    return None if origin is None else Copy(serving, mirroring, origin, memory, now)


class Copy:
    """A copied request. Its outcome counts neither for the origin nor for the client."""

    def __init__(
        self,
        serving: PreparedLoadBalancer,
        mirroring: Mirroring,
        origin: Origin,
        memory: Memory,
        now: float,
    ) -> None:
        self._serving = serving
        self._mirroring = mirroring
        self._in_flight = memory.in_flight
        self._place = mirroring.begin(now)
        self.origin = origin
        # It counts as load: for steering by load, and for max_requests.
        ticket = self._in_flight.begin(origin.key, now, mirroring.timeout)
        self.attempt = Attempt(origin, 1, mirroring.timeout, started=now, ticket=ticket)

    def ended(self) -> None:
        """Stop counting the copy as in flight."""
        self._mirroring.end(self._place)
        self._in_flight.end(self.origin.key, self.attempt.ticket)

    def failed(self, outcome: Outcome, now: float) -> MirrorFailed | None:
        """Return the event of a failed copy; None = no failure, or one was logged recently."""
        judgement = judge(self._serving.retry_on, outcome)
        failures = self._mirroring.failed(now) if judgement.failed else 0
        if not failures:
            return None
        return MirrorFailed(
            load_balancer=self._serving.lb.name,
            pool=self.origin.pool,
            origin=self.origin.name,
            cause=judgement.cause,
            failures=failures,
        )
