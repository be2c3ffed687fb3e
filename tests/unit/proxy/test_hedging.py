"""Hedging: second attempts for slow requests, in the plan and as a race."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.config import Invalid, parse
from lb.log_events import Hedged
from lb.model import (
    AdaptiveRouting,
    Config,
    Failover,
    SessionAffinity,
    SessionAffinityAttributes,
)
from lb.proxy.balancer import Balancer
from lb.proxy.budgets import ALWAYS, MOST_SAVED, ONE_IN, HedgeBudget
from lb.proxy.plan import Plan
from lb.proxy.run import Exchange
from lb.proxy.steps import Attempt, Deliver, Refuse
from lb.request.outcomes import Answered, Cause, Failed, judge
from support.make import balancer_of, config_of, facts, pool, record, scripted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.log_events import Event
    from lb.proxy.steps import Step
    from lb.request.facts import RequestFacts
    from lb.request.outcomes import Outcome

SOON = 0.001
REFUSED = Failed(Cause.CONNECTION)
THREE = (pool("one", "a"), pool("two", "b"), pool("three", "c"))


def answered(status: int = 200) -> Answered:
    """Return an answer."""
    return Answered(status, lambda name: "", object())  # noqa: ARG005


def balancer(*pools: Any, saved: int = 1, **fields: Any) -> Balancer:
    """Return a balancer that hedges, with this many second attempts saved."""
    failover = fields.pop("failover", Failover(hedge_after=SOON))
    made = Balancer(config_of(balancer_of(*(pools or THREE), failover=failover, **fields)))
    for serving in made.servings:
        for _ in range(saved * ONE_IN):
            assert serving.hedges is not None
            serving.hedges.count()
    return made


def begun(balancer: Balancer, asked: RequestFacts | None = None) -> tuple[Plan, Attempt]:
    """Return the plan of a request whose first attempt is in flight."""
    _, plan = balancer.plan(asked or facts(), 0.0, scripted(0.0))
    assert isinstance(plan, Plan)
    first = plan.start()
    assert isinstance(first, Attempt)
    return plan, first


def second(balancer: Balancer, asked: RequestFacts | None = None) -> str:
    """Return the origin of the second attempt; "" = there is none."""
    plan, _ = begun(balancer, asked)
    beside = plan.hedge(1.0) if plan.hedged else None
    return beside.origin.name if beside else ""


def test_a_slow_request_goes_to_the_next_candidate_too() -> None:
    """The second attempt goes to the next candidate, within the deadline."""
    plan, first = begun(balancer(failover=Failover(hedge_after=1, deadline=20)))

    beside = plan.hedge(15.0)

    assert (first.origin.name, plan.hedged) == ("a", True)
    assert beside is not None
    assert (beside.origin.name, beside.number, beside.timeout) == ("b", 2, 5.0)


@pytest.mark.parametrize(
    ("asked", "may"),
    [
        (facts(), True),
        (facts("HEAD"), True),
        (facts("GET", body=True), False),
        (facts("POST"), False),
        (facts("OPTIONS"), False),
        (facts(upgrade="websocket"), False),
    ],
)
def test_only_what_has_no_body_and_no_effect_is_sent_twice(asked: RequestFacts, may: bool) -> None:
    """GET and HEAD are hedged, but not the handshake of a WebSocket."""
    assert bool(second(balancer(), asked)) is may


def test_nothing_is_sent_twice_unless_it_is_wanted() -> None:
    """Nothing is hedged without hedge_after, or with a single origin."""
    off, alone = Balancer(config_of(balancer_of(*THREE))), balancer_of(pool("p", "a"))
    single = Balancer(config_of(alone), any_host=True)

    assert not begun(off)[0].hedged
    assert not begun(single)[0].hedged


def test_a_session_is_left_to_its_origin() -> None:
    """A session is not hedged; a client without one gets the session of the winner."""
    one = balancer(
        pool("p", "a", "b"),
        session_affinity=SessionAffinity.COOKIE,
        session_affinity_attributes=SessionAffinityAttributes(),
    )
    affinity = one.servings[0].affinity
    assert affinity is not None
    plan, first = begun(one)
    cookie = affinity.cookie(first.origin, https=True) or ""
    assert second(one, facts(cookie=cookie.partition(";")[0])) == ""

    beside = plan.hedge(1.0)
    assert beside is not None
    won = plan.first_of_two(beside, answered(), judge(frozenset(), answered()))
    assert won is not None
    assert won.set_cookie == affinity.cookie(beside.origin, https=True)


@pytest.mark.parametrize(
    "failover",
    [
        Failover(hedge_after=1, tries=1),
        Failover(hedge_after=1, deadline=1),
        Failover(hedge_after=1, retry_budget=0),
    ],
)
def test_what_limits_tries_limits_second_attempts(failover: Failover) -> None:
    """`tries`, `deadline` and `retry_budget` include second attempts."""
    made = balancer(failover=failover)
    for _ in range(ALWAYS):
        if made.servings[0].budget is not None:
            made.servings[0].budget.count(1.0, again=True)

    assert second(made) == ""


def test_the_last_resort_is_not_worth_a_guess() -> None:
    """The last resort is tried after a failure, not for a slow attempt."""
    made = balancer(*THREE[:2])
    down = judge(frozenset(), REFUSED)
    record(made.memory, made.servings[0].lb, THREE[1].origins[0], down, 0.0, 0.0)
    plan, _ = begun(made)

    assert plan.hedge(1.0) is None
    after = plan.after(REFUSED, down, 1.0)
    assert isinstance(after, Attempt)
    assert (after.origin.name, after.number) == ("b", 2)


def test_a_second_attempt_stays_in_its_pool_where_failover_does() -> None:
    """Without failover_across_pools, the second attempt stays in the pool."""
    routing = AdaptiveRouting(failover_across_pools=False)

    assert second(balancer(adaptive_routing=routing)) == ""
    assert second(balancer(pool("p", "a", "b"), THREE[1], adaptive_routing=routing)) in "ab"


def test_one_request_in_ten_gets_a_second_attempt() -> None:
    """The balance starts at zero, and a few second attempts are saved at most."""
    budget = HedgeBudget()
    granted = []
    for number in range(100):
        budget.count()
        if budget.allows():
            budget.spend()
            granted.append(number + 1)
    assert granted == list(range(10, 101, 10))

    for _ in range(10_000):
        budget.count()
    for _ in range(MOST_SAVED):
        assert budget.allows()
        budget.spend()
    assert not budget.allows()


@given(st.lists(st.booleans(), max_size=400))
def test_never_more_than_a_tenth_is_sent_twice(slow: list[bool]) -> None:
    """The share holds in any order of requests and second attempts."""
    budget, sent_twice = HedgeBudget(), 0
    for number, is_slow in enumerate(slow, 1):
        budget.count()
        if is_slow and budget.allows():
            budget.spend()
            sent_twice += 1
        assert sent_twice * ONE_IN <= number


@dataclass
class Race:
    """A transport whose attempts end in a given order, one after the other."""

    script: Mapping[str, Outcome | None]
    """By name, in the order in which they end; None: never."""
    sent_first: int = 0
    """Attempts that must have begun before any of them ends."""
    sent: list[str] = field(default_factory=list)
    aborted: list[str] = field(default_factory=list)
    discarded: list[int] = field(default_factory=list)
    log: list[Event] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def send(self, attempt: Attempt) -> Outcome:
        """Wait until it is this origin's turn to end."""
        name, outcome = attempt.origin.name, self.script[attempt.origin.name]
        before = set(list(self.script)[: list(self.script).index(name)])

        def turn() -> bool:
            return before <= self.ended and len(self.sent) >= self.sent_first

        self.sent.append(name)
        try:
            async with self.changed:
                self.changed.notify_all()
                await self.changed.wait_for(lambda: outcome is not None and turn())
                self.ended.add(name)
                self.changed.notify_all()
        except asyncio.CancelledError:
            self.aborted.append(name)
            raise
        assert outcome is not None
        return outcome

    def discard(self, answer: Answered) -> None:
        self.discarded.append(answer.status)

    def run(self, balancer: Balancer) -> Step:
        """Return the last step of a GET."""
        _, plan = balancer.plan(facts(), 0.0, scripted(0.0))
        assert isinstance(plan, Plan)
        exchange = Exchange(plan, balancer.memory, self, lambda: 1.0, self.log.append)

        async def finished() -> Step:
            return await asyncio.wait_for(exchange.finish(exchange.start()), 10)

        return asyncio.run(finished())

    @property
    def kinds(self) -> list[str]:
        return [event.event for event in self.log]


