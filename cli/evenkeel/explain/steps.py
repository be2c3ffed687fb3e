"""The decisions before the first attempt, and the pools, each with the balancer's own reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evenkeel.explain.model import OriginLine, PoolLine, Step
from lb.health.snapshot import WORDS
from lb.proxy.mirroring import may_be_copied
from lb.proxy.steps import Refuse
from lb.request.hosts import found_by
from lb.selection import origin_steering, shedding, steering

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lb.health.snapshot import PoolView, Snapshot
    from lb.model import Origin, Pool, Rule
    from lb.proxy.balancer import Balancer
    from lb.proxy.plan import Plan
    from lb.proxy.prepared import PreparedLoadBalancer
    from lb.request.facts import RequestFacts


def load_balancer(serving: PreparedLoadBalancer | None, facts: RequestFacts) -> Step:
    """The load balancer of the request's host."""
    if serving is None:
        return Step("load balancer", "none", f"no enabled one has a name that fits {facts.host}")
    return Step("load balancer", serving.lb.name, found_by(serving.lb.name))


def client(serving: PreparedLoadBalancer, facts: RequestFacts) -> Iterator[Step]:
    """The client's address, if proxies may say it."""
    if serving.trusted_proxies is None:
        return
    if facts.forwarded_for:
        why = f"by X-Forwarded-For of a trusted proxy; origins get {facts.forwarded_for}"
    else:
        why = "by CF-Connecting-IP, which is no trusted proxy"
    yield Step("client", facts.client_ip or "unknown", why)


def rules(balancer: Balancer, planned: Plan | Refuse, facts: RequestFacts) -> Iterator[Step]:
    """Each rule that was evaluated; none if the balancer answers before the rules."""
    serving = balancer.serving_of(facts.host)
    before = isinstance(planned, Refuse) and planned.fixed is None
    if serving is None or serving.rules is None or before:
        return
    found = None if serving.sets is None else serving.sets.find(facts)
    if found is not None and found.fixed_response is not None:
        return
    for rule, met in serving.rules.evaluated(facts):
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


def pool_sets(balancer: Balancer, planned: Plan | Refuse, facts: RequestFacts) -> Iterator[Step]:
    """The pool set that decides; none if the balancer answers before the pool sets."""
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


def session(serving: PreparedLoadBalancer, facts: RequestFacts) -> Step:
    """Session affinity, and the session of the request if it has one."""
    kind = serving.lb.session_affinity.value
    if serving.affinity is None:
        return Step("session_affinity", kind, "no request has a session")
    return Step("session_affinity", kind, serving.affinity.reason(facts))


def steering_policy(serving: PreparedLoadBalancer, facts: RequestFacts, snapshot: Snapshot) -> Step:
    """The steering policy, and what it decides by."""
    policy = serving.lb.steers_by
    return Step(
        "steering_policy",
        policy.value or "off",
        steering.REASONS[policy](serving.lb, facts, snapshot),
    )


def hedging(plan: Plan) -> Iterator[Step]:
    """The second attempt beside a slow first one, if the load balancer has them."""
    if plan.serving.hedges is None:
        return
    plan.start()
    after = f"{plan.serving.lb.failover.hedge_after:g} s"
    if plan.hedged:
        why = "without an answer by then, the next origin is asked too (one request in ten at most)"
    else:
        why = "not for this one: only for a GET or HEAD without a body, upgrade or session"
    yield Step("hedge_after", after, why)


def mirror(serving: PreparedLoadBalancer, facts: RequestFacts) -> Iterator[Step]:
    """The pool that gets copies, if the load balancer has one."""
    copies = serving.lb.mirror
    if copies is None:
        return
    why = "not of this one: only of a GET without a body or upgrade that is no copy itself"
    if may_be_copied(facts):
        why = f"gets a copy of {copies.percent:g} % of such requests; its answers are thrown away"
    yield Step("mirror", copies.pool.name, why)


def own_names(serving: PreparedLoadBalancer, facts: RequestFacts) -> Step:
    """What becomes of an origin's own name in its answers."""
    if not serving.lb.proxy_redirect:
        return Step("proxy_redirect", "false", "an origin's own name in its answers stays")
    public = f"http{'s' if facts.https else ''}://{facts.authority}"
    why = f"an origin's own name in redirects, links and cookies of its answers becomes {public}"
    return Step("proxy_redirect", "true", why)


def pool_line(
    serving: PreparedLoadBalancer, pool: Pool, facts: RequestFacts, snapshot: Snapshot
) -> PoolLine:
    """A pool and its origins, with the reason of each state."""
    view = snapshot.view(pool)
    policy = pool.origin_steering
    how = f"{policy.value}: {origin_steering.REASONS[policy](view, facts)}"
    return PoolLine(
        pool.name,
        view.health.value,
        view.available,
        _threshold(view),
        how,
        shedding.reason(pool),
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
