"""The plan: the order of attempts, and the step after each outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.health.snapshot import EjectionState, Snapshot
from lb.health.verdict import OriginHealth
from lb.log_events import Refusal
from lb.model import (
    AdaptiveRouting,
    CodeRange,
    Failover,
    Health,
    LoadBalancer,
    OriginSteeringPolicy,
    SessionAffinity,
    SessionAffinityAttributes,
    ZeroDowntimeFailover,
)
from lb.proxy.plan import LARGEST_BODY, RETRY_AFTER, SLOWEST_UPLOAD, Plan
from lb.proxy.prepared import PreparedLoadBalancer
from lb.proxy.steps import Attempt, Deliver, Refuse, Step
from lb.request.outcomes import Answered, Cause, Failed, Outcome, judge
from support.make import balancer_of, facts, origin, pool, scripted

if TYPE_CHECKING:
    from lb.request.facts import RequestFacts

THREE = (pool("one", "a"), pool("two", "b"), pool("three", "c"))
REFUSED, HANGING = Failed(Cause.CONNECTION), Failed(Cause.TIMEOUT)


def answer(status: int, **headers: str) -> Answered:
    """Return an answer; header names are written with underscores."""
    known = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answered(status, lambda name: known.get(name, ""), object())


def snapshot(*down: str, ejected: str = "") -> Snapshot:
    """Return a snapshot: each of THREE's pools has one origin, named a, b and c."""
    pools = {"a": "one", "b": "two", "c": "three"}
    return Snapshot(
        {(pools[name], name): OriginHealth(health=Health.UNHEALTHY) for name in down},
        {(pools[name], name): EjectionState(until=99.0) for name in ejected},
        0.0,
    )


class Walk:
    """Carries out the plan of one request."""

    def __init__(
        self,
        lb: LoadBalancer,
        at: Snapshot | None = None,
        asked: RequestFacts | None = None,
        chance: float = 0.0,
    ) -> None:
        self.serving = PreparedLoadBalancer(lb, "id", "")
        self.plan = Plan(
            self.serving,
            at or snapshot(),
            asked or facts(),
            scripted(chance),
            0.0,
        )
        self.step: Step = self.plan.start()

    def after(self, outcome: Outcome, now: float = 0.0) -> Step:
        """Pass the outcome of the attempt in flight to the plan."""
        assert isinstance(self.step, Attempt), f"no attempt is under way: {self.step}"
        self.step = self.plan.after(outcome, judge(self.serving.retry_on, outcome), now)
        return self.step

    def origins(self, outcome: Outcome = REFUSED) -> str:
        """Return the names of all origins tried if each attempt has this outcome."""
        names = ""
        while isinstance(self.step, Attempt):
            names += self.step.origin.name
            self.after(outcome)
        return names


def test_the_first_pool_is_tried_first() -> None:
    """With `off`, pools are tried in the order of default_pools."""
    walk = Walk(balancer_of(*THREE))

    assert walk.origins() == "abc"
    assert walk.step == Refuse(503, Refusal.NO_ORIGIN_ANSWERED, RETRY_AFTER)


@pytest.mark.parametrize(
    ("down", "ejected", "order"),
    [
        ("", "", "abc"),
        # What is down is passed over, and still comes before a refusal.
        ("a", "", "bca"),
        ("ab", "", "cab"),
        ("", "a", "bca"),
        # An ejection is taken back before a monitor's verdict is.
        ("a", "b", "cba"),
        # When all are down, all are tried again: the fallback pool first.
        ("abc", "", "abc"),
        ("", "abc", "abc"),
    ],
)
def test_health_decides_who_comes_first(down: str, ejected: str, order: str) -> None:
    """Available origins come in steering order, then the last resort."""
    assert Walk(balancer_of(*THREE), snapshot(*down, ejected=ejected)).origins() == order


def test_the_fallback_pool_is_used_when_nothing_is_healthy() -> None:
    """The health of the fallback pool is ignored."""
    lb = balancer_of(*THREE[:2], fallback_pool=THREE[2])

    assert Walk(lb, snapshot("a", "b", "c")).origins() == "cab"
    assert Walk(lb, snapshot("a", "b")).origins() == "cab"
    assert Walk(lb, snapshot("a")).origins() == "bca"


def test_disabled_origins_and_pools_are_never_tried() -> None:
    """Disabled origins and pools are no last resort either."""
    off = pool("two", origin("b", "two", enabled=False), origin("B", "two"))
    lb = balancer_of(THREE[0], off, pool("three", "c", enabled=False))

    assert Walk(lb).origins() == "aB"
    nobody = balancer_of(pool("one", origin("a", "one", enabled=False)))
    assert Walk(nobody).step == Refuse(503, Refusal.NO_ORIGIN_ENABLED, RETRY_AFTER)


