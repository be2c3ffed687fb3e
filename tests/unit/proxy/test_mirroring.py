"""Mirroring: which requests are copied, where to, and that copies have no consequences."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from evenkeel.check.free_plan import Resource, usage
from evenkeel.explain.explanation import explain
from lb.config import Invalid, parse
from lb.health.verdict import Verdict
from lb.log_events import MirrorFailed
from lb.model import Config, Mirror
from lb.proxy.balancer import Balancer
from lb.proxy.mirror_copy import copy_of
from lb.proxy.mirroring import LOG_INTERVAL, MARGIN, MARK, MOST_AT_ONCE
from lb.proxy.run import send_copy
from lb.proxy.steps import Attempt
from lb.request.outcomes import Answered, Cause, Failed
from lb.state.refresh import Home
from support.make import balancer_of, config_of, facts, monitor, origin, pool, scripted

if TYPE_CHECKING:
    from lb.log_events import Event
    from lb.model import Pool
    from lb.proxy.mirror_copy import Copy
    from lb.request.facts import RequestFacts
    from lb.request.outcomes import Outcome

NEXT = pool("next", "n")
FAILED = Failed(Cause.TIMEOUT)


def mirrored(to: Pool = NEXT, percent: float = 100, timeout: float = 10) -> Balancer:
    """Return a balancer that sends copies to a pool."""
    mirror = Mirror(pool=to, percent=percent, timeout=timeout)
    return Balancer(config_of(balancer_of(pool("p", "a"), mirror=mirror)))


def copy(
    balancer: Balancer, asked: RequestFacts | None = None, now: float = 0.0, chance: float = 0.0
) -> Copy | None:
    """Return the copy of a request."""
    memory, rand = balancer.memory, scripted(chance)
    return copy_of(balancer.servings[0], asked or facts(), memory, rand, now)


@dataclass
class Place:
    """A transport whose attempts have one given outcome."""

    outcome: Outcome
    sent: list[Attempt] = field(default_factory=list)
    discarded: int = 0

    async def send(self, attempt: Attempt) -> Outcome:
        self.sent.append(attempt)
        return self.outcome

    def discard(self, answer: Answered) -> None:
        del answer
        self.discarded += 1


def send(made: Copy | None, outcome: Outcome, now: float = 0.0) -> tuple[Place, list[Event]]:
    """Send a copy; return the transport, and the log events."""
    assert made is not None
    log: list[Event] = []
    place = Place(outcome)
    asyncio.run(send_copy(made, place, lambda: now, log.append))
    return place, log


def answered(status: int = 200) -> Answered:
    """Return an answer."""
    return Answered(status, lambda name: "", object())  # noqa: ARG005


@pytest.mark.parametrize(
    ("asked", "may"),
    [
        (facts(), True),
        (facts("HEAD"), False),
        (facts("POST", body=True), False),
        (facts("GET", body=True), False),
        (facts(upgrade="websocket"), False),
        (facts(x_evenkeel_mirror="1"), False),
    ],
)
def test_only_plain_gets_are_copied_and_no_copies(asked: RequestFacts, may: bool) -> None:
    """A request with an effect is not sent twice, and a copy is not copied."""
    assert (copy(mirrored(), asked) is not None) is may


def test_the_percentage_decides_by_chance() -> None:
    """0 copies no request, 100 copies all."""
    assert copy(mirrored(percent=25), chance=0.24) is not None
    assert copy(mirrored(percent=25), chance=0.25) is None
    assert copy(mirrored(percent=0), chance=0.0) is None
    assert copy(mirrored(percent=100), chance=0.999) is not None
    assert copy(Balancer(config_of(balancer_of(NEXT)))) is None


def test_a_copy_goes_to_an_origin_that_can_take_traffic() -> None:
    """The pool's weights decide; no copy is made if the pool is down or its origins are full."""
    made = mirrored(pool("next", "n", "m"))
    place, _ = send(copy(made, chance=0.9), answered())
    assert place.sent[0].origin.pool == "next"

    watching = monitor()
    made = mirrored(pool("next", "n", monitor=watching))
    down = Verdict(passed=False, cause="down")
    made.memory.observe(origin("n", "next"), watching, down, 0.0)
    assert copy(made) is None

    made = mirrored(pool("next", origin("n", "next", max_requests=1)))
    first = copy(made)
    assert first is not None
    assert copy(made) is None
    send(first, answered())
    assert copy(made) is not None


