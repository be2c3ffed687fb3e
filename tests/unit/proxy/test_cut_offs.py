"""Truncated answers: which are watched, and when they eject their origin."""

from __future__ import annotations

import pytest

from lb.health.cut_paths import CUTS_COUNT_FOR
from lb.health.ejection import CUT_OFF
from lb.health.quiet import UNSAFE_TEST_AFTER
from lb.log_events import AnswerCut, Event, LastOriginKept, OriginEjected
from lb.model import Ejection, Origin, Pool
from lb.proxy.balancer import Balancer
from lb.proxy.cut_offs import (
    QUIET_SAMPLE_SECONDS,
    SAMPLE_ORIGINS,
    UNKNOWN_LENGTH,
    WATCHED_FROM,
    WATCHED_TO,
    CutOffs,
    makes_a_difference,
    promised,
)
from lb.proxy.plan import Plan
from lb.proxy.steps import Attempt
from lb.request.outcomes import Evidence, Judgement
from lb.selection.candidates import Why
from support.make import balancer_of, config_of, facts, pool, record

PRIMARY, REPLICA = pool("primary", "a"), pool("replica", "b")
ONE, TWO = PRIMARY.origins[0], REPLICA.origins[0]
BASE = "https://service.example.com/"


class Ground:
    """An isolate without a runtime."""

    def __init__(self, **ejection: float) -> None:
        self.lb = balancer_of(PRIMARY, REPLICA, ejection=Ejection(**ejection))  # type: ignore[arg-type] # its own fields
        self.now = 1000.0
        self.log: list[Event] = []
        self.balancer = Balancer(config_of(self.lb))
        self.endings = CutOffs([self.lb], self.balancer.memory, lambda: self.now, self.log.append)

    def run(self, marks: str) -> list[int]:
        """Let answers end whole (+) or cut off (-); return which of them ejected."""
        ejecting = []
        for number, mark in enumerate(marks, 1):
            before = len(self.log)
            memory = self.balancer.memory
            record(
                memory,
                self.lb,
                ONE,
                Judgement(failed=False, evidence=Evidence.GOOD),
                self.now - 1,
                self.now,
            )
            self.ends(ONE, f"/{number}", whole=mark == "+")
            if any(isinstance(event, OriginEjected) for event in self.log[before:]):
                ejecting.append(number)
        return ejecting

    def ends(self, origin: Origin, path: str = "/", *, whole: bool) -> None:
        """Let a watched answer end."""
        self.endings.ended(self.lb, origin, path, whole=whole)

    def goes(self, method: str = "GET", wait: float = 0.0) -> str:
        """Return the name of the origin that a new request goes to."""
        self.now += wait
        step = self.plan(method).start()
        assert isinstance(step, Attempt)
        suspects = self.balancer.memory.suspects
        suspects.sent(step.origin.key, self.now)
        suspects.answered(step.origin.key, 0.01, self.now, well=True)
        if step.why is Why.TEST:
            suspects.tested(self.lb, step.origin, self.now)
        return step.origin.name

    def length(
        self, length: int, origin: Origin = ONE, url: str = BASE, wait: float = 0.0
    ) -> int | None:
        """Return what is watched of a body of this length; None = nothing."""
        self.now += wait
        headers = {"content-length": str(length)}
        plan = self.plan(url=url)
        return self.endings.length_to_watch(
            plan, origin, lambda name: headers.get(name, ""), self.now
        )

    def plan(
        self, method: str = "GET", url: str = BASE, *, body: bool = False, **headers: str
    ) -> Plan:
        """Return the plan of a request."""
        _, plan = self.balancer.plan(
            facts(method, url, body=body, cf=None, **headers), self.now, lambda: 0.0
        )
        assert isinstance(plan, Plan)
        return plan


@pytest.mark.parametrize(
    ("headers", "length"),
    [
        ({"content-length": str(WATCHED_FROM)}, WATCHED_FROM),
        ({"content-length": str(WATCHED_TO)}, WATCHED_TO),
        ({"content-length": str(WATCHED_TO + 1)}, None),
        ({"content-length": "100000000"}, None),
        ({"content-length": "1"}, 1),
        ({"content-length": "0"}, None),
        ({"content-length": "nonsense"}, None),
        ({"content-length": "9" * 40}, None),
        ({}, UNKNOWN_LENGTH),
        ({"content-type": "text/html"}, UNKNOWN_LENGTH),
        ({"content-type": "Text/Event-Stream; charset=utf-8"}, None),
    ],
)
def test_what_is_worth_watching(headers: dict[str, str], length: int | None) -> None:
    """Bodies of some lengths, and of unknown length, are watched; event streams are not."""
    assert promised(lambda name: headers.get(name, "")) == length