def test_a_pool_below_minimum_origins_is_passed_over() -> None:
    """The healthy origins of such a pool are part of the last resort."""
    short = pool("one", "a", origin("x", "one", enabled=False), minimum_origins=2)

    assert Walk(balancer_of(short, THREE[1])).origins() == "ba"


@pytest.mark.parametrize(
    ("method", "outcome", "tried"),
    [
        ("GET", REFUSED, "abc"),
        ("HEAD", REFUSED, "abc"),
        ("OPTIONS", HANGING, "abc"),
        ("GET", HANGING, "abc"),
        ("GET", answer(502), "abc"),
        ("GET", answer(503), "abc"),
        ("GET", answer(504), "abc"),
        ("GET", answer(520), "abc"),
        ("GET", answer(527), "abc"),
        ("GET", answer(530), "abc"),
        ("GET", answer(500), "a"),
        ("GET", answer(501), "a"),
        ("GET", answer(528), "a"),
        ("GET", answer(404), "a"),
        ("GET", answer(200), "a"),
        # A request that may have had its effect goes to one origin alone.
        ("POST", REFUSED, "a"),
        ("POST", HANGING, "a"),
        ("POST", answer(503), "a"),
        ("POST", answer(530), "a"),
        ("PUT", REFUSED, "a"),
        ("DELETE", REFUSED, "a"),
        ("PROPFIND", REFUSED, "a"),
        # Unless Cloudflare's edge answered in place of an origin that it could not reach.
        ("POST", answer(530, server="cloudflare", cf_ray="8f-NRT"), "abc"),
        ("POST", answer(521, server="cloudflare", cf_ray="8f-NRT"), "abc"),
        ("POST", answer(522, server="cloudflare", cf_ray="8f-NRT"), "a"),
        ("POST", answer(524, server="cloudflare", cf_ray="8f-NRT"), "a"),
        ("POST", answer(530, server="cloudflare"), "a"),
        ("POST", answer(530, server="nginx", cf_ray="8f-NRT"), "a"),
        # The origin's own 530, passed on by the edge.
        (
            "POST",
            answer(530, server="cloudflare", cf_ray="8f-NRT", cf_cache_status="DYNAMIC"),
            "a",
        ),
    ],
)
def test_what_may_be_tried_again(method: str, outcome: Outcome, tried: str) -> None:
    """Safe requests are retried; others only if no origin can have received them."""
    assert Walk(balancer_of(*THREE), asked=facts(method)).origins(outcome) == tried


@pytest.mark.parametrize(
    ("method", "body", "length", "tried"),
    [
        ("POST", False, "", "abc"),
        ("POST", True, "10", "abc"),
        ("POST", True, "11", "a"),
        ("POST", True, "", "a"),
        ("OPTIONS", True, "11", "a"),
        ("OPTIONS", True, "10", "abc"),
    ],
)
def test_a_body_is_sent_again_only_if_it_was_kept(
    method: str, body: bool, length: str, tried: str
) -> None:
    """A body of known length up to body_limit is kept; any other is streamed, and gone."""
    lb = balancer_of(*THREE, failover=Failover(retry_non_idempotent=True, body_limit=10))
    walk = Walk(lb, asked=facts(method, body=body, content_length=length))

    assert walk.plan.keeps_body == (body and tried == "abc")
    assert walk.origins() == tried


def test_a_body_is_not_kept_where_it_could_never_be_sent_again() -> None:
    """With one origin or one try, a body is streamed."""
    asked = facts("POST", body=True, content_length="1")

    assert not Walk(balancer_of(THREE[0]), asked=asked).plan.keeps_body
    once = balancer_of(*THREE, failover=Failover(tries=1))
    assert not Walk(once, asked=asked).plan.keeps_body


def test_retry_on_can_be_widened() -> None:
    """retry_on may include all statuses from 500 to 599."""
    lb = balancer_of(*THREE, failover=Failover(retry_on=(CodeRange(low=500, high=599),)))

    assert Walk(lb).origins(answer(500)) == "abc"


def test_tries_bounds_the_attempts() -> None:
    """`tries` includes the first attempt."""
    assert Walk(balancer_of(*THREE, failover=Failover(tries=2))).origins() == "ab"


def test_the_deadline_bounds_attempts_and_their_time() -> None:
    """No attempt begins after the deadline, and the last one gets the remaining time."""
    lb = balancer_of(*THREE, failover=Failover(first_byte_timeout=30, deadline=50))
    walk = Walk(lb)
    assert walk.step == Attempt(THREE[0].origins[0], 1, 30)

    second = walk.after(HANGING, now=30.0)
    assert isinstance(second, Attempt)
    assert second.timeout == 20

    assert isinstance(walk.after(HANGING, now=50.0), Refuse)


