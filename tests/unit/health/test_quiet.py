"""Doubted origins, quiet or back from an ejection, and the requests that are sent there."""

from __future__ import annotations

import pytest

from lb.health.quiet import (
    ALONE,
    FORGOTTEN_AFTER,
    TESTED_EVERY,
    TIMES_SLOWEST,
    UNSAFE_AFTER,
    Doubt,
    Doubts,
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
from lb.proxy.plan import Attempt, Plan
from lb.proxy.run import Exchange
from lb.request.outcomes import Answered, Cause, Failed, Outcome
from support.make import balancer_of, config_of, facts, monitor, pool

PASSIVE = (pool("first", "a"), pool("second", "b"))
ACTIVE = (pool("p", "a", "b", origin_steering=OriginSteeringPolicy.HASH),)
FINE = Answered(200, lambda _: "", None)
TIMED_OUT = Failed(Cause.TIMEOUT)
REFUSED = Failed(Cause.CONNECTION)
QUIET_AFTER = 0.5
"""A little more than the default of 0.4."""


class Sent:
    """One request."""

    def __init__(self, scene: Scene, exchange: Exchange) -> None:
        self._scene, self._exchange = scene, exchange
        self._step = exchange.start()

    @property
    def at(self) -> str:
        """The origin of the attempt under way."""
        assert isinstance(self._step, Attempt)
        return self._step.origin.name

    def ends(self, outcome: Outcome = FINE) -> Sent:
        """End the attempt under way with this outcome."""
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
        """Send a request that is answered after so many seconds."""
        sent = self.send()
        self.now += seconds
        sent.ends()

    def goes(self, method: str = "GET", outcome: Outcome = FINE) -> str:
        """Send a request that ends at once; return its first origin."""
        sent = self.send(method)
        found = sent.at
        sent.ends(outcome)
        return found


def scene(**ejection: float) -> Scene:
    """Return a scene in which origin a has answered well so far."""
    made = Scene(balancer_of(*PASSIVE, ejection=Ejection(**ejection)))  # type: ignore[arg-type] # whole numbers are given where they are due
    made.answers()
    return made


def hanging(**options: float) -> Scene:
    """Return a scene in which origin a has just gone quiet."""
    made = scene(**options)
    for _ in range(3):
        assert made.send().at == "a"
    made.now += QUIET_AFTER
    return made


def test_a_quiet_origin_is_avoided_before_any_time_out() -> None:
    """Every POST went to the origin that hung until the first time-out."""
    made = hanging()

    assert made.goes("POST") == "b"
    (told,) = made.balancer.memory.news
    assert told == OriginQuiet(load_balancer="*", pool="first", origin="a", seconds=QUIET_AFTER)
    assert made.goes("POST") == "b"
    assert len(made.balancer.memory.news) == 1


def test_requests_that_wait_no_longer_than_usual_say_nothing() -> None:
    """Shorter waits than quiet_after, or fewer than three requests, change nothing."""
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
    """One repeatable request a second is a test; its answer brings all traffic back."""
    made = hanging()
    assert [made.send().at, made.goes(), made.goes("POST")] == ["a", "b", "b"]
    made.now += TESTED_EVERY
    assert [made.goes("POST"), made.send().at, made.goes()] == ["b", "a", "b"]
    made.now += TESTED_EVERY

    test = made.send()
    assert test.at == "a"
    test.ends()

    assert [made.goes("POST"), made.goes()] == ["a", "a"]
    assert made.balancer.memory.news[-1] == OriginRestored(
        load_balancer="*", pool="first", origin="a"
    )


def test_a_slow_page_among_fast_ones_empties_no_origin() -> None:
    """Waiting requests do not count once the origin has answered later ones."""
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
    made.now += TIMES_SLOWEST * 3.0 - 0.01
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
    """With little traffic, one request is evidence after ten times the wait."""
    made = scene()
    made.send()
    made.now += ALONE * 0.39
    assert made.goes("POST") == "a"

    made = scene()
    made.send()
    made.now += ALONE * QUIET_AFTER
    assert made.goes("POST") == "b"


def test_failures_that_come_at_once_are_no_silence() -> None:
    """A refused connection is left to ejection; a time-out is silence."""
    made = scene(consecutive_failures=100)
    for outcome, where in ((REFUSED, "a"), (TIMED_OUT, "b")):
        sent = [made.send() for _ in range(3)]
        made.now += QUIET_AFTER
        for one in sent:
            one.ends(outcome).ends()
        assert made.goes("POST") == where


def test_an_upload_under_way_says_nothing() -> None:
    """The client may be the slow side."""
    made = scene()
    for _ in range(3):
        assert made.send("POST", body=True).at == "a"
    made.now += 100 * QUIET_AFTER
    assert made.goes("POST") == "a"


def test_within_a_pool_too() -> None:
    """A quiet origin is avoided within its pool too."""
    made = Scene(balancer_of(*ACTIVE))
    home = made.goes()
    for _ in range(3):
        made.send()
    made.now += QUIET_AFTER
    assert {made.goes("POST"), home} == {"a", "b"}


def test_when_all_are_quiet_the_order_is_what_it_was() -> None:
    """When all are quiet, requests still go to one."""
    made = hanging()
    made.send()
    for _ in range(3):
        assert made.send().at == "b"
    made.now += QUIET_AFTER
    assert made.send().at == "b"
    assert [made.goes("POST"), made.goes("POST")] == ["a", "a"]


@pytest.mark.parametrize("ejection", [{"quiet_after": 0}, {"base_time": 0}])
def test_it_can_be_turned_off(ejection: dict[str, float]) -> None:
    """quiet_after = 0 and base_time = 0 both turn it off."""
    made = scene(**ejection)
    for _ in range(3):
        made.send()
    made.now += 100
    assert made.goes("POST") == "a"


def test_a_session_stays_where_it_is() -> None:
    """A session stays on a quiet origin until one of its requests fails."""
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
    """Old silence is no evidence: three clients left, and nobody has asked since."""
    made = hanging()
    made.now += FORGOTTEN_AFTER
    made.goes("POST")
    made.now += 5.1
    made.goes()
    assert made.goes("POST") == "a"


def test_after_an_ejection_an_origin_is_tested_first() -> None:
    """In a long outage, a POST was lost whenever an ejection ended."""
    made = scene(base_time=30)
    made.send().ends(REFUSED).ends()
    made.now += 30

    assert made.goes("POST") == "b"
    test = made.send()
    assert [test.at, made.goes("POST"), made.goes()] == ["a", "b", "b"]
    test.ends()
    assert made.goes("POST") == "a"


def test_a_test_that_fails_ejects_again() -> None:
    """A failed test is sent again elsewhere, and the origin is ejected again."""
    made = scene(base_time=30, max_time=30)
    made.send().ends(REFUSED).ends()
    made.now += 30
    assert made.send().ends(REFUSED).at == "b"
    assert made.goes() == "b"
    made.now += 30
    assert [made.goes("POST"), made.send().at] == ["b", "a"]


def test_where_nothing_can_be_sent_again_something_else_is_the_test() -> None:
    """An API with POST alone gets its origin back some seconds later."""
    made = scene(base_time=30)
    made.send("POST").ends(REFUSED)
    made.now += 30 + UNSAFE_AFTER - 0.1
    assert made.goes("POST") == "b"
    made.now += 0.1
    assert [made.goes("POST"), made.goes("POST")] == ["a", "a"]


def test_what_cut_answers_off_is_not_trusted_at_their_beginning() -> None:
    """The first answer after an ejection began well, and POSTs were cut off like it."""
    made = scene(base_time=30)
    memory, lb = made.balancer.memory, made.balancer.servings[0].lb
    memory.cut_off(lb, PASSIVE[0].origins[0], 1, made.now)
    made.now += 30

    assert [made.goes(), made.goes("POST")] == ["a", "b"]
    made.now += 1.0
    assert made.goes("POST") == "a"


def test_retry_non_idempotent_makes_any_request_a_test() -> None:
    """With retry_non_idempotent, a POST may be a test."""
    lb = balancer_of(*PASSIVE, failover=Failover(retry_non_idempotent=True))
    made = Scene(lb)
    made.send().ends(REFUSED).ends()
    made.now += 30
    assert made.goes("POST") == "a"


def test_an_origin_that_nothing_was_sent_to_is_trusted() -> None:
    """Without a request to it, an origin is never doubted."""
    doubts = Doubts([])
    doubts.doubt(("p", "a"), 1.0)
    doubts.trust(("p", "a"), 2.0)
    assert doubts.of(Ejection(), PASSIVE[0].origins[0], lambda: True) is None


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
    made.now += TESTED_EVERY
    assert [made.goes(), made.goes("POST")] == ["b", "b"]


def test_the_last_origin_goes_on_being_tried_where_nothing_is_better() -> None:
    """A doubted origin is used where no other has answered well."""
    made = scene()
    made.send("POST").ends(REFUSED)
    assert made.goes("POST", REFUSED) == "b"
    assert [made.goes("POST", REFUSED), made.goes("POST", REFUSED)] == ["b", "b"]


def test_an_origin_that_no_request_went_to_is_not_tested() -> None:
    """A test was counted when a plan looked at an origin that it might not use.

    Without failover_across_pools, the origin of another pool is passed over. It waited for the next
    test although nothing had been sent to it.
    """
    routing = AdaptiveRouting(failover_across_pools=False)
    made = Scene(balancer_of(*PASSIVE, adaptive_routing=routing, ejection=Ejection()))
    other, doubts = PASSIVE[1].origins[0], made.balancer.memory.doubts
    doubts.sent(other.key, made.now)
    doubts.answered(other.key, 0.0, made.now, well=True)
    doubts.doubt(other.key, made.now)

    assert made.goes(outcome=REFUSED) == "a"

    assert doubts.of(Ejection(), other, lambda: True) is Doubt.TEST
    doubts.tested(balancer_of(*PASSIVE), other, made.now)
    assert doubts.of(Ejection(), other, lambda: True) is Doubt.AVOID
