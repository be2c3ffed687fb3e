"""Samples of the attempts of a request when each one fails, from the balancer's own plans."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from evenkeel.explain.model import Choice, Turn
from lb.health.snapshot import EjectionState, Snapshot
from lb.proxy.steps import Attempt, Refuse
from lb.request.outcomes import Cause, Failed, judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lb.proxy.balancer import Balancer
    from lb.proxy.plan import Plan
    from lb.proxy.steps import Deliver
    from lb.request.facts import RequestFacts

SAMPLES = 864
"""Plans made where chance decides: shares are right to within a percent or two."""

_BASES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)
_FAILED = Failed(Cause.CONNECTION)


class EvenChance:
    """Evenly spread numbers from 0 to 1 (Halton, 1960), with a base for each call of a plan."""

    def __init__(self, number: int) -> None:
        self.asked = 0
        self._number = number

    def __call__(self) -> float:
        base = _BASES[self.asked % len(_BASES)]
        self.asked += 1
        left, result, part = self._number, 0.0, 1.0
        while left:
            left, digit = divmod(left, base)
            part /= base
            result += digit * part
        return result


@dataclass(frozen=True, slots=True)
class Walk:
    """The attempts of one plan when each of them fails, and its end."""

    attempts: tuple[Attempt, ...]
    cookies: tuple[bool, ...]
    plan: Plan | None
    end: Refuse | None

    @property
    def stopped(self) -> str:
        stop = None if self.plan is None else self.plan.stopped
        return "" if stop is None else stop.value

    def untried(self) -> tuple[Choice, ...]:
        left = [] if self.plan is None else self.plan.untried()
        return tuple(Choice(*origin.key, 1.0, why.value) for origin, why in left)


def walks(balancer: Balancer, facts: RequestFacts, now: float) -> list[Walk]:
    """Sample the plan; once where chance decides nothing."""
    found: list[Walk] = []
    for number in range(SAMPLES):
        chance = EvenChance(number)
        found.append(_walk(balancer, facts, now, chance))
        if not chance.asked:
            break
    return found


def _walk(balancer: Balancer, facts: RequestFacts, now: float, chance: EvenChance) -> Walk:
    _, plan = balancer.plan(facts, now, chance)
    if isinstance(plan, Refuse):
        return Walk((), (), None, plan)
    snapshot = balancer.memory.snapshot(now)
    step: Attempt | Deliver | Refuse = plan.start()
    attempts: list[Attempt] = []
    cookies: list[bool] = []
    while isinstance(step, Attempt):
        attempts.append(step)
        seen = _without(plan, snapshot, attempts[:-1])
        cookies.append(plan.cookie_from(step.origin, seen) is not None)
        step = plan.after(_FAILED, judge(plan.serving.retry_on, _FAILED), now)
    return Walk(
        tuple(attempts),
        tuple(cookies),
        plan,
        step if isinstance(step, Refuse) else None,
    )


def _without(plan: Plan, snapshot: Snapshot, failed: Sequence[Attempt]) -> Snapshot:
    """Return what is known once these attempts have failed, and the next one is answered well."""
    lb = plan.serving.lb
    if not failed or lb.ejection.consecutive_failures > 1:
        return snapshot
    origins = [origin for pool in lb.pools for origin in pool.origins]
    out = {one.origin.key: EjectionState(until=inf) for one in failed}
    return Snapshot({one.key: snapshot.health(one) for one in origins}, out, snapshot.now)


def turns(every: Sequence[Walk]) -> tuple[tuple[Turn, ...], Walk]:
    """Follow the likeliest origin from attempt to attempt; returns turns and one such sample."""
    made: list[Turn] = []
    while True:
        number = len(made)
        going_on = [walk for walk in every if len(walk.attempts) > number]
        if not going_on:
            return tuple(made), every[0]
        found = Counter(walk.attempts[number].origin.key for walk in going_on)
        likeliest = found.most_common(1)[0][0]
        whys = {walk.attempts[number].origin.key: walk.attempts[number].why for walk in going_on}
        choices = tuple(
            Choice(key[0], key[1], round(count / len(going_on), 3), whys[key].value)
            for key, count in found.most_common()
        )
        every = [walk for walk in going_on if walk.attempts[number].origin.key == likeliest]
        first = every[0]
        made.append(
            Turn(number + 1, choices, first.attempts[number].timeout, first.cookies[number])
        )
