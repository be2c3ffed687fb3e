"""Suspected origins: silent ones, and those back from an ejection; which requests go there."""

from __future__ import annotations

import pytest

from lb.health.quiet import (
    LONE_FACTOR,
    SILENCE_FORGOTTEN_AFTER,
    SLOWEST_FACTOR,
    TEST_INTERVAL,
    UNSAFE_TEST_AFTER,
    Suspects,
    Treatment,
)
from lb.health.verdict import Verdict
from lb.log_events import Event, OriginQuiet, OriginRestored
from lb.model import (
    AdaptiveRouting,
    Ejection,
    Failover,
    LoadBalancer,
    OriginSteeringPolicy,
    SessionAffinity,
)
from lb.proxy.balancer import Balancer
from lb.proxy.plan import Plan
from lb.proxy.run import Exchange
from lb.proxy.steps import Attempt
from lb.request.outcomes import Answered, Cause, Failed, Outcome
from support.make import balancer_of, config_of, facts, monitor, pool

PASSIVE = (pool("first", "a"), pool("second", "b"))
ACTIVE = (pool("p", "a", "b", origin_steering=OriginSteeringPolicy.HASH),)
FINE = Answered(200, lambda _: "", None)
TIMED_OUT = Failed(Cause.TIMEOUT)
REFUSED = Failed(Cause.CONNECTION)
QUIET_AFTER = 0.5
"""A default of 0.4, and a little more."""


class Sent:
    """One request."""

    def __init__(self, scene: Scene, exchange: Exchange) -> None:
        self._scene, self._exchange = scene, exchange
        self._step = exchange.start()

    @property
    def at(self) -> str:
        """The origin of the attempt in flight."""
        assert isinstance(self._step, Attempt)
        return self._step.origin.name

    def ends(self, outcome: Outcome = FINE) -> Sent:
        """End the attempt in flight with an outcome."""
        self._step = self._exchange.take(outcome)
        return self


class Scene:
    """An isolate whose requests end when a test ends them."""

    def __init__(self, lb: LoadBalancer) -> None:
        self.now = 1000.0
        self.log: list[Event] = []
        self.balancer = Balancer(config_of(lb))

    def send(self, method: str = "GET", *, body: bool = False, cookie: str = "") -> Sent:
        """Begin a request; a body is streamed."""
        asked = facts(method, body=body, cookie=cookie)
        _, plan = self.balancer.plan(asked, self.now, lambda: 0.0)
        assert isinstance(plan, Plan)
        memory = self.balancer.memory
        return Sent(self, Exchange(plan, memory, None, lambda: self.now, self.log.append))  # type: ignore[arg-type] # nothing is sent

    def answers(self, seconds: float = 0.0) -> None:
        """Send a request that is answered after this many seconds."""
        sent = self.send()
        self.now += seconds
        sent.ends()

    def goes(self, method: str = "GET", outcome: Outcome = FINE) -> str:
        """Return the origin of a request that ends at once."""
        sent = self.send(method)
        found = sent.at
        sent.ends(outcome)
        return found


def scene(**ejection: float) -> Scene:
    """Return a scene in which origin a has answered well."""
    made = Scene(balancer_of(*PASSIVE, ejection=Ejection(**ejection)))  # type: ignore[arg-type] # whole numbers are given where they are due
    made.answers()
    return made


def hanging(**options: float) -> Scene:
    """Return a scene in which origin a has just become silent."""
    made = scene(**options)
    for _ in range(3):
        assert made.send().at == "a"
    made.now += QUIET_AFTER
    return made


def test_a_quiet_origin_is_avoided_before_any_time_out() -> None:
    """Until the first time-out, every POST was sent to the origin that hung."""
    made = hanging()

    assert made.goes("POST") == "b"
    (told,) = made.balancer.memory.news
    assert told == OriginQuiet(load_balancer="*", pool="first", origin="a", seconds=QUIET_AFTER)
    assert made.goes("POST") == "b"
    assert len(made.balancer.memory.news) == 1


def test_requests_that_wait_no_longer_than_usual_say_nothing() -> None:
    """Before quiet_after, or with fewer than three requests, the order is the usual one."""
    made = scene()
    for _ in range(3):
        made.send()
    made.now += 0.39
    assert made.goes("POST") == "a"

    made = scene()
    for _ in range(2):
        made.send()
    made.now += QUIET_AFTER
    assert made.goes("POST") == "a"


