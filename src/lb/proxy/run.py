"""Carries out the plan of a request through the transport, one step at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lb.log_events import Hedged
from lb.proxy.failed_attempts import FailedAttempts
from lb.proxy.forwarding import server_timing
from lb.proxy.steps import Attempt, Deliver, Refuse, failed, refused
from lb.proxy.uploads import is_outdated, refusal_of
from lb.request.outcomes import SWITCHING_PROTOCOLS, Answered, Evidence, judge
from lb.selection.candidates import Why

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.log_events import Event
    from lb.model import Origin, OriginKey
    from lb.proxy.mirror_copy import Copy
    from lb.proxy.plan import Plan
    from lb.proxy.steps import Step
    from lb.request.outcomes import Judgement, Outcome

    Running = dict[asyncio.Task[Outcome], Attempt]
    from lb.ports import Clock, Log
    from lb.proxy.ports import BodyReader, Transport
    from lb.state.memory import Memory


GOOD = Evidence.GOOD


class Exchange:
    """One request between its client and its origins.

    `finish()` takes it to the end. A runtime that sends first attempts without asyncio calls
    `start()`, sends the attempt itself, and passes the outcome to `take()`.
    """

    def __init__(
        self, plan: Plan, memory: Memory, transport: Transport, clock: Clock, log: Log
    ) -> None:
        self.plan = plan
        self.transport = transport
        self._memory = memory
        self._clock = clock
        self._log = log
        self.now = plan.started
        """Time of the latest step."""
        self._attempt: Attempt | None = None
        self._beside: Attempt | None = None
        self._failed: FailedAttempts | None = None
        self._in_flight = memory.in_flight if plan.serving.counts else None
        self._held: Answered | None = None
        self._took: dict[OriginKey, float] | None = {} if plan.serving.lb.server_timing else None
        """Seconds that each origin took; None = no Server-Timing."""

    def timing(self, step: Deliver) -> str:
        """Return the value of Server-Timing; "" = none."""
        plan, took = self.plan, self._took
        if took is None:
            return ""
        total = self.now - plan.started
        seconds = None if plan.streams_body else took[step.origin.key]
        return server_timing(plan.serving.lb, step.origin, seconds, total, plan.attempts)

    def start(self) -> Step:
        """Return the first step."""
        return self._begin(self.plan.start(), self.now)

    def take(self, outcome: Outcome) -> Step:
        """Record the outcome of the attempt in flight; return the next step."""
        attempt, plan = self._attempt, self.plan
        if attempt is None:
            raise RuntimeError("take() was called before start()")
        judgement, change = self._note(attempt, outcome)
        step = plan.after(outcome, judgement, self.now)
        if isinstance(outcome, Answered):
            if not judgement.failed:
                self._count_answer(attempt, outcome.status)
            if outcome.status == SWITCHING_PROTOCOLS and plan.serving.counts_sockets:
                self._memory.in_flight.open_socket(attempt.origin.key, self.now)
            self._hold(outcome)
        if judgement.failed or change is not None:
            following = step.origin.name if isinstance(step, Attempt) else ""
            self._tell(attempt, judgement, change, following)
            if judgement.failed and isinstance(step, Deliver):
                # The best answer there was, of this attempt or an earlier one.
                self._count_late(step.origin, attempt, step.answer.status, failed=True)
        if self._failed is not None:
            self._failed.next_step(attempt, judgement, step, self.now)
        return self._begin(step, self.now)

    def left(self) -> None:
        """Stop counting the attempts under way: the client has gone, and the runtime ends them."""
        if self._in_flight is not None:
            for attempt in (self._attempt, self._beside):
                if attempt is not None:
                    self._in_flight.end(attempt.origin.key, attempt.ticket)

    async def finish(self, step: Step) -> Deliver | Refuse:
        """Try origins in the order of the plan until there is an answer for the client."""
        if isinstance(step, Attempt) and step.number == 1 and self.plan.hedged:
            step = await self._race(step)
        while isinstance(step, Attempt):
            step = self.take(await self.transport.send(step))
        return step

    async def _race(self, first: Attempt) -> Step:
        """Make the first attempt, and a second one if it is slow; return the next step."""
        serving = self.plan.serving
        if serving.hedges is not None:
            serving.hedges.count()
        running: Running = {asyncio.ensure_future(self.transport.send(first)): first}
        await asyncio.wait(running, timeout=serving.lb.failover.hedge_after)
        (task,) = running
        second = None if task.done() else self._second()
        if second is None:
            return self.take(await task)
        self._beside = second
        running[asyncio.ensure_future(self.transport.send(second))] = second
        try:
            step = await self._first_good(running)
        finally:
            await self._drop(running)
        self._log(
            Hedged(
                load_balancer=serving.lb.name,
                pool=first.origin.pool,
                origin=first.origin.name,
                next=second.origin.name,
                answered="" if isinstance(step, Attempt | Refuse) else step.origin.name,
                duration=self.now - self.plan.started,
            )
        )
        return step

    def _second(self) -> Attempt | None:
        """Begin a second attempt beside the first one; None = the plan has none."""
        now, serving = self._clock(), self.plan.serving
        second = self.plan.hedge(now)
        if second is not None:
            self._count(second, now)
            if serving.hedges is not None:
                serving.hedges.spend()
        return second

    async def _first_good(self, running: Running) -> Step:
        """Wait for attempts until one decides the next step; remove those that have ended."""
        while True:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            task = next(task for task in running if task in done)
            attempt, outcome = running.pop(task), task.result()
            if not running:
                self._attempt = attempt
                return self.take(outcome)
            judgement, change = self._note(attempt, outcome)
            good = self.plan.first_of_two(attempt, outcome, judgement)
            if isinstance(outcome, Answered):
                self._hold(outcome)
            self._tell(attempt, judgement, change, "")
            if good is not None:
                self._count_answer(attempt, good.answer.status)
                if self._failed is not None:
                    self._failed.next_step(attempt, judgement, good, self.now)
                return good

    async def _drop(self, running: Running) -> None:
        """Abort the attempts in flight. Being slow is no failure of their origins.

        Awaited, because the runtime runs no task after the response.
        """
        for task, attempt in running.items():
            if not task.done():
                task.cancel()
                if self._in_flight is not None:
                    self._in_flight.end(attempt.origin.key, attempt.ticket)
                    self._memory.suspects.dropped(attempt.origin.key, attempt.started)
            elif task.exception() is None:
                # Both attempts ended at the same moment, so this outcome counts as well.
                outcome = task.result()
                self._tell(attempt, *self._note(attempt, outcome), "")
                if self._failed is not None:
                    self._failed.settle(Evidence.GOOD, self.now, in_time=True)
                if isinstance(outcome, Answered):
                    self.transport.discard(outcome)
        if running:
            await asyncio.wait(running)

    def _count_answer(self, attempt: Attempt, status: int) -> None:
        """Count an answer that goes to the client."""
        serving = self.plan.serving
        if attempt.number == 1:
            took = None if self.plan.streams_body else self.now - attempt.started
            serving.tallies.answered(attempt.origin.key, status, took)
        else:
            self._count_late(attempt.origin, attempt, status, failed=False)
        if serving.affinity is not None:
            serving.tallies.sessions[self.plan.session(attempt)] += 1

    def _count_late(self, origin: Origin, attempt: Attempt, status: int, *, failed: bool) -> None:
        self.plan.serving.tallies.answered_late(
            origin.key,
            attempt.number,
            status,
            self._seconds(attempt.started),
            self._seconds(self.plan.started),
            failed=failed,
        )

    def _seconds(self, since: float) -> float | None:
        """Return the seconds since a moment; None = the client's upload is in them."""
        return None if self.plan.streams_body else self.now - since

    def _begin(self, step: Step, now: float) -> Step:
        if self.plan.shed is not None:
            self.plan.serving.tallies.shed(self.plan.shed.news())
        if isinstance(step, Attempt):
            self._attempt = step
            self._count(step, now)
        elif isinstance(step, Refuse):
            if self._held is not None:
                self.transport.discard(self._held)
            name = self.plan.serving.lb.name
            self._log(refused(name, step, self.plan.attempts, now - self.plan.started))
        return step

    def _count(self, attempt: Attempt, now: float) -> None:
        """Count an attempt that begins."""
        plan = self.plan
        budget = plan.serving.budget
        if budget is not None:
            budget.count(now, again=attempt.number > 1)
        if self._in_flight is not None:
            key, suspects = attempt.origin.key, self._memory.suspects
            if plan.suspected:
                suspects.log_silent(plan.serving.lb, plan.suspected, now)
            if attempt.why is Why.TEST:
                suspects.tested(plan.serving.lb, attempt.origin, now)
            # However long a body takes: a client that has gone must not keep its place.
            counted = min(attempt.timeout, plan.serving.lb.failover.deadline)
            attempt.ticket = self._in_flight.begin(key, now, counted)
            if not plan.streams_body:
                suspects.sent(key, now)

    def _note(self, attempt: Attempt, outcome: Outcome) -> tuple[Judgement, Event | None]:
        """Record the outcome of an attempt; return its judgement, and the change of health."""
        self.now = now = self._clock()
        serving, key = self.plan.serving, attempt.origin.key
        judgement = judge(serving.retry_on, outcome)
        evidence, started = judgement.evidence, attempt.started
        if self._took is not None:
            self._took[key] = now - started
        if self._in_flight is not None:
            self._in_flight.end(key, attempt.ticket)
            # Where the body was streamed, the client's time is in the answer's.
            took = 0.0 if self.plan.streams_body else now - started
            suspects = self._memory.suspects
            if evidence is GOOD:
                suspects.answered(key, took, now, well=True)
            else:
                suspects.note(key, evidence, started, took, now)
        if evidence is GOOD:
            return judgement, self._memory.succeeded(serving.lb, attempt.origin, started, now)
        if judgement.failed and evidence is not Evidence.NONE:
            if self._failed is None:
                self._failed = FailedAttempts(self.plan, self._memory, self._log)
            self._failed.add(attempt, judgement)
        return judgement, None

    def _hold(self, answer: Answered) -> None:
        """Keep the latest answer alone: a request has few connections."""
        if self._held is not None:
            self.transport.discard(self._held)
        self._held = answer

    def _tell(
        self, attempt: Attempt, judgement: Judgement, change: Event | None, following: str
    ) -> None:
        if judgement.failed:
            name, took = self.plan.serving.lb.name, self.now - attempt.started
            self._log(failed(name, attempt, judgement.cause, took, following))
        if change is not None:
            self._log(change)


async def after_body(
    plan: Plan, reader: BodyReader, again: Callable[[float], Plan | Refuse], clock: Clock
) -> Plan | Refuse:
    """Read the request's body; return the plan to go on with, or the refusal.

    `again` plans the request anew: while its client was sending, health may have changed.
    """
    failover = plan.serving.lb.failover
    upload = await reader.read_body(failover.body_limit, failover.body_timeout)
    refusal = refusal_of(upload, plan)
    if refusal is not None:
        return refusal
    now = clock()
    return again(now) if is_outdated(plan, upload, now) else plan


async def send_copy(copy: Copy, transport: Transport, clock: Clock, log: Log) -> None:
    """Send the copy of a request, and discard the answer."""
    try:
        outcome = await transport.send(copy.attempt)
    finally:
        copy.ended()
    if isinstance(outcome, Answered):
        transport.discard(outcome)
    failed = copy.failed(outcome, clock())
    if failed is not None:
        log(failed)
