"""The object that keeps the health of all isolates: its rounds of probes, its row, its answers."""

from __future__ import annotations

import json

import pytest

from lb.base.times import rfc3339
from lb.log_events import HealthChanged, Trouble
from lb.model import Config, Health, Origin, Window
from lb.object.event_log import EventLog, Query
from lb.object.failure_reports import REPORT_GAP
from lb.object.keeper import MOST_PROBES_AT_ONCE
from support.make import balancer_of, config_of, monitor, origin, pool
from support.state import START, World

UNKNOWN, HEALTHY, UNHEALTHY = Health.UNKNOWN, Health.HEALTHY, Health.UNHEALTHY


def watched(*names: str | Origin, **fields: object) -> Config:
    """Return a configuration of one monitored pool, every 30 seconds unless told otherwise."""
    watching = monitor(**{"interval": 30, "consecutive_down": 3, "consecutive_up": 2, **fields})
    return config_of(balancer_of(pool("p", *names, monitor=watching)))


def test_a_new_object_knows_nothing_and_is_due_at_once() -> None:
    """The first isolate to ask gets an empty view, and the alarm is wanted now."""
    world = World(watched("a", "b"))

    assert world.view().origins == {}
    assert world.view().probed == 0.0
    assert world.keeper.next_at is not None
    assert world.keeper.next_at <= START


def test_origins_are_probed_together_once_an_interval() -> None:
    """One alarm for all that is due, counted from the round's start, so that none drifts away."""
    world = World(watched("a", "b"))

    world.run_until(60)

    assert world.probes == [(at, name) for at in (0, 30, 60) for name in ("a", "b")]
    assert world.view().probed == START + 60


def test_no_more_than_four_probes_are_sent_side_by_side() -> None:
    """A request of the runtime has six connections, and the rest of the origins wait their turn."""
    names = [f"o{number}" for number in range(MOST_PROBES_AT_ONCE + 3)]
    world = World(watched(*names))

    world.run_until(0)

    assert sorted(name for _, name in world.probes) == sorted(names)
    assert world.most_at_once == 4


def test_one_alarm_sends_no_more_probes_than_it_has_subrequests_for() -> None:
    """What is left over is due at once, those first that waited longest."""
    names = [f"o{number:02}" for number in range(MOST_PROBES_AT_ONCE + 3)]
    world = World(watched(*names))
    rounds: list[int] = []

    world.run_until(0, between=lambda: rounds.append(len(world.probes)))

    assert rounds == [MOST_PROBES_AT_ONCE, len(names)]


def test_monitors_of_different_intervals_keep_their_own_time() -> None:
    """A round probes only what is due in it."""
    slow = pool("slow", "s", monitor=monitor(interval=60))
    quick = pool("quick", "q", monitor=monitor(interval=20))
    world = World(config_of(balancer_of(slow, quick)))

    world.run_until(60)

    assert [at for at, name in world.probes if name == "s"] == [0, 60]
    assert [at for at, name in world.probes if name == "q"] == [0, 20, 40, 60]


def test_consecutive_down_counts_across_evictions() -> None:
    """The object is taken from memory between any two alarms, and the streak goes on."""
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
    """Whoever comes back finds everything as it was."""
    world = World(watched("a"))
    world.run_until(30)
    before, next_at = world.view(), world.keeper.next_at

    world.evict()

    assert world.view() == before
    assert world.keeper.next_at == next_at


def test_a_round_writes_one_row() -> None:
    """And a pull none, so that the free plan's rows last for rounds every few seconds.

    Metrics are one row a minute besides.
    """
    world = World(watched("a", "b", "c"))
    world.run_until(30)
    before = world.sql.written

    world.run_until(300)
    for _ in range(10):
        world.pull()

    assert world.sql.written - before == 9 + 5


def test_an_isolate_that_knows_the_version_is_told_only_the_time() -> None:
    """Nothing is parsed when nothing changed, and the isolate knows that probing goes on."""
    world = World(watched("a"))
    world.run_until(0)
    view = world.view()

    world.run_until(30)
    answer = world.pull(fingerprint=view.fingerprint, version=view.version)

    assert float(answer) == START + 30


def test_the_version_grows_only_with_what_isolates_must_see() -> None:
    """A streak or a time is no news; a change of health is."""
    world = World(watched("a"))
    world.run_until(0)
    first = world.view().version

    world.run_until(60)
    assert world.view().version == first
    world.down = {"a"}
    world.run_until(150)
    assert world.view().version > first


