"""Time from a failure that only probes see until requests avoid the origin, simulated.

The Durable Object, an isolate and its requests share one clock. All requests succeed, so that an
isolate learns of the failure from its pulls alone.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lb.config.objects.monitor_fields import PRESETS
from lb.model import Config, Sensitivity, State
from lb.proxy.balancer import Balancer
from lb.proxy.plan import Plan
from lb.proxy.steps import Attempt
from lb.request.outcomes import Evidence, Judgement
from lb.state.pull_times import USUAL, refresh_of
from lb.state.run import BackgroundWork
from support.background import ports
from support.make import balancer_of, config_of, facts, monitor, pool, record
from support.state import START, World

if TYPE_CHECKING:
    from collections.abc import Mapping

GET = facts()
LATE = 3.0
"""Seconds from a verdict to the requests of an isolate with ordinary traffic."""
GAP = 0.5
"""Seconds between two requests."""
PHASES = [0.01, 0.17, 0.34, 0.5, 0.67, 0.83, 0.99]


def watched(interval: int, down: int, up: int = 0, *, refresh: int | None = None) -> Config:
    """Return an origin a that is used and an origin b for failover, both probed."""
    watching = monitor(interval=interval, consecutive_down=down, consecutive_up=up)
    lb = balancer_of(pool("p", "a", monitor=watching), pool("q", "b", monitor=watching))
    return replace(config_of(lb), state=State(refresh=refresh))


@dataclass
class Site:
    """An isolate with requests, and the object that it asks."""

    config: Config
    starts: float = 0.0
    """Seconds after the object's first round at which the isolate starts."""
    gap: float = GAP
    origins: list[tuple[float, str]] = field(default_factory=list)
    """Time and origin of each request."""
    pulls: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = world = World(self.config)
        asyncio.run(world.coordinator.wake())
        self.balancer = Balancer(self.config)
        given = ports(
            lambda: world.now,
            world.log.append,
            bindings=("LB_STATE",),
            state_object=self,
            check=self.check,
        )
        self.background = BackgroundWork(
            self.config, 0, self.balancer.memory, given, lambda _delivered, _health: False
        )
        self.second = self.starts

    async def pull(self, text: str) -> str | None:
        """Ask the object, as the StateObject port."""
        self.pulls.append(self.world.now - START)
        return await self.world.coordinator.pull(text)

    async def check(self, due: object, memory: object) -> None:
        """Leave probes to the object, as the Check port."""
        del due, memory

    def until(self, end: float) -> Site:
        """Answer requests up to this second, each after all alarms that are due by then."""
        world = self.world
        while self.second < end:
            self._ring(self.second)
            _, plan = self.balancer.plan(GET, world.now, lambda: 0.5)
            assert isinstance(plan, Plan)
            attempt = plan.start()
            assert isinstance(attempt, Attempt)
            self.origins.append((self.second, attempt.origin.name))
            work = self.background.work(world.now)
            if work is not None:
                asyncio.run(work)
            self.second += self.gap
        self._ring(end)
        return self

    def _ring(self, second: float) -> None:
        """Run the alarms that are due by this second."""
        world = self.world
        while (at := world.alarms.taken(START + second)) is not None:
            world.now = max(world.now, at)
            asyncio.run(world.coordinator.alarm())
        world.now = max(world.now, START + second)

    def fail(self, *, at: float) -> Site:
        """Let probes of a fail from this second on."""
        self.until(at)
        self.world.down = {"a"}
        return self

    def recover(self, *, at: float) -> Site:
        """Let probes of a pass from this second on."""
        self.until(at)
        self.world.down = set()
        return self

    def latest(self, origin: str) -> float:
        """Return the time of the latest request to an origin."""
        return max(second for second, name in self.origins if name == origin)

    def first(self, origin: str, after: float) -> float:
        """Return the time of the first request to an origin after this second."""
        return min(second for second, name in self.origins if name == origin and second >= after)

    def probes(self, origin: str, start: float, end: float) -> int:
        """Return the number of an origin's probes in this time."""
        return sum(name == origin and start <= at <= end for at, name in self.world.probes)


def failed_over(site: Site, interval: int, down: int, phase: float) -> float:
    """Let a fail at this part of an interval; return the seconds until requests avoid it.

    They never do after fewer than `down` failed probes.
    """
    fails = site.starts + 70 + (10 + phase) * interval
    fails -= (fails - phase * interval) % interval  # rounds begin at multiples of the interval
    site.fail(at=fails).until(fails + down * interval + 2 * USUAL)
    moved = site.first("b", 0)
    assert site.latest("a") < moved
    assert site.probes("a", fails, moved) >= down
    return moved - fails


@pytest.mark.parametrize("word", Sensitivity)
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("starts", [3.0, 11.0])
def test_a_dead_origin_loses_its_requests_in_the_tables_time(
    word: Sensitivity, phase: float, starts: float
) -> None:
    """Requests avoid a dead origin within consecutive_down x interval + 3 s, and never before."""
    row: Mapping[str, int] = PRESETS[word]
    interval, down = row["interval"], row["consecutive_down"]
    site = Site(watched(interval, down, row["consecutive_up"]), starts)

    assert failed_over(site, interval, down, phase) <= down * interval + LATE


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("starts", [3.0, 10.0, 17.0, 24.0, 31.0])
def test_pulls_that_missed_the_counting_cost_no_further_interval(
    phase: float, starts: float
) -> None:
    """With interval 10 and three failures, requests moved after 50 s: pulls came every 30 s."""
    site = Site(watched(10, 3), starts)

    assert failed_over(site, 10, 3, phase) <= 3 * 10 + LATE
    assert refresh_of(site.config) == USUAL


