"""Limits during an outage: the retry budget, and max_requests of an origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.health.in_flight import InFlight
from lb.health.snapshot import Snapshot
from lb.log_events import Refusal
from lb.model import (
    Failover,
    LoadBalancer,
    SessionAffinity,
    SessionAffinityAttributes,
    ZeroDowntimeFailover,
)
from lb.proxy.budgets import ALWAYS, WINDOW, RetryBudget
from lb.proxy.plan import RETRY_AFTER, Plan
from lb.proxy.prepared import PreparedLoadBalancer
from lb.proxy.steps import Attempt, Deliver, Refuse, Stop
from lb.request.outcomes import Answered, Cause, Failed, judge
from support.make import balancer_of, facts, origin, pool, scripted

if TYPE_CHECKING:
    from lb.request.facts import RequestFacts

FAILED = Failed(Cause.CONNECTION)
FINE = Answered(200, lambda name: "", object())  # noqa: ARG005


def used(budget: RetryBudget, now: float, requests: int, again: int) -> None:
    """Count this many attempts."""
    for _ in range(requests):
        budget.count(now, again=False)
    for _ in range(again):
        budget.count(now, again=True)


def test_a_share_of_the_requests_may_be_sent_again() -> None:
    """20 % of 100 requests is 20, whatever happened before the window."""
    budget = RetryBudget(20)
    used(budget, 100.0, 100, 19)
    assert budget.allows(100.5)

    used(budget, 101.0, 0, 1)
    assert not budget.allows(101.0)
    used(budget, 102.0, 5, 0)
    assert budget.allows(102.0)


def test_few_requests_may_always_be_sent_again() -> None:
    """A site with little traffic has retries too, although its share is less than one."""
    budget = RetryBudget(0)
    used(budget, 0.0, 1, ALWAYS - 1)
    assert budget.allows(0.0)

    used(budget, 0.0, 0, 1)
    assert not budget.allows(0.0)


def test_a_budget_looks_back_for_ten_seconds() -> None:
    """Requests and retries count for ten seconds."""
    budget = RetryBudget(10)
    used(budget, 50.9, 1000, 100)

    assert not budget.allows(50.0 + WINDOW - 0.01)
    assert budget.allows(50.0 + WINDOW)
    used(budget, 50.0 + WINDOW, 10, ALWAYS)
    assert not budget.allows(50.0 + WINDOW)


@given(
    st.lists(st.tuples(st.floats(0, 5), st.booleans()), max_size=300),
    st.sampled_from([0, 5, 20, 100]),
)
def test_no_more_is_sent_again_than_the_budget_has(
    happened: list[tuple[float, bool]], percent: int
) -> None:
    """No window of ten seconds has more retries than the budget, in any order of attempts."""
    budget, now = RetryBudget(percent), 1000.0
    done: list[tuple[float, bool]] = []
    for after, wanted in happened:
        now += after
        again = wanted and budget.allows(now)
        budget.count(now, again=again)
        done.append((now, again))
        recent = [sent for at, sent in done if int(at) > int(now) - WINDOW]
        assert sum(recent) <= max(ALWAYS, percent / 100 * recent.count(False)) or not again


THREE = (pool("one", "a"), pool("two", "b"), pool("three", "c"))


def plan_of(
    serving: PreparedLoadBalancer,
    in_flight: InFlight | None = None,
    asked: RequestFacts | None = None,
) -> Plan:
    """Return the plan of a request with these requests in flight."""
    snapshot = Snapshot({}, {}, 0.0, in_flight=in_flight)
    return Plan(serving, snapshot, asked or facts(), scripted(0.0), 0.0)


def test_a_plan_ends_when_the_budget_is_used_up() -> None:
    """Without budget the plan ends, as it does after the last try."""
    serving = PreparedLoadBalancer(balancer_of(*THREE, failover=Failover(retry_budget=0)), "id", "")
    assert serving.budget is not None
    used(serving.budget, 0.0, 1, ALWAYS)
    plan = plan_of(serving)
    plan.start()

    step = plan.after(FAILED, judge(serving.retry_on, FAILED), 0.0)

    assert isinstance(step, Refuse)
    assert plan.stopped is Stop.BUDGET


def test_there_is_no_budget_unless_there_is_one() -> None:
    """Without retry_budget, each request may be sent again until its tries are used up."""
    assert PreparedLoadBalancer(balancer_of(*THREE), "id", "").budget is None


def busy(**under_way: int) -> InFlight:
    """Return this many requests in flight at origins of pool `p`."""
    in_flight = InFlight()
    for name, number in under_way.items():
        for _ in range(number):
            in_flight.begin(("p", name), 0.0, 30.0)
    return in_flight


LIMITED = pool("p", origin("a", max_requests=2), origin("b", max_requests=2), origin("c"))


def first(lb: LoadBalancer, in_flight: InFlight, asked: RequestFacts | None = None) -> str:
    """Return the origin of the first attempt, or the cause of the refusal."""
    step = plan_of(PreparedLoadBalancer(lb, "id", ""), in_flight, asked).start()
    return step.origin.name if isinstance(step, Attempt) else step.cause


def test_an_origin_that_is_full_gets_nothing_more() -> None:
    """A full origin is no last resort either; without max_requests no origin is ever full."""
    lb = balancer_of(LIMITED)

    assert first(lb, busy()) == "a"
    assert first(lb, busy(a=1)) == "a"
    assert first(lb, busy(a=2)) in "bc"
    assert first(lb, busy(a=2, b=2)) == "c"
    assert first(lb, busy(a=2, b=2, c=999)) == "c"


def test_when_all_are_full_the_client_is_told_when_to_come_back() -> None:
    """When all origins are full, the answer is 503 with Retry-After."""
    lb = balancer_of(pool("p", origin("a", max_requests=1)))
    serving = PreparedLoadBalancer(lb, "id", "")

    assert plan_of(serving, busy(a=1)).start() == Refuse(503, Refusal.ALL_FULL, RETRY_AFTER)
    assert serving.counts


def test_a_failure_is_not_followed_by_an_origin_that_is_full() -> None:
    """max_requests applies to retries as well."""
    serving = PreparedLoadBalancer(
        balancer_of(pool("p", "a", origin("b", max_requests=1))), "id", ""
    )
    plan = plan_of(serving, busy(b=1))
    step = plan.start()

    assert isinstance(step, Attempt)
    assert step.origin.name == "a"
    assert isinstance(plan.after(FAILED, judge(serving.retry_on, FAILED), 0.0), Refuse)


@pytest.mark.parametrize(
    ("failover", "served"),
    [
        (ZeroDowntimeFailover.STICKY, "bc"),
        (ZeroDowntimeFailover.TEMPORARY, "bc"),
        (ZeroDowntimeFailover.NONE, Refusal.ALL_FULL.value),
    ],
)
def test_a_moments_load_moves_no_session(failover: ZeroDowntimeFailover, served: str) -> None:
    """Another origin serves, without a new cookie; with `none`, the request is refused."""
    lb = balancer_of(
        LIMITED,
        session_affinity=SessionAffinity.COOKIE,
        session_affinity_attributes=SessionAffinityAttributes(zero_downtime_failover=failover),
    )
    serving = PreparedLoadBalancer(lb, "id", "")
    assert serving.affinity is not None
    cookie = serving.affinity.cookie(LIMITED.origins[0], https=True) or ""
    asked = facts(cookie=cookie.partition(";")[0])
    assert first(lb, busy(a=2), asked) in (served, *served)

    plan = plan_of(serving, busy(a=2), asked)
    if isinstance(plan.start(), Attempt):
        step = plan.after(FINE, judge(serving.retry_on, FINE), 0.0)
        assert isinstance(step, Deliver)
        assert step.set_cookie is None