def test_one_request_after_the_other_tests_a_quiet_origin() -> None:
    """One retryable request a second tests the origin; its answer restores all traffic."""
    made = hanging()
    assert [made.send().at, made.goes(), made.goes("POST")] == ["a", "b", "b"]
    made.now += TEST_INTERVAL
    assert [made.goes("POST"), made.send().at, made.goes()] == ["b", "a", "b"]
    made.now += TEST_INTERVAL

    test = made.send()
    assert test.at == "a"
    test.ends()

    assert [made.goes("POST"), made.goes()] == ["a", "a"]
    assert made.balancer.memory.news[-1] == OriginRestored(
        load_balancer="*", pool="first", origin="a"
    )


def test_a_slow_page_among_fast_ones_empties_no_origin() -> None:
    """An origin that answers other requests is not silent, however many wait for a slow page."""
    made = scene()
    pages = [made.send() for _ in range(10)]
    for _ in range(50):
        made.now += QUIET_AFTER
        made.answers(0.01)
        assert made.goes("POST") == "a"
    for page in pages:
        assert page.at == "a"


def test_where_answers_are_slow_silence_takes_longer() -> None:
    """The suspicious wait is twice the slowest recent answer, which fades with faster ones."""
    made = scene()
    made.answers(3.0)
    for _ in range(3):
        made.send()
    made.now += SLOWEST_FACTOR * 3.0 - 0.01
    assert made.goes("POST") == "a"

    made = scene()
    made.answers(3.0)
    for _ in range(100):
        made.answers(0.01)
    for _ in range(3):
        made.send()
    made.now += QUIET_AFTER
    assert made.goes("POST") == "b"


def test_a_single_request_may_wait_ten_times_as_long() -> None:
    """A single waiting request is enough after ten times the wait."""
    made = scene()
    made.send()
    made.now += LONE_FACTOR * 0.39
    assert made.goes("POST") == "a"

    made = scene()
    made.send()
    made.now += LONE_FACTOR * QUIET_AFTER
    assert made.goes("POST") == "b"


def test_failures_that_come_at_once_are_no_silence() -> None:
    """Refused connections are no silence; time-outs are."""
    made = scene(consecutive_failures=100)
    for outcome, where in ((REFUSED, "a"), (TIMED_OUT, "b")):
        sent = [made.send() for _ in range(3)]
        made.now += QUIET_AFTER
        for one in sent:
            one.ends(outcome).ends()
        assert made.goes("POST") == where


def test_an_upload_under_way_says_nothing() -> None:
    """A slow upload may be the client's fault."""
    made = scene()
    for _ in range(3):
        assert made.send("POST", body=True).at == "a"
    made.now += 100 * QUIET_AFTER
    assert made.goes("POST") == "a"


def test_within_a_pool_too() -> None:
    """Origins of the same pool stand in for each other."""
    made = Scene(balancer_of(*ACTIVE))
    home = made.goes()
    for _ in range(3):
        made.send()
    made.now += QUIET_AFTER
    assert {made.goes("POST"), home} == {"a", "b"}


def test_when_all_are_quiet_the_order_is_what_it_was() -> None:
    """A request has an origin even if all are silent."""
    made = hanging()
    made.send()
    for _ in range(3):
        assert made.send().at == "b"
    made.now += QUIET_AFTER
    assert made.send().at == "b"
    assert [made.goes("POST"), made.goes("POST")] == ["a", "a"]


@pytest.mark.parametrize("ejection", [{"quiet_after": 0}, {"base_time": 0}])
def test_it_can_be_turned_off(ejection: dict[str, float]) -> None:
    """quiet_after = 0 turns it off, and so does base_time = 0."""
    made = scene(**ejection)
    for _ in range(3):
        made.send()
    made.now += 100
    assert made.goes("POST") == "a"


def test_a_session_stays_where_it_is() -> None:
    """A session stays until one of its requests fails: another origin may not know it."""
    lb = balancer_of(*PASSIVE, session_affinity=SessionAffinity.COOKIE)
    made = Scene(lb)
    affinity = made.balancer.servings[0].affinity
    assert affinity is not None
    cookie = affinity.cookie(PASSIVE[0].origins[0], https=True)
    assert cookie is not None
    pin = cookie.partition(";")[0]
    for _ in range(3):
        made.send(cookie=pin)
    made.now += QUIET_AFTER

    assert made.send("POST", cookie=pin).at == "a"
    assert made.send("POST").at == "b"


def test_silence_that_nobody_asked_about_is_forgotten() -> None:
    """Clients that disconnected last night prove nothing in the morning."""
    made = hanging()
    made.now += SILENCE_FORGOTTEN_AFTER
    made.goes("POST")
    made.now += 5.1
    made.goes()
    assert made.goes("POST") == "a"