def test_a_copy_is_marked_and_told_what_others_are_told() -> None:
    """A copy has the headers of any request and a mark; loops are detected."""
    serving = mirrored().servings[0]
    assert serving.mirroring is not None
    edits = serving.mirroring.forwarding.request(NEXT.origins[0], facts(cf_connecting_ip="1.2.3.4"))
    plain = serving.forwarding.request(NEXT.origins[0], facts(cf_connecting_ip="1.2.3.4"))

    assert edits.set == plain.set
    assert edits.fixed.set == (*plain.fixed.set, (MARK, "1"))
    via = dict(edits.fixed.set)["x-evenkeel-via"]
    assert serving.forwarding.loops(facts(x_evenkeel_via=via))


def test_only_so_many_copies_are_under_way_at_once() -> None:
    """A copy that never ends is forgotten some time after its time-out."""
    made = mirrored(timeout=10)
    copies = [copy(made) for _ in range(MOST_AT_ONCE)]
    assert copy(made) is None

    send(copies[0], answered())
    assert copy(made) is not None
    assert copy(made, now=9.0 + MARGIN) is None
    assert copy(made, now=10.0 + MARGIN) is not None


def test_an_answer_to_a_copy_is_thrown_away() -> None:
    """The answer is discarded, and the copy has a time-out of its own."""
    made = mirrored(timeout=3)
    place, log = send(copy(made), answered())

    assert (place.discarded, log) == (1, [])
    assert (place.sent[0].timeout, made.memory.in_flight.outstanding(("next", "n"))) == (3, 0)


def test_a_copy_that_fails_counts_for_nothing() -> None:
    """A failed copy ejects nothing; failures are counted, and logged once in a while."""
    made = mirrored()
    told = [event for _ in range(3) for event in send(copy(made), FAILED)[1]]
    told += send(copy(made, now=LOG_INTERVAL), answered(503), LOG_INTERVAL)[1]

    assert told == [
        MirrorFailed(
            load_balancer="*", pool="next", origin="n", cause="no answer in time", failures=1
        ),
        MirrorFailed(load_balancer="*", pool="next", origin="n", cause="status 503", failures=3),
    ]
    assert not made.memory.reports
    assert copy(made, now=LOG_INTERVAL) is not None


def test_the_pool_of_copies_is_probed() -> None:
    """The mirror's pool is probed although it serves no clients."""
    watching = monitor()
    due = mirrored(pool("next", "n", monitor=watching)).memory.due(0.0)

    assert [(one.name, watch.name) for one, watch in due] == [("n", "m")]


def test_a_copy_is_one_more_subrequest() -> None:
    """The free-plan budget includes copies."""
    one = pool("p", "a")
    without, with_copies = (
        config_of(balancer_of(one, mirror=mirror))
        for mirror in (None, Mirror(pool=NEXT, percent=1))
    )
    most = [
        next(
            use.used for use in usage(config, Home.MEMORY) if use.resource is Resource.OF_A_REQUEST
        )
        for config in (without, with_copies)
    ]
    assert most[1] == most[0] + 1


def test_explain_tells_of_the_pool_of_copies() -> None:
    """`explain` names the mirror's pool, and requests that are not copied."""
    made = mirrored(percent=12.5)
    steps = {step.about: step for step in explain(made, facts(), 0.0).steps}
    assert (steps["mirror"].found, "12.5 %" in steps["mirror"].why) == ("next", True)

    steps = {step.about: step for step in explain(made, facts("POST"), 0.0).steps}
    assert steps["mirror"].why.startswith("not of this one")


def document(**mirror: object) -> Config | Invalid:
    """Return the configuration with this mirror."""
    origins = [{"name": "a", "address": "a.example.com"}]
    return parse(
        {
            "pools": [{"name": name, "origins": origins} for name in ("p", "next")],
            "load_balancers": [
                {"name": "*", "default_pools": ["p"], "fallback_pool": "p", "mirror": mirror}
            ],
        }
    )


def test_a_mirror_is_configured_by_pool_and_percentage() -> None:
    """The pool must not serve clients; all problems are reported at once."""
    fine = document(pool="next", percent=10)
    assert isinstance(fine, Config)
    mirror = fine.load_balancers[0].mirror
    assert mirror is not None
    assert (mirror.pool.name, mirror.percent, mirror.timeout) == ("next", 10, 10)

    at = "$.load_balancers[0].mirror"
    for wrong, problems in (
        (document(pool="p", percent=10), ['"p" serves this load balancer: a mirror needs another']),
        (document(pool="nex", percent=10), ['there is no pool named "nex"']),
        (document(percent=101), ["missing: this key must be", "must be from 0 to 100, not 101"]),
    ):
        assert isinstance(wrong, Invalid)
        found = sorted(map(str, wrong.problems))
        assert len(found) == len(problems)
        for each, start in zip(found, problems, strict=True):
            assert each.startswith(start)
        assert all(at in each for each in found)