@pytest.mark.parametrize(
    ("ejection", "pools", "watched"),
    [
        (Ejection(), (PRIMARY, REPLICA), True),
        (Ejection(), (pool("both", "a", "b"),), True),
        (Ejection(), (PRIMARY,), False),
        (Ejection(base_time=0), (PRIMARY, REPLICA), False),
    ],
)
def test_nothing_is_watched_that_has_no_consequences(
    ejection: Ejection, pools: tuple[Pool, ...], watched: bool
) -> None:
    """No body is watched with a single origin, or without base_time."""
    assert makes_a_difference(balancer_of(*pools, ejection=ejection)) is watched


def test_a_body_that_the_client_still_sends_is_not_watched_beside() -> None:
    """Answers are not watched during a streamed upload, which the client may break off."""
    ground = Ground()

    def length(plan: Plan) -> int | None:
        return ground.endings.length_to_watch(plan, ONE, lambda _: "", ground.now)

    assert length(ground.plan()) == UNKNOWN_LENGTH
    assert length(ground.plan("POST", body=True, content_length="10")) == UNKNOWN_LENGTH
    assert length(ground.plan("POST", body=True, content_length="100000000")) is None
    assert length(ground.plan("POST", body=True)) is None


@pytest.mark.parametrize(
    ("failures", "marks", "ejecting"),
    [
        (1, "-", []),
        (1, "--", [2]),
        (1, "+--", [3]),
        (1, "-+-", []),
        (1, "-+-+--", [6]),
        (2, "--", []),
        (2, "---", [3]),
        (3, "----", [4]),
        (1, "------", [2]),
    ],
)
def test_so_many_in_a_row_eject(failures: int, marks: str, ejecting: list[int]) -> None:
    """One cut path more than consecutive_failures ejects, and one outage ejects once."""
    assert Ground(consecutive_failures=failures).run(marks) == ejecting


def test_an_ejection_by_cut_answers_ends_like_any_other() -> None:
    """The origin returns after base_time, and a test that is cut off ejects it again."""
    ground = Ground(base_time=30)
    ground.run("---")
    memory = ground.balancer.memory

    assert memory.snapshot(ground.now + 29.9).view(PRIMARY).origins == ()
    assert memory.snapshot(ground.now + 30).view(PRIMARY).origins == (ONE,)
    ground.now += 31
    assert ground.run("-") == [1]


def test_what_is_told() -> None:
    """Each cut is logged and reported; the ejection names its cause."""
    ground = Ground()
    ground.run("--")

    assert ground.log[0] == AnswerCut(load_balancer="*", pool="primary", origin="a")
    assert isinstance(ground.log[-1], OriginEjected)
    assert ground.log[-1].cause == CUT_OFF
    reports = ground.balancer.memory.take_reports()
    assert {(one.pool, one.origin, one.cause) for one in reports} == {("primary", "a", CUT_OFF)}
    assert len(reports) == 2


def test_the_last_origin_stays() -> None:
    """The last available origin is not ejected: a truncated answer is better than none."""
    ground = Ground()
    for path in ("/x", "/y"):
        ground.ends(TWO, path, whole=False)
    ground.run("--")

    assert isinstance(ground.log[-1], LastOriginKept)


def test_a_path_that_is_cut_everywhere_costs_no_origin_its_place() -> None:
    """One URL that both origins cut off ejected the first of them for 30 s."""
    ground = Ground()
    for _ in range(5):
        ground.ends(ONE, "/x", whole=False)
        ground.ends(TWO, "/x", whole=False)
        assert [ground.goes("POST"), ground.goes()] == ["a", "a"]
    assert {type(event) for event in ground.log} == {AnswerCut}
    assert len(ground.balancer.memory.take_reports()) == 1


def test_a_first_cut_makes_an_origin_suspected() -> None:
    """New requests prefer other origins, but for one test a second, until an answer is whole."""
    ground = Ground()
    ground.goes()
    ground.ends(ONE, "/x", whole=False)

    assert [ground.goes("POST"), ground.goes(), ground.goes(), ground.goes("POST")] == list("babb")
    assert [ground.goes("GET", wait=1.0), ground.goes()] == ["a", "b"]
    ground.ends(ONE, "/y", whole=True)
    assert [ground.goes("POST"), ground.goes()] == ["a", "a"]


