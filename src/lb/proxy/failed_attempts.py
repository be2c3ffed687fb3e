"""The failed attempts of one request, which count once the request has come to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.health.blame import Failure, proofs
from lb.proxy.steps import Attempt, Deliver
from lb.request.outcomes import Evidence

if TYPE_CHECKING:
    from lb.ports import Log
    from lb.proxy.plan import Plan
    from lb.proxy.steps import Step
    from lb.request.outcomes import Judgement
    from lb.state.memory import Memory

LEAVES_DOUBT = (Evidence.CONNECTION, Evidence.TIMEOUT)
"""Failures after which an origin is suspected until the request has come to its end."""


class FailedAttempts:
    """The failures of a request; its end tells whether the origins or the request are to blame."""

    def __init__(self, plan: Plan, memory: Memory, log: Log) -> None:
        self._plan = plan
        self._memory = memory
        self._log = log
        self._failed: list[tuple[Attempt, Judgement]] = []

    def add(self, attempt: Attempt, judgement: Judgement) -> None:
        """Keep a failure that says something about its origin."""
        self._failed.append((attempt, judgement))

    def next_step(self, attempt: Attempt, judgement: Judgement, step: Step, now: float) -> None:
        """Let the failures count if the request has come to its end with `attempt`."""
        plan, memory = self._plan, self._memory
        lb = plan.serving.lb
        if isinstance(step, Attempt):
            if judgement.evidence in LEAVES_DOUBT:
                memory.in_doubt(lb, attempt.origin, plan.path, now)
            return
        in_time = now - attempt.started <= lb.failover.first_byte_timeout
        self.settle(judgement.evidence, now, in_time=in_time)
        if isinstance(step, Deliver) and not judgement.failed:
            # The failures decide whether the session stays.
            gives_up = plan.pinned is not None and memory.gives_up(lb, plan.pinned)
            seen = memory.snapshot(now)
            step.set_cookie = plan.cookie_from(step.origin, seen, gives_up=gives_up)

    def settle(self, last: Evidence, now: float, *, in_time: bool) -> None:
        """Count each failure against its origin, or against nobody (lb.health.blame.proofs)."""
        failed, self._failed = self._failed, []
        plan = self._plan
        found = proofs([one.evidence for _, one in failed], last, in_time=in_time)
        for (attempt, judgement), proof in zip(failed, found, strict=True):
            failure = Failure(judgement.evidence, judgement.cause, proof, plan.path)
            change = self._memory.failed(
                plan.serving.lb, attempt.origin, failure, attempt.started, now
            )
            if change is not None:
                self._log(change)
