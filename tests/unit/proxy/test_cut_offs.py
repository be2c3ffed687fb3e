"""Truncated answers: which are watched, and when they eject their origin."""

from __future__ import annotations

import pytest

from lb.health.ejection import CUT_OFF
from lb.log_events import AnswerCut, Event, LastOriginKept, OriginEjected
from lb.model import Ejection, Pool
from lb.proxy.balancer import Balancer
from lb.proxy.cut_offs import (
    UNKNOWN_LENGTH,
    WATCHED_FROM,
    WATCHED_TO,
    CutOffs,
    makes_a_difference,
    promised,
)
from lb.proxy.plan import Plan
from lb.request.outcomes import Evidence, Judgement
from support.make import balancer_of, config_of, facts, pool, record

PRIMARY, REPLICA = pool("primary", "a"), pool("replica", "b")
ONE = PRIMARY.origins[0]


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
            self.endings.ended(self.lb, ONE, whole=mark == "+")
            if any(isinstance(event, OriginEjected) for event in self.log[before:]):
                ejecting.append(number)
        return ejecting

    def plan(self, method: str = "GET", *, body: bool = False, **headers: str) -> Plan:
        """Return the plan of a request."""
        _, plan = self.balancer.plan(
            facts(method, body=body, cf=None, **headers), self.now, lambda: 0.0
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
        ({"content-length": str(WATCHED_FROM - 1)}, None),
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
        return ground.endings.length_to_watch(plan, lambda _: "")

    assert length(ground.plan()) == UNKNOWN_LENGTH
    assert length(ground.plan("POST", body=True, content_length="10")) == UNKNOWN_LENGTH
    assert length(ground.plan("POST", body=True, content_length="100000000")) is None
    assert length(ground.plan("POST", body=True)) is None


@pytest.mark.parametrize(
    ("failures", "marks", "ejecting"),
    [
        (1, "-", [1]),
        (1, "+-", [2]),
        (2, "-", []),
        (2, "--", [2]),
        (2, "-+-", []),
        (2, "-+-+--", [6]),
        (3, "---", [3]),
        (1, "-----", [1]),
    ],
)
def test_so_many_in_a_row_eject(failures: int, marks: str, ejecting: list[int]) -> None:
    """consecutive_failures cuts in a row eject, and one outage ejects once."""
    assert Ground(consecutive_failures=failures).run(marks) == ejecting


def test_an_ejection_by_cut_answers_ends_like_any_other() -> None:
    """The origin returns after base_time, and cuts are counted from zero."""
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
    ground.run("-")

    assert ground.log[0] == AnswerCut(load_balancer="*", pool="primary", origin="a")
    assert isinstance(ground.log[1], OriginEjected)
    assert ground.log[1].cause == CUT_OFF
    (report,) = ground.balancer.memory.take_reports()
    assert (report.pool, report.origin, report.cause) == ("primary", "a", CUT_OFF)


def test_the_last_origin_stays() -> None:
    """The last available origin is not ejected: a truncated answer is better than none."""
    ground = Ground()
    ground.endings.ended(ground.lb, REPLICA.origins[0], whole=False)
    ground.run("-")

    assert isinstance(ground.log[-1], LastOriginKept)


def test_only_an_origin_that_cut_something_off_is_suspected() -> None:
    """Whole answers are reported for origins with a recent cut alone, to save CPU time."""
    ground = Ground(consecutive_failures=2)
    assert not ground.endings.suspects(ONE)
    ground.run("-")
    assert ground.endings.suspects(ONE)
    ground.run("+")
    assert not ground.endings.suspects(ONE)
