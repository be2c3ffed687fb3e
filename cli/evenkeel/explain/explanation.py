"""Which origin a request would get, and why: what the core says when it is asked.

Nothing here decides. A request's plan is carried out on paper, every attempt failing, as often as
it takes to see what chance does; reasons come from beside the decisions that they are about.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lb.health.snapshot import WORDS
from lb.proxy.mirroring import may_be_copied
from lb.proxy.plan import Attempt, Refuse
from lb.request.hosts import found_by
from lb.request.outcomes import Cause, Failed, judge
from lb.selection.origin_steering import REASONS as ORIGIN_REASONS
from lb.selection.shedding import reason as shed
from lb.selection.steering import REASONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lb.health.snapshot import PoolView, Snapshot
    from lb.model import Origin, Pool, Rule
    from lb.proxy.balancer import Balancer
    from lb.proxy.plan import Deliver, Plan
    from lb.proxy.prepared import PreparedLoadBalancer
    from lb.request.facts import RequestFacts

SAMPLES = 864
"""Plans that are made where chance decides; a share is right to within a percent or two."""

_BASES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)
_FAILED = Failed(Cause.CONNECTION)


@dataclass(frozen=True, slots=True)
class Step:
    """One decision on the way."""

    about: str
    found: str
    why: str


@dataclass(frozen=True, slots=True)
class OriginLine:
    """An origin of the load balancer, and how it stands."""

    name: str
    url: str
    standing: str
    why: str


@dataclass(frozen=True, slots=True)
class PoolLine:
    """A pool of the load balancer, and how it stands."""

    name: str
    health: str
    available: bool
    """Whether it takes new traffic."""
    why: str
    origin_steering: str
    load_shedding: str
    """What it leaves to other pools, "" if nothing."""
    origins: tuple[OriginLine, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """An origin that an attempt may go to."""

    pool: str
    origin: str
    share: float
    """Of such requests, 0 to 1."""
    why: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One attempt, if all before it went to their likeliest origins and failed."""

    number: int
    choices: tuple[Choice, ...]
    """The likeliest first."""
    timeout: float
    new_cookie: bool
    """Whether the client gets an affinity cookie with this attempt's answer."""


@dataclass(frozen=True, slots=True)
class Own:
    """An answer that the balancer gives itself."""

    status: int
    reason: str
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What would become of a request."""

    load_balancer: str | None
    steps: tuple[Step, ...]
    pools: tuple[PoolLine, ...] = ()
    turns: tuple[Turn, ...] = ()
    stopped: str = ""
    """Why nothing is tried after the last turn."""
    untried: tuple[Choice, ...] = ()
    """Those that would come next, in their order."""
    own: Own | None = None
    """The balancer's own answer: to the request, or when every turn has failed."""


def explain(balancer: Balancer, facts: RequestFacts, now: float) -> Explanation:
    """Return what would become of a request at this moment."""
    serving, planned = balancer.plan(facts, now, _Chance(0))
    steps = (
        _found(serving, facts),
        *_sets(balancer, planned, facts),
        *_rules(balancer, planned, facts),
    )
    if isinstance(planned, Refuse):
        name = serving.lb.name if serving is not None else None
        return Explanation(name, steps, own=_own(planned))
    serving, snapshot = planned.serving, balancer.memory.snapshot(now)
    walks = _walks(balancer, facts, now)
    turns, last = _turns(walks)
    return Explanation(
        serving.lb.name,
        (
            *steps,
            _session(serving, facts),
            _steering(serving, facts, snapshot),
            *_hedging(planned),
            *_mirror(serving, facts),
        ),
        tuple(_pool(serving, pool, facts, snapshot) for pool in serving.lb.pools),
        turns,
        last.stopped,
        last.untried(),
        _own(last.end),
    )


def _found(serving: PreparedLoadBalancer | None, facts: RequestFacts) -> Step:
    if serving is None:
        return Step("load balancer", "none", f"no enabled one has a name that fits {facts.host}")
    return Step("load balancer", serving.lb.name, found_by(serving.lb.name))


def _rules(balancer: Balancer, planned: Plan | Refuse, facts: RequestFacts) -> Iterator[Step]:
    """Tell of each rule that was asked; none is where the balancer answered before its turn."""
    serving = balancer.serving_of(facts.host)
    before = isinstance(planned, Refuse) and planned.fixed is None
    if serving is None or serving.rules is None or before:
        return
    found = None if serving.sets is None else serving.sets.find(facts)
    if found is not None and found.fixed_response is not None:
        return
    for rule, met in serving.rules.asked(facts):
        name = f"rule {rule.name}" if rule.name else "rule"
        if met:
            yield Step(name, "met", "; ".join(_consequences(rule)))
        else:
            yield Step(name, "not met", " ".join(rule.condition.split()))


def _consequences(rule: Rule) -> Iterator[str]:
    if rule.fixed_response is not None:
        yield "its fixed response is the answer"
        return
    names = ", ".join(name for name, _ in rule.overrides)
    yield f"overrides {names}" if names else "overrides nothing"
    if rule.terminates:
        yield "terminates: no later rule is asked"