def test_the_beginning_of_an_answer_ends_no_suspicion() -> None:
    """An origin that cut off all answers of one path was trusted after each test."""
    ground = Ground()
    ground.goes()
    ground.ends(ONE, "/x", whole=False)
    memory = ground.balancer.memory
    memory.succeeded(ground.lb, ONE, ground.now, ground.now)

    assert ground.goes("POST", wait=5.0) == "b"


def test_a_suspicion_ends_by_itself() -> None:
    """Where no watched answer follows, a single cut is forgotten after a minute."""
    ground = Ground()
    ground.goes()
    ground.ends(ONE, "/x", whole=False)
    assert ground.goes("POST", wait=UNSAFE_TEST_AFTER - 1) == "b"
    ground.now += CUTS_COUNT_FOR - UNSAFE_TEST_AFTER
    assert [ground.goes("POST"), ground.goes("POST")] == ["a", "b"]
    assert [ground.goes("POST", wait=1.0), ground.goes("POST")] == ["a", "a"]


def test_a_whole_answer_of_before_ends_no_ejection() -> None:
    """An answer that began before the ejection does not make its origin trusted afterwards."""
    ground = Ground(base_time=30)
    ground.goes()
    ground.run("--")
    ground.ends(ONE, "/z", whole=True)
    assert ground.goes("POST", wait=30.0) == "b"


def test_short_bodies_are_sampled() -> None:
    """An origin that cut off all bodies of 1 KB lost 480 of 480 requests unnoticed."""
    ground = Ground()
    assert [ground.length(1024), ground.length(1024)] == [1024, None]
    assert ground.length(1024, TWO) == 1024
    assert ground.length(1024, wait=0.9 * QUIET_SAMPLE_SECONDS) is None
    assert ground.length(1024, wait=0.2 * QUIET_SAMPLE_SECONDS) == 1024
    assert ground.length(WATCHED_FROM - 1) is None
    assert [ground.length(WATCHED_FROM) for _ in range(3)] == [WATCHED_FROM] * 3


@pytest.mark.parametrize(("rate", "watched"), [(10, 10), (50, 17), (2000, 10), (10_000, 10)])
def test_more_requests_are_no_more_samples(rate: int, watched: int) -> None:
    """The price per second is bounded, and few requests are lost where there are few."""
    ground = Ground()
    for _ in range(rate):  # of the second before
        ground.length(1024, wait=1 / rate)
    found = [ground.length(1024, wait=1 / rate) for _ in range(rate)]
    assert abs(sum(map(bool, found)) - watched) <= 1


def test_the_sample_does_not_grow_with_the_origins() -> None:
    """Of many origins, only a few are watched at a time."""
    many = pool("many", *(f"o{number}" for number in range(100)))
    ground = Ground()
    watched = [ground.length(1024, origin) for origin in many.origins]
    assert [*map(bool, watched)] == [True] * SAMPLE_ORIGINS + [False] * (100 - SAMPLE_ORIGINS)


def test_a_clock_that_is_set_back_stops_no_sample() -> None:
    """A sample ends when the clock is before its beginning, too."""
    ground = Ground()
    assert ground.length(1024) == 1024
    assert ground.length(1024, wait=-3600.0) == 1024


def test_after_a_cut_every_body_of_the_origin_is_watched() -> None:
    """So are those of the same path at other origins, which tell who is to blame."""
    ground = Ground()
    ground.length(10)
    ground.length(10, TWO)
    ground.ends(ONE, "/x", whole=False)

    assert [ground.length(10), ground.length(10)] == [10, 10]
    assert ground.length(10, TWO, BASE + "x?query") == 10
    assert ground.length(10, TWO, BASE + "y") is None
    ground.ends(ONE, "/y", whole=True)
    assert ground.length(10) is None


def test_whole_answers_are_reported_only_after_a_cut() -> None:
    """Whole answers are reported only where a recent cut makes them matter, to save CPU time."""
    ground = Ground(consecutive_failures=2)
    assert not ground.endings.concerns(ground.lb, ONE, "/x", ground.now)
    ground.ends(ONE, "/x", whole=False)
    assert ground.endings.concerns(ground.lb, ONE, "/y", ground.now)
    assert ground.endings.concerns(ground.lb, TWO, "/x", ground.now)
    assert not ground.endings.concerns(ground.lb, TWO, "/y", ground.now)
    ground.ends(ONE, "/y", whole=True)
    assert not ground.endings.concerns(ground.lb, ONE, "/y", ground.now)
