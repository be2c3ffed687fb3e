"""Time to detect a failure with each sensitivity: the table of docs/health.md, simulated."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

import pytest

from lb.config import Invalid, parse
from lb.config.objects.monitor_fields import PRESETS
from lb.log_events import HealthChanged
from lb.model import Config, Health, Monitor, Sensitivity
from lb.probing.probe import Answer, ProbeFailure, Reply
from lb.probing.run import check
from lb.state.memory import Memory
from support.make import balancer_of, config_of, pool

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.log_events import Event
    from lb.probing.probe import Probe

FINE, REFUSED, SLOW = Answer(status=200), ProbeFailure.CONNECTION, ProbeFailure.TIMEOUT
STEP = 0.25
WORDS = [word.value for word in Sensitivity]


def configured(**fields: object) -> Monitor:
    """Return the monitor that a document describes."""
    monitor = {"name": "m", "type": "https", **fields}
    parsed = parse({"monitors": [monitor]})
    assert isinstance(parsed, Config), parsed
    return parsed.monitors[0]


class Watch:
    """One origin, watched from 0 on; constant requests let probes start when due."""

    def __init__(self, monitor: Monitor, reply: Callable[[float], Reply]) -> None:
        self.monitor = monitor
        self.probes = 0
        self.failed = 0
        """Number of failed probes, without retries."""
        self.changes: list[tuple[float, Health]] = []
        self._reply = reply
        self._now = 0.0
        self._memory = Memory(config_of(balancer_of(pool("p", "a", monitor=monitor))))
        self._latest = 0.0

    def until(self, end: float) -> Watch:
        """Let time pass."""
        while self._now < end:
            due = self._memory.due(self._now)
            if due:
                self._latest = self._now
                asyncio.run(check(due, self._memory, self, lambda: self._now, self._note))
            self._now += STEP
        return self

    async def send(self, probe: Probe) -> Reply:
        """Send a probe as Prober does; a slow response takes the whole timeout."""
        reply = self._reply(self._now)
        self.probes += 1
        self.failed += reply is not FINE
        if reply is SLOW:
            self._now += probe.timeout
        return reply

    def went_down(self) -> list[float]:
        """Return when the origin went down."""
        return [at for at, health in self.changes if health is Health.UNHEALTHY]

    def _note(self, event: Event) -> None:
        if isinstance(event, HealthChanged):
            self.changes.append((self._now, event.after))


def dead_from(when: float, how: Reply = REFUSED) -> Callable[[float], Reply]:
    """Let the origin respond before `when` and fail from then on."""
    return lambda now: FINE if now < when else how


@pytest.mark.parametrize(
    ("word", "row", "detection"),
    [
        ("aggressive", (5, 2, 2, 3), 10),
        ("balanced", (15, 5, 3, 4), 45),
        ("conservative", (60, 10, 5, 5), 300),
    ],
)
def test_the_presets_are_the_table(word: str, row: tuple[float, ...], detection: int) -> None:
    """Each preset has the documented values; detection takes consecutive_down x interval."""
    monitor = configured(sensitivity=word)
    down, up = monitor.consecutive_down, monitor.consecutive_up

    assert list(row) == [monitor.interval, monitor.timeout, down, up]
    assert down * monitor.interval == detection
    assert monitor.retries == 2


def test_every_sensitivity_has_a_preset() -> None:
    """Every sensitivity has a preset, and all presets set the same fields."""
    assert set(PRESETS) == set(Sensitivity)
    assert {tuple(sorted(row)) for row in PRESETS.values()} == {
        ("consecutive_down", "consecutive_up", "interval", "timeout")
    }


def test_what_is_given_beside_a_preset_wins() -> None:
    """Given fields override the preset; a short interval still shortens a default timeout."""
    monitor = configured(sensitivity="balanced", consecutive_up=2, interval=4)

    assert (monitor.consecutive_up, monitor.consecutive_down) == (2, 3)
    assert (monitor.interval, monitor.timeout) == (4, 2)
    assert configured().interval == 60
    assert configured(sensitivity="aggressive", timeout=1).timeout == 1


def test_an_unknown_sensitivity_is_refused() -> None:
    """An unknown sensitivity is refused with the list of known ones."""
    parsed = parse({"monitors": [{"name": "m", "sensitivity": "calm"}]})

    assert isinstance(parsed, Invalid)
    assert "balanced" in parsed.problems[0].message


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("part", [0.05, 0.5, 0.95])
def test_a_dead_origin_is_noticed_in_the_tables_time_and_never_before(
    word: str, part: float
) -> None:
    """A dead origin goes down within consecutive_down x interval, whenever the origin dies."""
    monitor = configured(sensitivity=word)
    dies = (10 + part) * monitor.interval
    watch = Watch(monitor, dead_from(dies)).until(dies + 20 * monitor.interval)

    (noticed,) = watch.went_down()
    detection = monitor.consecutive_down * monitor.interval
    assert detection - monitor.interval <= noticed - dies <= detection


@pytest.mark.parametrize("word", WORDS)
def test_a_hanging_origin_is_noticed_a_probe_later(word: str) -> None:
    """A hanging origin goes down one interval later at most: timeouts and retries do not add up."""
    monitor = configured(sensitivity=word)
    dies = 10.5 * monitor.interval
    watch = Watch(monitor, dead_from(dies, SLOW)).until(dies + 20 * monitor.interval)

    (noticed,) = watch.went_down()
    one_probe = monitor.timeout * (1 + monitor.retries)
    late = max(one_probe - monitor.interval, 0) * monitor.consecutive_down
    detection = monitor.consecutive_down * monitor.interval
    assert noticed - dies <= detection + one_probe + late


@pytest.mark.parametrize("word", WORDS)
def test_it_takes_consecutive_up_passes_to_come_back(word: str) -> None:
    """Recovery takes consecutive_up passes, which is longer than detection takes."""
    monitor = configured(sensitivity=word)
    back = 20 * monitor.interval + 1
    watch = Watch(monitor, lambda now: REFUSED if 1 < now < back else FINE)
    watch.until(back + 20 * monitor.interval)

    up_at = watch.changes[-1][0]
    recovery = monitor.consecutive_up * monitor.interval
    assert watch.changes[-1][1] is Health.HEALTHY
    assert recovery - monitor.interval <= up_at - back <= recovery


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("pattern", ["+-", "-+", "++-", "--+", "---+", "-----++", "+----++-"])
def test_a_flapping_origin_causes_at_most_one_failover(word: str, pattern: str) -> None:
    """A flapping origin causes at most one failover: it needs several clean probes to recover."""
    monitor = configured(sensitivity=word, retries=0)

    def flapping(now: float) -> Reply:
        probe = round(now / monitor.interval)
        return FINE if pattern[probe % len(pattern)] == "+" else REFUSED

    watch = Watch(monitor, flapping).until(200 * monitor.interval)

    assert watch.probes >= 190
    assert len(watch.went_down()) <= 1


def test_an_alternating_origin_is_never_taken_for_dead() -> None:
    """An origin that alternates between success and failure never goes down."""
    monitor = configured(sensitivity="aggressive")
    ticks = iter(range(10_000))
    watch = Watch(monitor, lambda _: FINE if next(ticks) % 2 else REFUSED).until(2000)

    assert watch.went_down() == []


@pytest.mark.parametrize("word", WORDS)
def test_a_slow_but_alive_origin_is_never_taken_for_dead(word: str) -> None:
    """An origin whose p99 is just above the timeout stays up, thanks to retries and thresholds."""
    monitor = configured(sensitivity=word)
    dice = Random(7)
    watch = Watch(monitor, lambda _: SLOW if dice.random() < 0.02 else FINE)
    watch.until(1000 * monitor.interval)

    assert watch.failed > 5
    assert watch.went_down() == []


def test_one_slow_probe_never_triggers_a_failover_without_retries_either() -> None:
    """Without retries too, the threshold keeps one slow probe from causing a failover."""
    monitor = configured(sensitivity="aggressive", retries=0)
    ticks = iter(range(10_000))
    watch = Watch(monitor, lambda _: SLOW if next(ticks) % 10 == 5 else FINE).until(3000)

    assert watch.failed > 50
    assert watch.went_down() == []