def under_way(balancer: Balancer) -> int:
    """Return the number of attempts in flight."""
    names = ("one", "two", "three")
    return sum(balancer.memory.in_flight.outstanding_of(name) for name in names)


def test_the_first_good_answer_wins_and_the_other_attempt_is_aborted() -> None:
    """A slow attempt is no failure: its origin is not ejected, and it counts as ended."""
    made, race = balancer(), Race({"b": answered(), "a": None})

    step = race.run(made)

    assert isinstance(step, Deliver)
    assert step.origin.name == "b"
    assert (race.sent, race.aborted) == (["a", "b"], ["a"])
    assert race.log == [
        Hedged(load_balancer="*", pool="one", origin="a", next="b", answered="b", duration=1.0)
    ]
    assert under_way(made) == 0
    assert not made.memory.reports
    assert begun(made)[1].origin.name == "a"


def test_the_first_attempt_may_still_win() -> None:
    """The second attempt is aborted if the first one wins."""
    made, race = balancer(), Race({"a": answered(), "b": None}, sent_first=2)

    step = race.run(made)

    assert isinstance(step, Deliver)
    assert (step.origin.name, race.aborted, under_way(made)) == ("a", ["b"], 0)


def test_both_may_answer_at_the_same_moment() -> None:
    """One good answer is delivered, the other one discarded."""
    made, race = balancer(), Race({"b": answered(), "a": answered(204)}, sent_first=2)

    step = race.run(made)

    assert isinstance(step, Deliver)
    both = {step.answer.status, *race.discarded}
    assert both == {200, 204} or race.aborted
    assert under_way(made) == 0


