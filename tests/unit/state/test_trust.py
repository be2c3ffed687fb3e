"""Trust in the shared view, which lasts while the view is fresh."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lb.health.snapshot import Standing
from lb.health.verdict import OriginHealth, Verdict
from lb.log_events import OriginEnabledChanged, ProberResumed, ProberStalled
from lb.model import Ejection, Health, Window
from lb.model.identity import identity_of
from lb.request.outcomes import Evidence, Judgement
from lb.state.memory import Memory
from lb.state.pull_times import refresh_of
from lb.state.shared_view import SharedHealth
from lb.state.trust import fresh_for
from support.make import balancer_of, config_of, monitor, origin, pool, record

WATCHING = monitor(interval=30, timeout=5, retries=2)
POOL = pool("p", "a", "b", monitor=WATCHING)
A, B = POOL.origins
CONFIG = config_of(balancer_of(POOL))
FRESH_FOR = 2 * 30 + 5 * 3 + 2 * refresh_of(CONFIG)
PASSED, FAILED = Verdict(passed=True), Verdict(passed=False, cause="HTTP timeout occurred")


def view(probed: float, version: int = 1, fingerprint: str = "", **health: Health) -> SharedHealth:
    """Return a shared view of these origins, last probed at `probed`."""
    return SharedHealth(
        version=version,
        fingerprint=fingerprint or identity_of(CONFIG),
        probed=probed,
        origins={
            ("p", name): OriginHealth(health=one, checked=probed) for name, one in health.items()
        },
    )


def standings(memory: Memory, now: float) -> list[Standing]:
    """Return the standing of a and b."""
    return [memory.snapshot(now).standing(one) for one in POOL.origins]


UP, DOWN = Standing.AVAILABLE, Standing.UNHEALTHY


def test_an_isolate_takes_the_shared_view_over() -> None:
    """While the shared view is fresh, the isolate sends no probes."""
    memory = Memory(CONFIG)
    memory.adopt(view(100.0, a=Health.UNHEALTHY, b=Health.HEALTHY), 101.0)

    assert standings(memory, 101.0) == [DOWN, UP]
    assert memory.due(101.0) == []
    assert memory.due(100.0 + FRESH_FOR - 0.1) == []
    assert memory.take_news() == []


def test_the_configuration_says_how_long_a_view_is_fresh() -> None:
    """A view is fresh for two intervals, one probe with all retries, and two refresh intervals."""
    assert fresh_for(CONFIG) == FRESH_FOR
    assert fresh_for(config_of(balancer_of(pool("p", "a")))) == float("inf")


def test_a_stalled_prober_is_logged_once_and_the_isolate_probes_again() -> None:
    """A stalled prober is logged once; health stays until the isolate's own probes change it."""
    memory = Memory(CONFIG)
    memory.adopt(view(100.0, a=Health.UNHEALTHY), 101.0)
    late = 100.0 + FRESH_FOR

    due = memory.due(late)
    assert [one.name for one, _ in due] == ["a", "b"]
    assert memory.take_news() == [ProberStalled(age=FRESH_FOR)]
    assert standings(memory, late) == [DOWN, UP]

    memory.observe(A, WATCHING, PASSED, late)
    memory.observe(B, WATCHING, FAILED, late)
    assert standings(memory, late) == [UP, DOWN]
    assert memory.due(late + 29.0) == []
    assert len(memory.due(late + 30.0)) == 2
    assert memory.take_news() == []


def test_a_keeper_that_answers_with_an_old_view_is_stalled_as_well() -> None:
    """An answer with an old view counts as stalled."""
    memory = Memory(CONFIG)
    memory.adopt(view(100.0, a=Health.HEALTHY), 101.0)
    memory.adopt(view(100.0, a=Health.HEALTHY), 500.0)
    memory.adopt(view(100.0, a=Health.HEALTHY), 530.0)

    assert memory.take_news() == [ProberStalled(age=400.0)]
    assert len(memory.due(530.0)) == 2


def test_when_the_view_moves_on_it_is_trusted_again() -> None:
    """A view that moves on replaces the isolate's own health, even with an unchanged version."""
    memory = Memory(CONFIG)
    first = view(100.0, a=Health.HEALTHY, b=Health.HEALTHY)
    memory.adopt(first, 101.0)
    memory.due(500.0)
    memory.observe(A, WATCHING, FAILED, 501.0)
    assert standings(memory, 501.0) == [DOWN, UP]

    memory.adopt(replace(first, probed=510.0), 512.0)

    assert standings(memory, 512.0) == [UP, UP]
    assert memory.due(600.0) == []
    assert memory.take_news() == [ProberStalled(age=400.0), ProberResumed(age=2.0)]


def test_a_probe_that_was_under_way_does_not_overrule_a_trusted_view() -> None:
    """A probe that was already running does not overrule a trusted view of its origin."""
    memory = Memory(CONFIG)
    memory.due(90.0)
    memory.adopt(view(100.0, a=Health.HEALTHY), 101.0)

    assert memory.observe(A, WATCHING, FAILED, 102.0) is None
    assert memory.observe(B, WATCHING, FAILED, 102.0) is not None
    assert standings(memory, 102.0) == [UP, DOWN]