def test_after_an_ejection_an_origin_is_tested_first() -> None:
    """In a long outage, a POST was lost each time that an ejection ended."""
    made = scene(base_time=30)
    made.send().ends(REFUSED).ends()
    made.now += 30

    assert made.goes("POST") == "b"
    test = made.send()
    assert [test.at, made.goes("POST"), made.goes()] == ["a", "b", "b"]
    test.ends()
    assert made.goes("POST") == "a"


def test_a_test_that_fails_ejects_again() -> None:
    """A failed test ejects again, and its request is sent again elsewhere."""
    made = scene(base_time=30, max_time=30)
    made.send().ends(REFUSED).ends()
    made.now += 30
    tested = made.send().ends(REFUSED)
    assert tested.at == "b"
    tested.ends()
    assert made.goes() == "b"
    made.now += 30
    assert [made.goes("POST"), made.send().at] == ["b", "a"]


def test_where_nothing_can_be_sent_again_something_else_is_the_test() -> None:
    """With POSTs alone, one of them becomes the test after some seconds."""
    made = scene(base_time=30)
    made.send().ends(REFUSED).ends()
    made.now += 30 + UNSAFE_TEST_AFTER - 0.1
    assert made.goes("POST") == "b"
    made.now += 0.1
    assert [made.goes("POST"), made.goes("POST")] == ["a", "a"]


def test_what_cut_answers_off_is_not_trusted_at_their_beginning() -> None:
    """The first answer after the ejection began well, and POSTs were cut off too."""
    made = scene(base_time=30)
    memory, lb = made.balancer.memory, made.balancer.servings[0].lb
    memory.cut_off(lb, PASSIVE[0].origins[0], made.now, certain=True)
    made.now += 30

    assert [made.goes(), made.goes("POST")] == ["a", "b"]
    made.now += 1.0
    assert made.goes("POST") == "a"


def test_retry_non_idempotent_makes_any_request_a_test() -> None:
    """With retry_non_idempotent, a POST may test."""
    lb = balancer_of(*PASSIVE, failover=Failover(retry_non_idempotent=True))
    made = Scene(lb)
    made.send().ends(REFUSED).ends()
    made.now += 30
    assert made.goes("POST") == "a"


def test_an_origin_that_nothing_was_sent_to_is_trusted() -> None:
    """Suspicion is based on requests alone."""
    suspects = Suspects([])
    suspects.suspect(("p", "a"), 1.0)
    suspects.trust(("p", "a"), 2.0)
    assert suspects.treatment(Ejection(), PASSIVE[0].origins[0], lambda: True) is None


def test_the_last_origin_may_fail_while_a_better_one_is_down_by_its_monitor() -> None:
    """With origins restarted in turn, POSTs went on to the one that was down."""
    web = monitor()
    pools = (pool("first", "a", monitor=web), pool("second", "b", monitor=web))
    made = Scene(balancer_of(*pools))
    a = pools[0].origins[0]
    made.balancer.memory.observe(a, web, Verdict(passed=False, cause="refused"), made.now)
    assert made.goes("POST") == "b"

    made.send().ends(REFUSED).ends()

    assert [made.goes("POST"), made.goes("POST")] == ["a", "a"]
    made.now += TEST_INTERVAL
    assert [made.goes(), made.goes("POST")] == ["b", "b"]


def test_the_last_origin_goes_on_being_tried_where_nothing_is_better() -> None:
    """The last origin is suspected, but one that has not answered well is no better."""
    made = scene()
    made.send("POST").ends(REFUSED)
    assert made.goes("POST", REFUSED) == "b"
    assert [made.goes("POST", REFUSED), made.goes("POST", REFUSED)] == ["a", "a"]


def test_an_origin_that_no_request_went_to_is_not_tested() -> None:
    """A test was counted when a plan looked at an origin that it might not use.

    Without failover_across_pools, the origin of another pool is passed over. It waited for the next
    test although nothing had been sent to it.
    """
    routing = AdaptiveRouting(failover_across_pools=False)
    made = Scene(balancer_of(*PASSIVE, adaptive_routing=routing, ejection=Ejection()))
    other, suspects = PASSIVE[1].origins[0], made.balancer.memory.suspects
    suspects.sent(other.key, made.now)
    suspects.answered(other.key, 0.0, made.now, well=True)
    suspects.suspect(other.key, made.now)

    assert made.goes(outcome=REFUSED) == "a"

    assert suspects.treatment(Ejection(), other, lambda: True) is Treatment.TEST
    suspects.tested(balancer_of(*PASSIVE), other, made.now)
    assert suspects.treatment(Ejection(), other, lambda: True) is Treatment.AVOID