def test_a_failure_leaves_the_other_attempt_running() -> None:
    """A bad answer is kept until a better one comes."""
    race = Race({"b": answered(503), "a": answered(200)})

    step = race.run(balancer())

    assert isinstance(step, Deliver)
    assert (step.origin.name, step.answer.status) == ("a", 200)
    assert (race.sent, race.discarded, race.aborted) == (["a", "b"], [503], [])
    assert race.kinds == ["failover", "hedged"]


def test_when_both_fail_the_next_origin_is_tried() -> None:
    """The next origin follows, and at the end the client gets the last answer."""
    race = Race({"b": answered(503), "a": REFUSED, "c": answered()})
    step = race.run(balancer())
    assert isinstance(step, Deliver)
    assert (step.origin.name, race.sent, race.discarded) == ("c", ["a", "b", "c"], [503])

    race = Race({"b": answered(502), "a": REFUSED})
    step = race.run(balancer(*THREE[:2]))
    assert isinstance(step, Deliver)
    assert (step.answer.status, race.discarded) == (502, [])

    race = Race({"b": REFUSED, "a": REFUSED})
    assert isinstance(race.run(balancer(*THREE[:2])), Refuse)
    assert race.log[-1] == Hedged(
        load_balancer="*", pool="one", origin="a", next="b", answered="", duration=1.0
    )


def test_a_fast_answer_is_not_doubled() -> None:
    """A fast answer starts no second attempt, and neither does a slow one without budget."""
    race = Race({"a": answered()})
    assert isinstance(race.run(balancer(failover=Failover(hedge_after=20))), Deliver)
    assert (race.sent, race.log) == (["a"], [])

    made = balancer(saved=0)
    for _ in range(ONE_IN - 1):
        assert isinstance(Race({"a": answered()}).run(made), Deliver)
    race = Race({"b": answered(), "a": None})
    assert isinstance(race.run(made), Deliver)


def test_an_attempt_that_was_given_up_says_nothing_of_its_origin() -> None:
    """An aborted attempt does not count as silence: nobody has waited to its end."""
    made = balancer(saved=5)
    for _ in range(5):
        Race({"b": answered(), "a": None}).run(made)

    for _ in range(3):
        _, plan = made.plan(facts(), 50.0, scripted(0.0))
        assert isinstance(plan, Plan)
        first = plan.start()
        assert isinstance(first, Attempt)
        assert first.origin.name == "a"
    assert not made.memory.news


def document(**failover: object) -> Config | Invalid:
    """Return the configuration with these failover settings."""
    return parse(
        {
            "pools": [{"name": "p", "origins": [{"name": "a", "address": "a.example.com"}]}],
            "load_balancers": [
                {"name": "*", "default_pools": ["p"], "fallback_pool": "p", "failover": failover}
            ],
        }
    )


def test_hedge_after_must_be_able_to_happen() -> None:
    """Both problems are reported at once."""
    fine = document(hedge_after=0.25)
    assert isinstance(fine, Config)
    assert fine.load_balancers[0].failover.hedge_after == 0.25

    wrong = document(hedge_after=5, first_byte_timeout=5, tries=1)
    assert isinstance(wrong, Invalid)
    at = "@ $.load_balancers[0].failover.hedge_after"
    assert [str(problem) for problem in wrong.problems] == [
        f"must be less than first_byte_timeout and deadline (5 is not less than 5) {at}",
        f"needs tries of 2 or more: it is a second try {at}",
    ]
