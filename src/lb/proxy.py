"""The driver of a request: carries out the plan's steps through the transport, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.events import AttemptFailed, Refused
from lb.failover import Answered, Attempt, Cause, Refuse, judge

if TYPE_CHECKING:
    from lb.events import Event
    from lb.failover import Deliver, Judgement, Outcome, Plan, Step
    from lb.memory import Memory
    from lb.ports import Clock, Log, Transport


SWITCHING_PROTOCOLS = 101


class Exchange:
    """One request between its client and its origins.

    `finish()` drives it to the end. A runtime that can do better than await for a request's first
    attempt calls `start()`, sends the attempt itself, and gives `take()` the outcome.
    """

    def __init__(
        self, plan: Plan, memory: Memory, transport: Transport, clock: Clock, log: Log
    ) -> None:
        self.plan = plan
        self.transport = transport
        self._memory = memory
        self._clock = clock
        self._log = log
        self.now = self._started = plan.started
        """When the latest step was taken."""
        self._attempt: Attempt | None = None
        self._in_flight = memory.in_flight if plan.serving.counts else None
        self._ticket = 0
        self._held: Answered | None = None

    def start(self) -> Step:
        """Return the first step."""
        return self._begin(self.plan.start(), self.now)

    def take(self, outcome: Outcome) -> Step:
        """Take the outcome of the attempt under way: remember it, and return the next step."""
        attempt, plan = self._attempt, self.plan
        self.now = now = self._clock()
        if attempt is None:
            raise RuntimeError("take() was called before start()")
        if self._in_flight is not None:
            self._in_flight.end(attempt.origin.key, self._ticket)
        serving = plan.serving
        judgement = judge(serving.retry_on, outcome)
        self._hear(attempt, outcome, judgement, now)
        change = self._memory.record(serving.lb, attempt.origin, judgement, self._started, now)
        step = plan.after(outcome, judgement, now)
        if isinstance(outcome, Answered):
            if outcome.status == SWITCHING_PROTOCOLS and serving.counts_sockets:
                self._memory.in_flight.open_socket(attempt.origin.key, now)
            if self._held is not None:
                self.transport.discard(self._held)
            self._held = outcome
        if judgement.failed:
            self._log(self._failure(attempt, judgement, step, now))
        if change is not None:
            self._log(change)
        return self._begin(step, now)

    async def finish(self, step: Step) -> Deliver | Refuse:
        """Try origins as the plan says until there is something to give to the client."""
        while isinstance(step, Attempt):
            step = self.take(await self.transport.send(step))
        return step

    def _begin(self, step: Step, now: float) -> Step:
        if isinstance(step, Attempt):
            self._attempt, self._started = step, now
            budget = self.plan.serving.budget
            if budget is not None:
                budget.count(now, again=step.number > 1)
            if self._in_flight is not None:
                self._ticket = self._in_flight.begin(step.origin.key, now, step.timeout)
                if not self.plan.streams_body:
                    self._memory.doubts.sent(step.origin.key, now)
        elif isinstance(step, Refuse):
            name = self.plan.serving.lb.name
            self._log(refused(name, step, self.plan.attempts, now - self.plan.started))
        return step

    def _hear(self, attempt: Attempt, outcome: Outcome, judgement: Judgement, now: float) -> None:
        if self._in_flight is None:
            return
        key, doubts = attempt.origin.key, self._memory.doubts
        if isinstance(outcome, Answered):
            doubts.answered(key, now - self._started, now, well=not judgement.failed)
        else:
            doubts.failed(key, self._started, silent=outcome.cause is Cause.TIMEOUT)

    def _failure(self, attempt: Attempt, judgement: Judgement, step: Step, now: float) -> Event:
        return AttemptFailed(
            load_balancer=self.plan.serving.lb.name,
            pool=attempt.origin.pool,
            origin=attempt.origin.name,
            cause=judgement.cause,
            attempt=attempt.number,
            duration=now - self._started,
            next=step.origin.name if isinstance(step, Attempt) else "",
        )


def refused(load_balancer: str, step: Refuse, attempts: int = 0, duration: float = 0.0) -> Refused:
    """Return the event of a request that the balancer answered itself."""
    return Refused(
        load_balancer=load_balancer,
        status=step.status,
        cause=step.reason,
        attempt=attempts,
        duration=duration,
    )