def timeout_of(lb: LoadBalancer, asked: RequestFacts, at: Snapshot | None = None) -> float:
    """Return the time limit of a request's first attempt."""
    step = Walk(lb, at, asked).step
    assert isinstance(step, Attempt)
    return step.timeout


def test_a_streamed_upload_is_given_time_to_be_sent() -> None:
    """The deadline of an origin counts from the last byte of the body, which a client delays.

    A body of unknown length was taken for one of 100 MB. The driver sees when it has been sent,
    where it can be kept; else the largest body is still assumed, as nothing can be seen of it.
    """
    limits = Failover(deadline=40, first_byte_timeout=30, body_limit=10, body_timeout=20)
    lb, alone = balancer_of(*THREE, failover=limits), balancer_of(THREE[0], failover=limits)

    def of(one: LoadBalancer, length: str) -> float:
        return timeout_of(one, facts("POST", body=True, content_length=length))

    assert [of(lb, length) for length in ("10", "11", "16384000", "")] == [40, 60, 1040, 40]
    assert [of(alone, length) for length in ("10", "")] == [
        60,
        40 + LARGEST_BODY / SLOWEST_UPLOAD,
    ]


def test_a_time_out_is_set_only_where_another_origin_may_follow() -> None:
    """A POST that was answered after 33 s was given up after 30 s, with nobody to turn to.

    first_byte_timeout exists to fail over; where no attempt may follow, the deadline holds.
    """
    limits = Failover(first_byte_timeout=30, deadline=100)
    three, alone = balancer_of(*THREE, failover=limits), balancer_of(THREE[0], failover=limits)
    once = balancer_of(*THREE, failover=Failover(first_byte_timeout=30, tries=1))
    within = balancer_of(*THREE, adaptive_routing=AdaptiveRouting(failover_across_pools=False))
    off = balancer_of(THREE[0], pool("two", origin("b", "two", enabled=False)))
    eager = balancer_of(*THREE, failover=Failover(retry_non_idempotent=True))

    assert timeout_of(three, facts()) == 30
    assert timeout_of(eager, facts("POST")) == 30
    assert timeout_of(three, facts(), snapshot("b", "c")) == 30  # the last resort may answer
    assert timeout_of(three, facts("POST")) == 100
    assert timeout_of(three, facts("POST", body=True, content_length="3")) == 100
    assert timeout_of(alone, facts()) == 100
    assert timeout_of(once, facts()) == 100
    assert timeout_of(within, facts()) == 100
    assert timeout_of(off, facts()) == 100


def test_the_last_attempt_has_what_is_left_of_the_deadline() -> None:
    """The last candidate and the last try are waited for until the deadline."""
    two = Walk(balancer_of(*THREE[:2], failover=Failover(first_byte_timeout=30, deadline=100)))
    two.after(HANGING, now=30.0)
    assert isinstance(two.step, Attempt)
    assert (two.step.origin.name, two.step.timeout) == ("b", 70)

    lb = balancer_of(*THREE, failover=Failover(first_byte_timeout=30, deadline=100, tries=2))
    tries = Walk(lb)
    tries.after(HANGING, now=30.0)
    assert isinstance(tries.step, Attempt)
    assert tries.step.timeout == 70


def test_a_session_that_must_stay_is_waited_for() -> None:
    """With zero_downtime_failover none, no other origin may answer for the session's own."""
    held = SessionAffinityAttributes(zero_downtime_failover=ZeroDowntimeFailover.NONE)
    lb = balancer_of(*THREE, session_affinity=COOKIE, session_affinity_attributes=held)

    assert timeout_of(lb, facts()) == 30
    assert timeout_of(lb, facts(cookie=pin(lb, 1))) == 100


def test_what_was_not_sent_on_is_not_called_unanswered_by_all() -> None:
    """The page said that no server could answer a POST that only one was asked."""
    post = Walk(balancer_of(*THREE), asked=facts("POST"))
    assert post.after(REFUSED) == Refuse(503, Refusal.NOT_SENT_ON, RETRY_AFTER)

    alone = Walk(balancer_of(THREE[0]), asked=facts("POST"))
    assert alone.after(REFUSED) == Refuse(503, Refusal.NO_ORIGIN_ANSWERED, RETRY_AFTER)

    tries = Walk(balancer_of(*THREE, failover=Failover(tries=2)))
    assert tries.origins() == "ab"
    assert tries.step == Refuse(503, Refusal.NOT_SENT_ON, RETRY_AFTER)


def test_the_last_answer_is_better_than_none() -> None:
    """When every attempt has failed, the client gets the last answer, if there was one."""
    walk = Walk(balancer_of(*THREE))
    walk.after(answer(502))
    last = answer(503)
    walk.after(last)

    step = walk.after(REFUSED)

    assert isinstance(step, Deliver)
    assert (step.answer, step.origin.name, step.set_cookie) == (last, "b", None)