def test_no_version_comes_twice_when_the_storage_is_lost() -> None:
    """An isolate that knows a version of before must not take another view for it."""
    world = World(watched("a"))
    world.run_until(0)
    before = world.view().version
    lost = World(world.config, now=START + 5)

    lost.run_until(5)

    assert lost.view().version > before


def test_a_reported_origin_is_probed_at_once() -> None:
    """The object does not wait for the interval when real traffic failed."""
    world = World(watched("a", "b"))
    world.run_until(10)

    world.pull(reports=[["p", "b", "connection failed", START + 10]])
    world.run_until(10)

    assert world.probes[2:] == [(10, "b")]
    assert world.keeper.next_at == START + 30


def test_a_report_right_after_a_probe_is_not_lost() -> None:
    """An isolate says it once, since it ejects the origin: the probe comes a little later."""
    world = World(watched("a"))
    world.run_until(1)

    world.pull(reports=[["p", "a", "connection failed", START + 1]])
    world.run_until(29)

    assert [at for at, _ in world.probes] == [0, REPORT_GAP]


def test_a_report_older_than_the_latest_probe_is_settled() -> None:
    """It came late; the probe has answered it."""
    world = World(watched("a"))
    world.run_until(30)

    world.pull(reports=[["p", "a", "connection failed", START + 20]])
    world.run_until(59)

    assert [at for at, _ in world.probes] == [0, 30]


def test_reports_cannot_hurry_probes_without_end() -> None:
    """An origin whose pages fail while its health path answers is probed ever less for it."""
    world = World(watched("a"))
    world.run_until(0)

    for second in range(1, 100):
        world.now = START + second
        world.pull(reports=[["p", "a", "connection failed", world.now]] * 50)
        world.run_until(second)

    assert [at for at, _ in world.probes] == [0, 5, 15, 35, 65, 95]


def test_reports_count_at_once_again_after_a_quiet_interval() -> None:
    """The next failure is another incident."""
    world = World(watched("a"))
    for second in (1, 6):
        world.run_until(second)
        world.pull(reports=[["p", "a", "connection failed", world.now]])
    world.run_until(60)

    world.pull(reports=[["p", "a", "connection failed", world.now]])
    world.run_until(70)

    assert [at for at, _ in world.probes] == [0, 5, 15, 45, 60]


def test_an_origin_that_is_known_to_be_down_is_not_hurried() -> None:
    """Its recovery is the monitor's to find, and all are told of it already."""
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
    """Nothing that arrives can break the object."""
    world = World(watched("a"))
    world.run_until(0)

    assert json.loads(world.keeper.pull(text))["version"] == world.view().version
    assert world.keeper.next_at == START + 30


def test_another_configuration_keeps_what_is_still_there() -> None:
    """What is gone is dropped, and what is new or stands elsewhere starts unknown."""
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
    """The object starts anew and overwrites it."""
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
    """Probing goes on with nothing known."""
    world = World(watched("a"))
    world.run_until(0)
    world.sql("ALTER TABLE kept RENAME COLUMN value TO other")

    world.evict()

    assert world.health() == {}
    assert isinstance(world.log[-1], Trouble)


def test_changes_of_health_become_events() -> None:
    """One event for a pool and what changed in it, kept in the object's storage."""
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
    """Even when the Worker was deployed anew in between: what was disabled before is stored."""
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
    """A configuration without monitors costs nothing."""
    world = World(config_of(balancer_of(pool("p", "a"))))

    assert world.keeper.next_at is None


def in_maintenance(start: float, end: float) -> Config:
    """Return two origins, of which "b" is in maintenance for a while."""
    away = origin("b", "p", maintenance=(Window(start=START + start, end=START + end),))
    return watched("a", away)


def test_an_origin_in_maintenance_is_not_probed() -> None:
    """From the window's start to its end, and then at once."""
    world = World(in_maintenance(20, 70))

    world.run_until(90)

    assert [at for at, name in world.probes if name == "b"] == [0, 70]
    assert [at for at, name in world.probes if name == "a"] == [0, 30, 60, 90]


def test_a_maintenance_is_an_event_when_it_begins_and_ends() -> None:
    """At its very time, and whether or not the object was evicted meanwhile."""
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
