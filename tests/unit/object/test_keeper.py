"""The keeper of shared health: rounds of probes, the stored row, answers to isolates."""

from __future__ import annotations

import json

import pytest

from lb.base.times import rfc3339
from lb.health.rounds import PROBES_IN_AN_ALARM
from lb.log_events import HealthChanged, Trouble
from lb.model import Config, Health, Origin, Window
from lb.object.event_log import EventLog, Query
from lb.object.failure_reports import REPORT_GAP
from support.make import balancer_of, config_of, monitor, origin, pool
from support.state import START, World

UNKNOWN, HEALTHY, UNHEALTHY = Health.UNKNOWN, Health.HEALTHY, Health.UNHEALTHY


def watched(*names: str | Origin, **fields: object) -> Config:
    """Return a configuration of one pool, monitored every 30 seconds by default."""
    watching = monitor(**{"interval": 30, "consecutive_down": 3, "consecutive_up": 2, **fields})
    return config_of(balancer_of(pool("p", *names, monitor=watching)))


def test_a_new_object_knows_nothing_and_is_due_at_once() -> None:
    """The first isolate gets an empty view, and a round is due now."""
    world = World(watched("a", "b"))

    assert world.view().origins == {}
    assert world.view().probed == 0.0
    assert world.keeper.next_at is not None
    assert world.keeper.next_at <= START


def test_origins_are_probed_together_once_an_interval() -> None:
    """One alarm probes all, and intervals count from its start, so that origins stay together."""
    world = World(watched("a", "b"))

    world.run_until(60)

    assert world.probes == [(at, name) for at in (0, 30, 60) for name in ("a", "b")]
    assert world.view().probed == START + 60


def test_no_more_than_four_probes_are_sent_side_by_side() -> None:
    """The runtime allows six connections; the rest of the origins wait."""
    names = [f"o{number}" for number in range(PROBES_IN_AN_ALARM + 3)]
    world = World(watched(*names))

    world.run_until(0)

    assert sorted(name for _, name in world.probes) == sorted(names)
    assert world.most_at_once == 4


def test_one_alarm_sends_no_more_probes_than_it_has_subrequests_for() -> None:
    """The rest is due at once, longest wait first."""
    names = [f"o{number:02}" for number in range(PROBES_IN_AN_ALARM + 3)]
    world = World(watched(*names))
    rounds: list[int] = []

    world.run_until(0, between=lambda: rounds.append(len(world.probes)))

    assert rounds == [PROBES_IN_AN_ALARM, len(names)]


def test_monitors_of_different_intervals_keep_their_own_time() -> None:
    """A round probes due origins alone."""
    slow = pool("slow", "s", monitor=monitor(interval=60))
    quick = pool("quick", "q", monitor=monitor(interval=20))
    world = World(config_of(balancer_of(slow, quick)))

    world.run_until(60)

    assert [at for at, name in world.probes if name == "s"] == [0, 60]
    assert [at for at, name in world.probes if name == "q"] == [0, 20, 40, 60]


def test_consecutive_down_counts_across_evictions() -> None:
    """The streak goes on if the object is evicted between any two alarms."""
    world = World(watched("a"))
    world.run_until(0, between=world.evict)
    world.down = {"a"}

    world.run_until(89, between=world.evict)
    assert world.health() == {"a": HEALTHY}
    world.run_until(90, between=world.evict)
    assert world.health() == {"a": UNHEALTHY}
    assert [
        (event.before, event.after) for event in world.log if isinstance(event, HealthChanged)
    ] == [
        (UNKNOWN, HEALTHY),
        (HEALTHY, UNHEALTHY),
    ]


def test_an_eviction_changes_neither_schedule_nor_version() -> None:
    """View and schedule are the same after an eviction."""
    world = World(watched("a"))
    world.run_until(30)
    before, next_at = world.view(), world.keeper.next_at

    world.evict()

    assert world.view() == before
    assert world.keeper.next_at == next_at


def test_a_round_writes_one_row() -> None:
    """A pull writes none, so that the free plan's rows last for rounds every few seconds.

    Metrics are one more row a minute.
    """
    world = World(watched("a", "b", "c"))
    world.run_until(30)
    before = world.sql.written

    world.run_until(300)
    for _ in range(10):
        world.pull()

    assert world.sql.written - before == 9 + 5


