"""Slow start: the returns of an origin that begin it, in every isolate, and those that do not."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest

from lb.health.slow_start import BACK_SINCE, in_service
from lb.health.snapshot import Standing
from lb.health.verdict import Verdict
from lb.model import Config, Ejection, Monitor, Origin, Pool, Window
from lb.request.outcomes import Evidence, Judgement
from lb.state.memory import Memory
from lb.state.shared_view import from_json, to_json
from support.make import balancer_of, config_of, monitor, origin, pool, record
from support.state import START, World

SLOW = 100.0
FULL, SLOWLY = (1.0, 1.0), (0.1, 1.0)
FAILED = Judgement(failed=True, cause="connection failed", evidence=Evidence.CONNECTION)
FINE = Judgement(failed=False, evidence=Evidence.GOOD)


def config(of: Pool) -> Config:
    """Return a pool with slow start, with a spare pool behind it."""
    ejection = Ejection(base_time=30, slow_start=SLOW)
    return config_of(balancer_of(of, pool("spare", "z"), ejection=ejection))


def weights(memory: Memory, now: float) -> tuple[float, ...]:
    """Return the weights of the origins of `p` that take traffic."""
    return memory.snapshot(now).view(next(iter(memory._pools.values()))).weights


def isolate(world: World) -> Memory:
    """Return a new isolate that has pulled the object's view."""
    memory = Memory(world.config)
    memory.adopt(world.view(), world.now)
    return memory


class Way(NamedTuple):
    """A change of the configuration that brings `a` back."""

    came_from: Standing | None
    before: Pool
    after: Pool = pool("p", "a", "b")


IN_MAINTENANCE = (Window(start=START - 50, end=START + 5000),)

WAYS = {
    "enabled": Way(Standing.DISABLED, pool("p", origin("a", enabled=False), "b")),
    "taken back while it drained": Way(
        Standing.DRAINING, pool("p", origin("a", enabled=False, disabled_at=START - 5), "b")
    ),
    "given a weight again": Way(Standing.NO_WEIGHT, pool("p", origin("a", weight=0.0), "b")),
    "maintenance called off": Way(
        Standing.MAINTENANCE, pool("p", origin("a", maintenance=IN_MAINTENANCE), "b")
    ),
    "added": Way(None, pool("p", "b", "c"), pool("p", "a", "b", "c")),
    "moved to another address": Way(
        None, pool("p", origin("a", url="https://old.example.com"), "b")
    ),
    "put into the pool again": Way(None, pool("p", "b", "c"), pool("p", "a", "b")),
}


@pytest.mark.parametrize("watching", [None, monitor(interval=30)], ids=["unmonitored", "monitored"])
@pytest.mark.parametrize("evicted", [False, True], ids=["", "evicted"])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_an_origin_that_the_configuration_brings_back_starts_slowly(
    way: Way, evicted: bool, watching: Monitor | None
) -> None:
    """An enabled origin had its full share at once: 77 of 157 requests in its first two seconds.

    Every isolate, new ones too, counts from the time at which the object got the configuration.
    """
    world = World(config(replace(way.before, monitor=watching)))
    world.run_until(60)

    world.evict(config(replace(way.after, monitor=watching)))
    world.run_until(70)
    first = isolate(world)
    if evicted:
        world.evict()
    world.run_until(120)

    names = [one.name for one in way.after.origins]
    slowly = tuple(0.1 if name == "a" else 1.0 for name in names)
    assert weights(first, START + 70) == slowly
    for memory in (first, isolate(world)):
        assert weights(memory, START + 120)[names.index("a")] == pytest.approx(0.5, abs=0.11)
        assert weights(memory, START + 175) == (1.0,) * len(names)
    assert isolate(world).snapshot(START + 175).valid_until > START + 200


def test_every_standing_says_whether_an_origin_that_leaves_it_starts_slowly() -> None:
    """The table is total over the standings, and None, an origin that was not there."""
    assert set(BACK_SINCE) == {*Standing, None}
    assert {way.came_from for way in WAYS.values()} | {
        Standing.UNHEALTHY,  # by probes, below
        Standing.EJECTED,
        Standing.AVAILABLE,
    } == set(BACK_SINCE)


def test_an_isolate_that_serves_on_gives_the_share_of_a_new_one() -> None:
    """The view comes with the configuration, so the isolate that was there agrees with new ones."""
    before = config(pool("p", origin("a", enabled=False), "b"))
    world = World(before)
    old = isolate(world)

    world.now = START + 60
    world.evict(config(pool("p", "a", "b")))
    old = Memory(world.config, old)
    old.adopt(world.view(), world.now)

    shares = [weights(old, START + second) for second in (60, 85, 135, 160)]
    assert shares == [SLOWLY, (0.2, 1.0), (0.7, 1.0), FULL]
    assert shares == [weights(isolate(world), START + second) for second in (60, 85, 135, 160)]


def test_a_pool_that_is_enabled_has_its_full_shares() -> None:
    """All of its origins begin together, so none is spared; slow start works within a pool."""
    world = World(config(pool("p", "a", "b", enabled=False)))
    world.run_until(60)

    world.evict(config(pool("p", "a", "b")))
    world.run_until(61)

    assert weights(isolate(world), START + 61) == FULL