def test_no_snapshot_is_made_when_nothing_changed() -> None:
    """Without a change, requests share the same snapshot."""
    memory = Memory(CONFIG)
    memory.adopt(view(100.0, a=Health.UNHEALTHY), 101.0)
    snapshot = memory.snapshot(101.0)

    memory.adopt(view(130.0, a=Health.UNHEALTHY), 131.0)
    memory.adopt(view(160.0, version=2, a=Health.UNHEALTHY), 161.0)
    assert memory.snapshot(161.0) is snapshot

    memory.adopt(view(190.0, version=3, a=Health.HEALTHY), 191.0)
    assert memory.snapshot(191.0) is not snapshot


@pytest.mark.parametrize(
    "other",
    [
        view(120.0, version=3, fingerprint="of another configuration", a=Health.HEALTHY),
        view(90.0, version=1, a=Health.HEALTHY),
        view(110.0, version=1, a=Health.HEALTHY),
    ],
    ids=["of another configuration", "older", "older by its version"],
)
def test_foreign_and_older_views_are_ignored(other: SharedHealth) -> None:
    """A view of another configuration or an older version is ignored: answers may be late."""
    memory = Memory(CONFIG)
    memory.adopt(view(110.0, version=2, a=Health.UNHEALTHY), 111.0)

    memory.adopt(other, 121.0)

    assert standings(memory, 121.0) == [DOWN, UP]


def test_the_view_of_a_keeper_that_lost_its_storage_is_taken() -> None:
    """A lower version with newer probes is taken, because the keeper lost its storage."""
    memory = Memory(CONFIG)
    memory.adopt(view(110.0, version=99, a=Health.UNHEALTHY), 111.0)

    memory.adopt(view(140.0, version=1, a=Health.HEALTHY), 141.0)

    assert standings(memory, 141.0) == [UP, UP]


def test_origins_that_a_view_does_not_name_keep_what_is_known() -> None:
    """Origins that a view does not name keep their health, and unknown origins are ignored."""
    memory = Memory(CONFIG)
    memory.observe(B, WATCHING, FAILED, 90.0)
    foreign = {("elsewhere", "z"): OriginHealth(health=Health.UNHEALTHY)}

    memory.adopt(replace(view(100.0, a=Health.HEALTHY), origins=foreign), 101.0)

    assert standings(memory, 101.0) == [UP, DOWN]


def test_a_view_without_a_time_of_probes_is_not_trusted() -> None:
    """A view from KV has no time of probes: the isolate takes newer health and keeps probing."""
    memory = Memory(CONFIG)
    memory.observe(A, WATCHING, PASSED, 100.0)
    kept = {
        A.key: OriginHealth(health=Health.UNHEALTHY, checked=90.0),
        B.key: OriginHealth(health=Health.UNHEALTHY, checked=90.0),
    }

    memory.adopt(replace(view(0.0), origins=kept), 110.0)

    assert standings(memory, 110.0) == [UP, DOWN]
    assert [one.name for one, _ in memory.due(110.0)] == ["b"]
    assert memory.take_news() == []


def test_a_recovery_that_others_saw_starts_slowly_here() -> None:
    """The view holds the time of a recovery, so that all isolates raise the share together."""
    config = config_of(balancer_of(POOL, ejection=Ejection(slow_start=100)))
    memory = Memory(config)
    back = OriginHealth(health=Health.HEALTHY, recovered=80.0, checked=100.0)
    shared = SharedHealth(
        version=1, fingerprint=identity_of(config), probed=100.0, origins={A.key: back}
    )

    memory.adopt(shared, 101.0)

    assert memory.snapshot(101.0).view(POOL).weights == (0.2, 1.0)
    assert memory.snapshot(180.0).view(POOL).weights == (1.0, 1.0)


def test_an_isolates_own_ejections_stand_beside_the_view() -> None:
    """An origin that passes probes and fails requests stays ejected beside a trusted view."""
    memory = Memory(CONFIG)
    record(
        memory,
        CONFIG.load_balancers[0],
        A,
        Judgement(failed=True, cause="status 503", evidence=Evidence.CONNECTION),
        99.0,
        100.0,
    )

    memory.adopt(view(100.0, a=Health.HEALTHY, b=Health.HEALTHY), 101.0)

    assert standings(memory, 101.0) == [Standing.EJECTED, UP]


def test_a_pause_in_maintenance_is_no_stall() -> None:
    """While everything is in maintenance no probe runs, and freshness counts from its end."""
    window = (Window(start=200.0, end=1000.0),)
    resting = pool("p", origin("a", maintenance=window), monitor=WATCHING)
    config = config_of(balancer_of(resting))
    memory = Memory(config)
    shared = replace(view(190.0, a=Health.HEALTHY), fingerprint=identity_of(config))
    memory.adopt(shared, 195.0)

    assert memory.due(900.0) == []
    assert memory.due(1000.0 + FRESH_FOR - 1) == []
    assert len(memory.due(1000.0 + FRESH_FOR)) == 1
    assert [type(event) for event in memory.take_news()] == [ProberStalled]


def test_maintenance_is_logged_beside_a_trusted_view() -> None:
    """The isolate logs maintenance beside a trusted view because it depends on the clock alone."""
    window = (Window(start=200.0, end=300.0),)
    config = config_of(balancer_of(pool("p", origin("a", maintenance=window), monitor=WATCHING)))
    memory = Memory(config)
    memory.adopt(replace(view(190.0), fingerprint=identity_of(config)), 195.0)
    for now in (195.0, 200.0):
        memory.snapshot(now)

    (event,) = memory.take_news()
    assert event == OriginEnabledChanged(pool="p", origin="a", enabled=False, reason="maintenance")