def test_an_isolate_that_knows_the_version_is_told_only_the_time() -> None:
    """An isolate with the current view gets the time of the latest round alone."""
    world = World(watched("a"))
    world.run_until(0)
    view = world.view()

    world.run_until(30)
    answer = world.pull(fingerprint=view.fingerprint, version=view.version)

    assert float(answer) == START + 30


def test_the_version_grows_only_with_what_isolates_must_see() -> None:
    """Streaks and times leave the version; a change of health raises it."""
    world = World(watched("a"))
    world.run_until(0)
    first = world.view().version

    world.run_until(60)
    assert world.view().version == first
    world.down = {"a"}
    world.run_until(150)
    assert world.view().version > first


def test_no_version_comes_twice_when_the_storage_is_lost() -> None:
    """A version from before the loss must not stand for another view."""
    world = World(watched("a"))
    world.run_until(0)
    before = world.view().version
    lost = World(world.config, now=START + 5)

    lost.run_until(5)

    assert lost.view().version > before


def test_a_reported_origin_is_probed_at_once() -> None:
    """A failure of real traffic makes its origin due before its interval is over."""
    world = World(watched("a", "b"))
    world.run_until(10)

    world.pull(reports=[["p", "b", "connection failed", START + 10]])
    world.run_until(10)

    assert world.probes[2:] == [(10, "b")]
    assert world.keeper.next_at == START + 30


def test_a_report_right_after_a_probe_is_not_lost() -> None:
    """An isolate reports once, as it ejects the origin: the probe comes a little later."""
    world = World(watched("a"))
    world.run_until(1)

    world.pull(reports=[["p", "a", "connection failed", START + 1]])
    world.run_until(29)

    assert [at for at, _ in world.probes] == [0, REPORT_GAP]


def test_a_report_older_than_the_latest_probe_is_settled() -> None:
    """A later probe has settled it."""
    world = World(watched("a"))
    world.run_until(30)

    world.pull(reports=[["p", "a", "connection failed", START + 20]])
    world.run_until(59)

    assert [at for at, _ in world.probes] == [0, 30]


def test_reports_cannot_hurry_probes_without_end() -> None:
    """Reports of an origin that passes its probes hurry them ever less."""
    world = World(watched("a"))
    world.run_until(0)

    for second in range(1, 100):
        world.now = START + second
        world.pull(reports=[["p", "a", "connection failed", world.now]] * 50)
        world.run_until(second)

    assert [at for at, _ in world.probes] == [0, 5, 15, 35, 65, 95]


def test_reports_count_at_once_again_after_a_quiet_interval() -> None:
    """After an interval without reports, the next one hurries a probe again."""
    world = World(watched("a"))
    for second in (1, 6):
        world.run_until(second)
        world.pull(reports=[["p", "a", "connection failed", world.now]])
    world.run_until(60)

    world.pull(reports=[["p", "a", "connection failed", world.now]])
    world.run_until(70)

    assert [at for at, _ in world.probes] == [0, 5, 15, 45, 60]


def test_an_origin_that_is_known_to_be_down_is_not_hurried() -> None:
    """An unhealthy origin waits for its interval, as all isolates avoid it already."""
    world = World(watched("a", consecutive_down=1))
    world.down = {"a"}
    world.run_until(10)

    world.pull(reports=[["p", "a", "connection failed", world.now]])
    world.run_until(29)

    assert [at for at, _ in world.probes] == [0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "[" * 100_000,
        '{"reports": 1}',
        '{"reports": [1, [], [1, 2], ["p"], ["p", "nobody"], [["p"], "a"], "pa"]}',
        '{"fingerprint": [], "version": {}}',
    ],
)
def test_a_foreign_question_gets_the_whole_view(text: str) -> None:
    """Malformed questions get the whole view."""
    world = World(watched("a"))
    world.run_until(0)

    assert json.loads(world.keeper.pull(text))["version"] == world.view().version
    assert world.keeper.next_at == START + 30


