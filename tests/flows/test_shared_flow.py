"""Isolates and the Durable Object that stores their health, in one simulated time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from lb.model import Config, Health, Region
from lb.probing.run import check
from lb.request.outcomes import Evidence, Judgement
from lb.state.memory import Memory
from lb.state.run import BackgroundWork
from lb.state.trust import fresh_for
from support.background import ports
from support.make import balancer_of, config_of, monitor, pool, record
from support.state import START, World

if TYPE_CHECKING:
    from lb.state.ports import Due

INTERVAL = 15
REFRESH = 30
FAILED = Judgement(failed=True, cause="connection failed", evidence=Evidence.CONNECTION)


def watched() -> Config:
    """Return two origins that are probed every 15 seconds and go down after three failures."""
    watching = monitor(interval=INTERVAL, consecutive_down=3, consecutive_up=4)
    return config_of(balancer_of(pool("p", "a", "b", monitor=watching)))


@dataclass
class Isolate:
    """One isolate and its background work."""

    world: World
    reachable: bool = True
    probed: list[float] = field(default_factory=list)
    """Seconds from the start at which the isolate sent its own probes."""

    def __post_init__(self) -> None:
        world, self.memory = self.world, Memory(self.world.config)
        self.background = BackgroundWork(
            world.config,
            0,
            self.memory,
            ports(
                lambda: world.now,
                world.log.append,
                bindings=("LB_STATE",),
                state_object=self,
                check=self.check,
            ),
            lambda _delivered, _health: False,
        )

    async def pull(self, text: str) -> str | None:
        """Ask the object, as the StateObject port."""
        if not self.reachable:
            raise ConnectionError
        return await self.world.coordinator.pull(text)

    async def check(self, due: Due, memory: Memory) -> None:
        """Probe, as the Check port."""
        if due:
            self.probed.append(self.world.now - START)
        await check(due, memory, self.world, lambda: self.world.now, self.world.log.append)

    def respond(self, second: float) -> None:
        """Respond to a request at this second, after all alarms that are due by then."""
        self.world.run_until(second)
        work = self.background.work(self.world.now)
        if work is not None:
            asyncio.run(work)

    def health(self, name: str) -> Health:
        """Return an origin's health as requests see it."""
        for origin in self.world.config.pools[0].origins:
            if origin.name == name:
                return self.memory.snapshot(self.world.now).health(origin).health
        raise AssertionError(name)


def test_every_isolate_learns_of_a_dead_origin_within_detection_and_refresh() -> None:
    """Every isolate learns of a dead origin within detection plus one refresh interval."""
    world = World(watched())
    early, late = Isolate(world), Isolate(world)
    for second in range(0, 60, 5):
        early.respond(second)
    world.down = {"a"}

    learned = 60
    while early.health("a") is not Health.UNHEALTHY:
        learned += 5
        early.respond(learned)
    late.respond(learned)

    assert learned <= 60 + 3 * INTERVAL + REFRESH
    assert late.health("a") is Health.UNHEALTHY


def test_an_isolate_with_a_fresh_view_sends_no_probes() -> None:
    """An isolate with a fresh view sends no probes, apart from those at its very start."""
    world = World(watched())
    isolate = Isolate(world)

    for second in range(0, 600, 5):
        isolate.respond(second)

    assert isolate.probed in ([], [0])


def test_an_isolate_whose_view_has_gone_stale_probes_for_itself() -> None:
    """An isolate probes for itself after a lost alarm, and trusts the object again later."""
    world = World(watched())
    isolate = Isolate(world)
    for second in range(0, 100, 5):
        isolate.respond(second)
    world.alarms.rings = False
    world.down = {"a"}

    for second in range(100, 400, 5):
        isolate.respond(second)

    stale = 90 + fresh_for(world.config)
    assert isolate.probed[-1] > stale
    assert not [second for second in isolate.probed if 0 < second < stale]
    assert isolate.health("a") is Health.UNHEALTHY
    world.alarms.rings = True
    isolate.respond(405)
    isolate.respond(440)
    count = len(isolate.probed)
    for second in range(445, 600, 5):
        isolate.respond(second)
    assert len(isolate.probed) == count


def test_an_isolate_that_never_reaches_the_object_is_on_its_own() -> None:
    """An isolate that never reaches the object probes as it would without the binding."""
    world = World(watched())
    isolate = Isolate(world, reachable=False)
    world.down = {"a"}

    for second in range(0, 3 * INTERVAL + 1, 5):
        isolate.respond(second)

    assert isolate.probed == [0, 15, 30, 45]
    assert isolate.health("a") is Health.UNHEALTHY


@pytest.mark.parametrize("isolates", [1, 5])
def test_a_failure_in_any_isolate_makes_the_object_look_at_once(isolates: int) -> None:
    """Failure reports of all isolates lead to one probe by the object, at once."""
    world = World(watched())
    crowd = [Isolate(world) for _ in range(isolates)]
    for second in (0, 31, 62):
        for isolate in crowd:
            isolate.respond(second)
    world.run_until(66)
    (lb,) = world.config.load_balancers
    (origin, _) = world.config.pools[0].origins

    for isolate in crowd:
        record(isolate.memory, lb, origin, FAILED, world.now, world.now)
        isolate.respond(66)
    world.run_until(74)

    assert [at for at, name in world.probes if name == "a" and 60 < at < 75] == [66]


def test_a_cached_answer_does_not_bring_a_dead_origin_back() -> None:
    """A dead origin's cached health page made it healthy again, and took its requests along.

    What was known holds, an origin that was never probed included, and the first real answer counts
    at once.
    """
    world = World(watched(), down={"a"})
    world.run_until(60)
    assert world.health() == {"a": Health.UNHEALTHY, "b": Health.HEALTHY}

    world.down, world.cached = set(), {"a", "b"}
    world.run_until(600)
    assert world.health() == {"a": Health.UNHEALTHY, "b": Health.HEALTHY}
    assert all("Cloudflare's cache" in one.cause for one in world.view().origins.values())

    world.cached = set()
    world.run_until(600 + 5 * INTERVAL)
    assert world.health() == {"a": Health.HEALTHY, "b": Health.HEALTHY}


def test_an_origin_that_only_caches_answer_for_stays_unknown_and_says_why() -> None:
    """Unknown origins take traffic, and the cause tells operators that nothing watches them."""
    world = World(watched(), cached={"a"})
    world.run_until(600)

    found = {name: one for (_, name), one in world.view().origins.items()}
    assert found["a"].health is Health.UNKNOWN
    assert "so the origin was not asked" in found["a"].cause
    assert found["a"].checked > START + 500
    assert found["b"].health is Health.HEALTHY


def test_regions_without_a_verdict_leave_the_probe_to_the_object() -> None:
    """An origin that no region could ask is probed from here."""
    watching = monitor(interval=INTERVAL)
    regions = (Region.WEU, Region.OC)
    config = config_of(balancer_of(pool("p", "a", monitor=watching, check_regions=regions)))
    world = World(config, cached={"a"}, votes={Region.WEU: {}, Region.OC: {}})
    world.run_until(20)

    assert world.health() == {"a": Health.UNKNOWN}
    assert "Cloudflare's cache" in world.view().origins["p", "a"].cause