def test_an_origin_that_returns_into_an_empty_pool_waits_for_nobody() -> None:
    """The first one back has all of the pool; the second one starts slowly beside it."""
    off = origin("a", enabled=False)
    world = World(config(pool("p", off, origin("b", enabled=False))))
    world.run_until(60)

    world.evict(config(pool("p", off, "b")))
    world.run_until(80)
    assert weights(isolate(world), START + 80) == (1.0,)

    world.evict(config(pool("p", "a", "b")))
    world.run_until(81)
    assert weights(isolate(world), START + 81) == SLOWLY


@pytest.mark.parametrize(
    "after",
    [
        pool("p", "a", "b"),
        pool("p", origin("a", weight=0.5), origin("b", weight=0.5)),
        pool("p", "a", "b", description="renamed"),
    ],
)
def test_other_changes_bring_nothing_back(after: Pool) -> None:
    """A deployment, another weight, or an eviction is no return."""
    world = World(config(pool("p", "a", "b")))
    world.run_until(60)

    world.evict(config(after))
    world.run_until(61)

    memory = isolate(world)
    assert weights(memory, START + 61) == tuple(one.weight for one in after.origins)
    assert world.view().returned == {}


def test_a_new_object_knows_of_no_return() -> None:
    """Isolates and objects start often, and origins do not start with them."""
    world = World(config(pool("p", "a", "b")))

    assert weights(isolate(world), START) == FULL
    assert world.view().returned == {}


def test_a_first_verdict_is_no_return() -> None:
    """An origin of unknown health takes traffic, so it is not back when it is found healthy."""
    watching = monitor()
    of = pool("p", "a", "b", monitor=watching)
    memory = Memory(config(of))
    memory.observe(of.origins[0], watching, Verdict(passed=True), 10.0)
    assert weights(memory, 10.0) == FULL

    memory.observe(of.origins[0], watching, Verdict(passed=False), 20.0)
    memory.observe(of.origins[0], watching, Verdict(passed=True), 30.0)
    assert weights(memory, 30.0) == SLOWLY


def test_the_end_of_maintenance_counts_once() -> None:
    """Its end is known, so the object, which sees it later, moves no start."""
    resting = origin("a", maintenance=(Window(start=START + 10, end=START + 20),))
    watching = monitor(interval=60)
    world = World(config(pool("p", resting, "b", monitor=watching)))
    world.run_until(15, between=world.evict)
    world.run_until(90, between=world.evict)

    assert world.view().returned == {}
    assert weights(isolate(world), START + 20) == SLOWLY
    assert weights(isolate(world), START + 90)[0] == pytest.approx(0.7)


class Pair:
    """An isolate with two origins, one of which has been ejected for 30 seconds from 0 on."""

    def __init__(self) -> None:
        self.memory = Memory(config(pool("p", "a", "b")))
        self.lb = self.memory._config.load_balancers[0]
        self.a = self.lb.default_pools[0].origins[0]
        self.send(self.a, FAILED, 0.0)

    def send(self, one: Origin, judgement: Judgement, now: float) -> None:
        """Send a request to an origin, with a scripted outcome."""
        self.memory.snapshot(now)
        self.memory.suspects.sent(one.key, now)
        if judgement is FINE:
            self.memory.suspects.answered(one.key, 0.01, now, well=True)
        record(self.memory, self.lb, one, judgement, now, now)


def test_an_ejected_origin_starts_slowly_when_it_is_trusted_again() -> None:
    """It had its full share at once if its first good answer came later than slow_start.

    After an ejection an origin is suspected, and only tested, until it answers well.
    """
    pair = Pair()

    pair.send(pair.a, FINE, 300.0)

    assert weights(pair.memory, 300.0) == SLOWLY
    assert weights(pair.memory, 350.0) == (0.5, 1.0)
    assert weights(pair.memory, 400.0) == FULL


def test_a_good_answer_later_on_begins_nothing_anew() -> None:
    """The share grows while the origin answers well."""
    pair = Pair()

    seen = {}
    for now in range(31, 141):
        pair.send(pair.a, FINE, float(now))
        seen[now] = weights(pair.memory, float(now))

    assert (seen[31], seen[81], seen[131]) == (SLOWLY, (0.5, 1.0), FULL)


def test_an_origin_that_was_only_silent_keeps_its_share() -> None:
    """Silence is a guess that one answer ends; the origin never was out."""
    memory = Memory(config(pool("p", "a", "b")))
    key = ("p", "a")
    for now in (0.0, 0.1, 0.2):
        memory.suspects.sent(key, now)
    memory.snapshot(30.0)

    memory.suspects.answered(key, 30.0, 30.0, well=True)

    assert weights(memory, 30.0) == FULL


def test_only_pools_with_slow_start_are_written_down() -> None:
    """By default, the stored row and the pull have nothing of it, and cost no more."""
    plain = config_of(balancer_of(pool("p", "a", "b"), ejection=Ejection()))

    assert in_service(plain, {}, START, changed=True) == {}
    assert "returned" not in to_json(World(plain).view())


def test_the_text_of_a_view_holds_the_returns() -> None:
    """An older isolate leaves them out, and an older object sends none."""
    world = World(config(pool("p", "b", "c")))
    world.view()
    world.evict(config(pool("p", "a", "b", "c")))
    view = world.view()

    assert view.returned == {("p", "a"): START}
    assert from_json(to_json(view)) == view
    older = from_json(to_json(replace(view, returned={})))
    assert older is not None
    assert older.returned == {}
