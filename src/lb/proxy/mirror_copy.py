"""The driver of mirroring: sends a request once more, and throws the answer away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.log_events import MirrorFailed
from lb.proxy.plan import Attempt
from lb.request.outcomes import Answered, judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.model import Origin
    from lb.ports import Clock, Log
    from lb.proxy.mirroring import Mirroring
    from lb.proxy.ports import Transport
    from lb.proxy.prepared import PreparedLoadBalancer
    from lb.request.facts import RequestFacts
    from lb.state.memory import Memory


def copy_of(
    serving: PreparedLoadBalancer,
    facts: RequestFacts,
    memory: Memory,
    rand: Callable[[], float],
    now: float,
) -> Copy | None:
    """Return the copy to make of a request, counted as under way; None if none is to be made."""
    mirroring = serving.mirroring
    if mirroring is None:
        return None
    origin = mirroring.choose(facts, memory.snapshot(now), rand, now)
    return None if origin is None else Copy(serving, mirroring, origin, memory, now)


class Copy:
    """A request to an origin that has no say: what becomes of it counts for nothing."""

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
        # It is load, though: what chooses by load, and max_requests, see it.
        ticket = self._in_flight.begin(origin.key, now, mirroring.timeout)
        self._attempt = Attempt(origin, 1, mirroring.timeout, started=now, ticket=ticket)

    async def send(self, transport: Transport, clock: Clock, log: Log) -> None:
        """Send it, behind the response."""
        origin, mirroring = self._attempt.origin, self._mirroring
        try:
            outcome = await transport.send(self._attempt)
        finally:
            mirroring.end(self._place)
            self._in_flight.end(origin.key, self._attempt.ticket)
        if isinstance(outcome, Answered):
            transport.discard(outcome)
        judgement = judge(self._serving.retry_on, outcome)
        failures = mirroring.failed(clock()) if judgement.failed else 0
        if failures:
            log(
                MirrorFailed(
                    load_balancer=self._serving.lb.name,
                    pool=origin.pool,
                    origin=origin.name,
                    cause=judgement.cause,
                    failures=failures,
                )
            )
