"""Explains what would happen to a request, from the balancer's own plan and reasons.

Nothing is decided here: the plan is made as for a real request, and every attempt counts as failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evenkeel.explain import steps
from evenkeel.explain.model import Explanation, Own
from evenkeel.explain.walks import EvenChance, turns, walks
from lb.proxy.steps import Refuse

if TYPE_CHECKING:
    from lb.proxy.balancer import Balancer
    from lb.request.facts import RequestFacts


def explain(balancer: Balancer, facts: RequestFacts, now: float) -> Explanation:
    """Return what would happen to a request at this moment."""
    serving, planned = balancer.plan(facts, now, EvenChance(0))
    before = (
        steps.load_balancer(serving, facts),
        *(() if serving is None else steps.client(serving, facts)),
        *steps.pool_sets(balancer, planned, facts),
        *steps.rules(balancer, planned, facts),
    )
    if isinstance(planned, Refuse):
        name = serving.lb.name if serving is not None else None
        return Explanation(name, before, own=_own(planned))
    serving, snapshot = planned.serving, balancer.memory.snapshot(now)
    attempts, last = turns(walks(balancer, facts, now))
    return Explanation(
        serving.lb.name,
        (
            *before,
            steps.session(serving, facts),
            steps.steering_policy(serving, facts, snapshot),
            *steps.hedging(planned),
            *steps.mirror(serving, facts),
            steps.own_names(serving, facts),
        ),
        tuple(steps.pool_line(serving, pool, facts, snapshot) for pool in serving.lb.pools),
        attempts,
        last.stopped,
        last.untried(),
        _own(last.end),
    )


def _own(step: Refuse | None) -> Own | None:
    if step is None:
        return None
    location = step.location or (step.fixed.location if step.fixed else "")
    page = step.fixed is not None and step.retry_after is not None
    return Own(step.status, step.cause + ", with maintenance_page" * page, location or None)
