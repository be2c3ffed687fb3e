"""The driver of a request: carries out the plan's steps through the transport, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.events import AttemptFailed, Refused
from lb.failover import Answered, Attempt, Deliver, Refuse, judge

if TYPE_CHECKING:
    from lb.failover import Outcome, Plan, Step
    from lb.memory import Memory
    from lb.ports import Clock, Log, Transport


async def serve(
    plan: Plan, memory: Memory, transport: Transport, clock: Clock, log: Log
) -> Deliver | Refuse:
    """Try origins as the plan says until there is something to give to the client."""
    began = started = clock()
    step: Step = plan.start()
    held: Answered | None = None
    while isinstance(step, Attempt):
        attempt, started = step, clock()
        outcome = await transport.send(attempt)
        step = advance(plan, memory, attempt, outcome, started, clock(), log)
        if isinstance(outcome, Answered):
            if held is not None:
                transport.discard(held)
            held = outcome
    if isinstance(step, Refuse):
        log(refused(plan.serving.lb.name, step, attempts=plan.attempts, duration=clock() - began))
    return step


def advance(
    plan: Plan,
    memory: Memory,
    attempt: Attempt,
    outcome: Outcome,
    started: float,
    now: float,
    log: Log,
) -> Step:
    """Take an outcome: remember it, ask the plan for the next step, log what was a failure."""
    serving = plan.serving
    judgement = judge(serving.retry_on, outcome)
    change = memory.record(serving.lb, attempt.origin, judgement, started, now)
    step = plan.after(outcome, judgement, now)
    if judgement.failed:
        log(
            AttemptFailed(
                load_balancer=serving.lb.name,
                pool=attempt.origin.pool,
                origin=attempt.origin.name,
                cause=judgement.cause,
                attempt=attempt.number,
                duration=now - started,
                next=step.origin.name if isinstance(step, Attempt) else "",
            )
        )
    if change is not None:
        log(change)
    return step


def refused(load_balancer: str, step: Refuse, attempts: int = 0, duration: float = 0.0) -> Refused:
    """Return the event of a request that the balancer answered itself."""
    return Refused(
        load_balancer=load_balancer,
        status=step.status,
        cause=step.reason,
        attempt=attempts,
        duration=duration,
    )