COOKIE = SessionAffinity.COOKIE


def pin(lb: LoadBalancer, at: int) -> str:
    """Return the cookie for the origin of the pool at this index."""
    affinity = PreparedLoadBalancer(lb, "id", "").affinity
    assert affinity is not None
    cookie = affinity.cookie(lb.default_pools[at].origins[0], https=True)
    assert cookie is not None
    return cookie.partition(";")[0]


def test_a_session_stays_on_its_origin() -> None:
    """The pin comes before steering; a client with a cookie gets no other."""
    lb = balancer_of(*THREE, session_affinity=COOKIE)
    walk = Walk(lb, asked=facts(cookie=pin(lb, 1)))

    step = walk.after(answer(200))

    assert isinstance(step, Deliver)
    assert (step.origin.name, step.set_cookie) == ("b", None)


def test_a_new_client_is_given_a_cookie() -> None:
    """The cookie names the origin that answered."""
    lb = balancer_of(*THREE, session_affinity=COOKIE)

    step = Walk(lb).after(answer(200))

    assert isinstance(step, Deliver)
    assert step.set_cookie is not None
    assert step.set_cookie.startswith(pin(lb, 0))


def test_a_session_moves_when_its_origin_is_down() -> None:
    """Another origin answers and sets its cookie."""
    lb = balancer_of(*THREE, session_affinity=COOKIE)
    step = Walk(lb, snapshot("b"), asked=facts(cookie=pin(lb, 1))).after(answer(200))

    assert isinstance(step, Deliver)
    assert step.origin.name == "a"
    assert step.set_cookie is not None
    assert step.set_cookie.startswith(pin(lb, 0))


def test_a_failing_origin_wins_no_sessions() -> None:
    """An answer that counts as a failure is delivered without a cookie."""
    lb = balancer_of(THREE[0], session_affinity=COOKIE)

    step = Walk(lb).after(answer(503))

    assert isinstance(step, Deliver)
    assert step.set_cookie is None


def test_a_pin_reaches_weight_0_but_nothing_disabled() -> None:
    """Weight 0 keeps sessions; no cookie reaches a disabled origin or pool."""
    weighted = pool("two", origin("b", "two", weight=0), origin("B", "two"))
    lb = balancer_of(THREE[0], weighted, session_affinity=COOKIE)
    walk = Walk(lb, asked=facts(cookie=pin(lb, 1)))
    assert isinstance(walk.step, Attempt)
    assert walk.step.origin.name == "b"

    off = pool("two", origin("b", "two", enabled=False), origin("B", "two"))
    lb = balancer_of(THREE[0], off, session_affinity=COOKIE)
    assert "b" not in Walk(lb, asked=facts(cookie=pin(lb, 1))).origins()


def test_ip_cookie_begins_with_the_clients_address() -> None:
    """The hash of the address chooses for a new client, whatever the origin steering."""
    both = pool("p", "a", "b", origin_steering=OriginSteeringPolicy.RANDOM)
    lb = balancer_of(both, session_affinity=SessionAffinity.IP_COOKIE)
    orders = {
        chance: Walk(
            lb, Snapshot({}, {}, 0.0), facts(cf_connecting_ip="203.0.113.9"), chance
        ).origins()
        for chance in (0.0, 0.3, 0.6, 0.9)
    }

    assert len(set(orders.values())) == 1


OUTCOMES = st.sampled_from(
    [REFUSED, HANGING, Failed(Cause.CLIENT), answer(200), answer(404), answer(503), answer(530)]
)


@given(
    st.sampled_from(["GET", "POST", "OPTIONS", "PUT"]),
    st.lists(OUTCOMES, min_size=12, max_size=12),
    st.integers(1, 10),
    st.sets(st.sampled_from("abc")),
    st.sets(st.sampled_from("abc")),
)
def test_every_walk_ends_soon_and_repeats_nothing(
    method: str, outcomes: list[Outcome], tries: int, down: set[str], ejected: set[str]
) -> None:
    """Whatever the outcomes, no origin is tried twice, `tries` holds, and no POST is retried."""
    lb = balancer_of(*THREE, failover=Failover(tries=tries), session_affinity=COOKIE)
    walk = Walk(lb, snapshot(*down, ejected="".join(ejected)), facts(method))
    tried = []
    for outcome in outcomes:
        if not isinstance(walk.step, Attempt):
            break
        tried.append(walk.step.origin.name)
        walk.after(outcome)

    assert isinstance(walk.step, Deliver | Refuse)
    assert len(tried) == len(set(tried)) <= tries
    if method in ("POST", "PUT"):
        assert len(tried) == 1