@settings(max_examples=20, deadline=None)
@given(
    interval=st.integers(5, 60),
    down=st.integers(0, 5),
    phase=st.floats(0.01, 0.99),
    starts=st.floats(0.1, 70),
    gap=st.sampled_from([0.2, 0.5, 0.9]),
)
def test_whenever_an_origin_fails_requests_avoid_it_in_time(
    interval: int, down: int, phase: float, starts: float, gap: float
) -> None:
    """The time holds for every phase, where a change takes as long as the time between pulls.

    Shorter changes may wait for one more pull: only a budget of pulls forbids it.
    """
    site = Site(watched(interval, down), starts, gap)
    count, refresh = max(down, 1), refresh_of(site.config)

    seconds = failed_over(site, interval, count, phase)

    late = LATE if count * interval >= refresh else LATE + refresh
    assert seconds <= count * interval + late


@settings(max_examples=12, deadline=None)
@given(
    interval=st.integers(5, 60),
    up=st.integers(1, 5),
    phase=st.floats(0.01, 0.99),
    starts=st.floats(0.1, 70),
)
def test_requests_return_in_the_time_of_consecutive_up(
    interval: int, up: int, phase: float, starts: float
) -> None:
    """Requests return within consecutive_up x interval + 3 s, or at the next pull."""
    site = Site(watched(interval, 2, up), starts)
    failed_over(site, interval, 2, 0.5)
    back = site.second + phase * interval
    site.recover(at=back).until(back + up * interval + 2 * USUAL)
    returned = site.first("a", back)

    refresh = refresh_of(site.config)
    late = LATE if up * interval >= refresh else LATE + refresh
    assert site.probes("a", back, returned) >= up
    assert returned - back <= up * interval + late


@settings(max_examples=20, deadline=None)
@given(
    interval=st.integers(5, 120),
    down=st.integers(0, 5),
    starts=st.floats(0.1, 120),
)
def test_while_all_is_well_there_are_no_further_pulls(
    interval: int, down: int, starts: float
) -> None:
    """While all is well, an isolate asks no more often than every `refresh` seconds on average."""
    site = Site(watched(interval, down), starts, gap=1.0).until(starts + 1800)

    assert len(site.pulls) <= 1800 / refresh_of(site.config) + 3
    assert refresh_of(site.config) == min(max(max(down, 1) * interval, 10), USUAL)


@pytest.mark.parametrize("refresh", [1, 5, 30, 60])
def test_an_explicit_refresh_stays_as_it_is(refresh: int) -> None:
    """While all is well, an isolate asks every `refresh` seconds if the operator says so."""
    site = Site(watched(10, 3, refresh=refresh), 7.0).until(1207)

    gaps = {round(after - before, 1) for before, after in pairwise(site.pulls)}
    assert gaps - {3.0} <= {refresh}  # 3 s after the start, if there was no round yet


@pytest.mark.parametrize("phase", PHASES)
def test_an_explicit_refresh_shorter_than_the_counting_is_in_time_too(phase: float) -> None:
    """An answer asks for an early pull once failures are counted, whatever `refresh` is."""
    site = Site(watched(10, 3, refresh=20), 3.0)

    assert failed_over(site, 10, 3, phase) <= 3 * 10 + LATE


@pytest.mark.parametrize(
    ("pattern", "down"), [("-+", 2), ("--+", 3), ("-++", 2), ("----+", 5), ("-+-++", 2)]
)
@pytest.mark.parametrize("interval", [5, 10, 30])
def test_a_flapping_origin_does_not_use_up_the_days_requests(
    pattern: str, down: int, interval: int
) -> None:
    """An origin that fails now and then, without going down, costs less than twice the pulls."""
    site = Site(watched(interval, down), 3.0, gap=1.0)
    for round_ in range(600 // interval):
        site.until(round_ * interval + 2)
        site.world.down = {"a"} if pattern[round_ % len(pattern)] == "-" else set()

    assert {name for _, name in site.origins} == {"a"}
    assert len(site.pulls) <= 2 * 600 / refresh_of(site.config) + 3


def test_a_probe_that_takes_long_is_waited_for() -> None:
    """A pull comes after the verdict where probes take seconds."""
    site = Site(watched(30, 1), 3.0)
    site.world.takes = {"a": 4.0, "b": 4.0}

    assert failed_over(site, 30, 1, 0.5) <= 30 + 4 + LATE


def test_many_origins_and_shifted_rounds_cost_no_further_pulls() -> None:
    """A report shifted an origin's probes for good: one more round and one more pull each time."""
    watching = monitor(interval=30, consecutive_down=1)
    names = [f"o{number:02}" for number in range(30)]
    config = config_of(balancer_of(pool("p", *names, monitor=watching)))
    site = Site(config, 3.0, gap=1.0).until(100)
    (lb,) = config.load_balancers
    blamed = Judgement(failed=True, cause="refused", evidence=Evidence.CONNECTION)
    now = site.world.now
    record(site.balancer.memory, lb, config.pools[0].origins[7], blamed, now, now)
    site.until(400)
    pulls, alarms = len(site.pulls), len(site.world.alarms.set_to)

    site.until(1000)

    assert len(site.pulls) - pulls <= 600 / 30 + 1
    assert len(site.world.alarms.set_to) - alarms <= 600 / 30 * 3 + 3


def test_a_late_alarm_is_asked_for_again() -> None:
    """A pull that comes before a late round is repeated soon, and less often each time."""
    site = Site(watched(10, 3), 3.0).until(104)
    site.world.alarms.rings = False
    site.until(164)
    late = [at for at in site.pulls if at > 110]

    assert 2 <= len(late) <= 10