def test_another_configuration_keeps_what_is_still_there() -> None:
    """Removed origins are dropped; new ones, or ones at another URL, start unknown."""
    world = World(watched("stays", "goes", origin("moves", "p")))
    world.run_until(0)
    version = world.view().version
    elsewhere = origin("moves", "p", url="https://moved.example.com")

    world.evict(watched("stays", elsewhere, "new"))

    assert world.health() == {"stays": HEALTHY}
    assert world.view().version > version
    world.run_until(0)
    assert [name for _, name in world.probes[3:]] == ["moved", "new"]
    assert world.health() == {"stays": HEALTHY, "moves": HEALTHY, "new": HEALTHY}


@pytest.mark.parametrize(
    "row",
    ["", "null", "[]", '{"shared": 5}', "[" * 100_000, '{"asked": [["p", "a", 1, 2], 7]}', b"\xff"],
)
def test_a_corrupt_or_foreign_row_is_treated_as_absent(row: str | bytes) -> None:
    """The object starts without it and overwrites it."""
    world = World(watched("a"))
    world.run_until(0)
    world.sql("UPDATE kept SET value = ?", row)  # type: ignore[arg-type] # a blob is what is wrong

    world.evict()

    assert world.health() == {}
    world.run_until(0)
    assert world.health() == {"a": HEALTHY}
    world.evict()
    assert world.health() == {"a": HEALTHY}


def test_storage_that_cannot_be_read_is_said_and_survived() -> None:
    """Probing starts from unknown health, and the fault is logged."""
    world = World(watched("a"))
    world.run_until(0)
    world.sql("ALTER TABLE kept RENAME COLUMN value TO other")

    world.evict()

    assert world.health() == {}
    assert isinstance(world.log[-1], Trouble)


def test_changes_of_health_become_events() -> None:
    """An event is stored for each pool, with what changed in it."""
    world = World(watched("a", "b", consecutive_down=1))
    world.run_until(0)
    world.down = {"a"}
    world.run_until(30, between=world.evict)

    latest, first = EventLog(world.sql).query(Query()).events
    assert [one["name"] for one in first["origins"] if one["changed"]] == ["a", "b"]
    assert [(one["name"], one["healthy"]) for one in latest["origins"] if one["changed"]] == [
        ("a", False)
    ]


def test_enabling_and_disabling_become_events() -> None:
    """A deployment in between loses no event, as what was disabled is stored."""
    world = World(watched("a", "b"))
    world.run_until(0)
    world.evict(watched("a", origin("b", "p", enabled=False)))
    world.run_until(30)
    world.evict(watched("a", "b"))
    world.run_until(60)

    enabled, disabled, _ = EventLog(world.sql).query(Query()).events
    assert [one["enabled"] for one in disabled["origins"] if one["changed"]] == [False]
    assert [one["enabled"] for one in enabled["origins"] if one["changed"]] == [True]


def test_nothing_to_watch_needs_no_alarm() -> None:
    """Without monitors, no alarm is wanted."""
    world = World(config_of(balancer_of(pool("p", "a"))))

    assert world.keeper.next_at is None


def in_maintenance(start: float, end: float) -> Config:
    """Return two origins, "b" with a window of maintenance."""
    away = origin("b", "p", maintenance=(Window(start=START + start, end=START + end),))
    return watched("a", away)


def test_an_origin_in_maintenance_is_not_probed() -> None:
    """Probes pause from the window's start to its end, go on at once, and join the others again."""
    world = World(in_maintenance(20, 70))

    world.run_until(90)

    assert [at for at, name in world.probes if name == "b"] == [0, 70, 90]
    assert [at for at, name in world.probes if name == "a"] == [0, 30, 60, 90]


def test_a_maintenance_is_an_event_when_it_begins_and_ends() -> None:
    """Events have the window's times, also with evictions in between."""
    world = World(in_maintenance(20, 70))

    world.run_until(90, between=world.evict)

    events = EventLog(world.sql).query(Query()).events
    switched = [
        (event["timestamp"], one["enabled"])
        for event in reversed(events)
        for one in event["origins"]
        if one["name"] == "b" and one["changed"]
    ]
    assert switched == [
        (rfc3339(START), True),
        (rfc3339(START + 20), False),
        (rfc3339(START + 70), True),
    ]