def _sets(balancer: Balancer, planned: Plan | Refuse, facts: RequestFacts) -> Iterator[Step]:
    """Tell of the pool set that decides; none is where the balancer answered before its turn."""
    serving = balancer.serving_of(facts.host)
    before = isinstance(planned, Refuse) and planned.fixed is None
    if serving is None or serving.sets is None or before:
        return
    found = serving.sets.find(facts)
    if found is None:
        yield Step("pool_sets", "none", "no set is for the place that the request comes from")
    else:
        response = found.fixed_response is not None
        what = "its fixed response is the answer" if response else "the first for the place"
        yield Step(f"pool set {found.name}", "met", what)


def _session(serving: PreparedLoadBalancer, facts: RequestFacts) -> Step:
    kind = serving.lb.session_affinity.value
    if serving.affinity is None:
        return Step("session_affinity", kind, "no request has a session")
    return Step("session_affinity", kind, serving.affinity.reason(facts))


def _steering(serving: PreparedLoadBalancer, facts: RequestFacts, snapshot: Snapshot) -> Step:
    policy = serving.lb.steers_by
    return Step(
        "steering_policy", policy.value or "off", REASONS[policy](serving.lb, facts, snapshot)
    )


def _hedging(plan: Plan) -> Iterator[Step]:
    """Tell of a second attempt while the first one is slow, where there are such."""
    if plan.serving.hedges is None:
        return
    plan.start()
    after = f"{plan.serving.lb.failover.hedge_after:g} s"
    if plan.hedged:
        why = "without an answer by then, the next origin is asked too (one request in ten at most)"
    else:
        why = "not for this one: only for a GET or HEAD without a body, upgrade or session"
    yield Step("hedge_after", after, why)


def _mirror(serving: PreparedLoadBalancer, facts: RequestFacts) -> Iterator[Step]:
    """Tell of the pool that gets copies, where there is one."""
    mirror = serving.lb.mirror
    if mirror is None:
        return
    why = "not of this one: only of a GET without a body or upgrade that is no copy itself"
    if may_be_copied(facts):
        why = f"gets a copy of {mirror.percent:g} % of such requests; its answers are thrown away"
    yield Step("mirror", mirror.pool.name, why)


def _pool(
    serving: PreparedLoadBalancer, pool: Pool, facts: RequestFacts, snapshot: Snapshot
) -> PoolLine:
    view = snapshot.view(pool)
    steering = f"{pool.origin_steering.value}: {ORIGIN_REASONS[pool.origin_steering](view, facts)}"
    return PoolLine(
        pool.name,
        view.health.value,
        view.available,
        _threshold(view),
        steering,
        shed(pool),
        tuple(_origin(origin, snapshot, serving.keeping.drain) for origin in pool.origins),
    )


def _threshold(view: PoolView) -> str:
    if view.off is not None:
        return f"is switched off: {view.off.why.value}"
    taking, total = len(view.origins), len(view.pool.origins)
    return (
        f"{taking} of {total} origins take traffic, minimum_origins is {view.pool.minimum_origins}"
    )


def _origin(origin: Origin, snapshot: Snapshot, drain: float) -> OriginLine:
    standing = snapshot.standing(origin, drain)
    return OriginLine(origin.name, origin.url, standing.value, WORDS[standing])


def _own(step: Refuse | None) -> Own | None:
    if step is None:
        return None
    location = step.location or (step.fixed.location if step.fixed else "")
    page = step.fixed is not None and step.retry_after is not None
    return Own(step.status, step.cause + ", with maintenance_page" * page, location or None)


class _Chance:
    """Numbers that fill their space evenly: those of Halton (1960), a base for each question."""

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
class _Walk:
    """One way that a request may go when every attempt fails."""

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


def _walks(balancer: Balancer, facts: RequestFacts, now: float) -> list[_Walk]:
    walks: list[_Walk] = []
    for number in range(SAMPLES):
        chance = _Chance(number)
        walks.append(_walk(balancer, facts, now, chance))
        if not chance.asked:
            break
    return walks


def _walk(balancer: Balancer, facts: RequestFacts, now: float, chance: _Chance) -> _Walk:
    _, plan = balancer.plan(facts, now, chance)
    if isinstance(plan, Refuse):
        return _Walk((), (), None, plan)
    step: Attempt | Deliver | Refuse = plan.start()
    attempts: list[Attempt] = []
    cookies: list[bool] = []
    while isinstance(step, Attempt):
        attempts.append(step)
        cookies.append(plan.cookie_from(step.origin) is not None)
        step = plan.after(_FAILED, judge(plan.serving.retry_on, _FAILED), now)
    return _Walk(
        tuple(attempts),
        tuple(cookies),
        plan,
        step if isinstance(step, Refuse) else None,
    )


def _turns(walks: Sequence[_Walk]) -> tuple[tuple[Turn, ...], _Walk]:
    """Follow the likeliest origin from attempt to attempt; return the turns and the way there."""
    turns: list[Turn] = []
    while True:
        number = len(turns)
        going_on = [walk for walk in walks if len(walk.attempts) > number]
        if not going_on:
            return tuple(turns), walks[0]
        found = Counter(walk.attempts[number].origin.key for walk in going_on)
        likeliest = found.most_common(1)[0][0]
        whys = {walk.attempts[number].origin.key: walk.attempts[number].why for walk in going_on}
        choices = tuple(
            Choice(key[0], key[1], round(count / len(going_on), 3), whys[key].value)
            for key, count in found.most_common()
        )
        walks = [walk for walk in going_on if walk.attempts[number].origin.key == likeliest]
        first = walks[0]
        turns.append(
            Turn(number + 1, choices, first.attempts[number].timeout, first.cookies[number])
        )
