"""The log of health events: rows, queries and pruning."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from lb.health.events import as_json, changes, status_of
from lb.model import Window
from lb.object.event_log import KEPT_EVENTS, KEPT_SECONDS, PRUNED_AT_ONCE, EventLog, Query
from lb.ports import Sql
from support.make import balancer_of, config_of, monitor, origin, pool
from support.telling import config, status


def sqlite() -> Sql:
    """Return a database in memory, behind the Sql port."""
    base = sqlite3.connect(":memory:")
    base.row_factory = sqlite3.Row

    def sql(statement: str, *values: str | float | None) -> list[dict[str, Any]]:
        return [dict(row) for row in base.execute(statement, values).fetchall()]

    return sql


def filled(*rounds: tuple[float, str], log: EventLog | None = None) -> EventLog:
    """Return a log of the changes through these states of health, from unknown."""
    log = log or EventLog(sqlite())
    before = status(config(), "??? ?")
    for at, marks in rounds:
        after = status(config(), marks)
        for event in changes(before, after, at):
            log.append(event)
        before = after
    return log


def test_an_event_has_cloudflares_shape() -> None:
    """An event has a pool, all of its origins, and which of them changed."""
    log = filled((1_763_600_000.4, "+++ +"), (1_763_600_060, "-++ +"))
    newest = log.query(Query()).events[0]

    assert newest["id"] == 3
    assert newest["timestamp"] == "2025-11-20T00:54:20Z"
    assert newest["pool"] == {
        "id": "primary",
        "name": "primary",
        "healthy": True,
        "changed": False,
        "minimum_origins": 1,
    }
    assert newest["origins"][:2] == [
        {
            "name": "a",
            "address": "a.example.com",
            "ip": "",
            "enabled": True,
            "healthy": False,
            "changed": True,
            "failure_reason": "HTTP timeout occurred",
        },
        {
            "name": "b",
            "address": "b.example.com",
            "ip": "",
            "enabled": True,
            "healthy": True,
            "changed": False,
            "failure_reason": "No failures",
        },
    ]


def test_one_event_a_pool_and_moment() -> None:
    """All changes of a pool at one time are one row; a pool without a change has none."""
    log = filled((1, "+++ +"), (2, "+++ +"), (3, "--- +"))
    found = log.query(Query()).events
    assert [(one["id"], one["pool"]["name"]) for one in found] == [
        (3, "primary"),
        (2, "replica"),
        (1, "primary"),
    ]
    assert found[0]["pool"]["changed"]
    assert found[0]["pool"]["healthy"] is False


def test_enabling_and_disabling_are_events() -> None:
    """Disabling by the configuration and by maintenance are both events."""
    resting = origin("a", "p", maintenance=(Window(start=10.0, end=20.0),))
    watched = pool("p", resting, "b", monitor=monitor())
    of = config_of(balancer_of(watched))
    off = config_of(balancer_of(pool("p", resting, "b", monitor=monitor(), enabled=False)))
    moments = [status_of(of, {}, 0), status_of(of, {}, 10), status_of(of, {}, 20)]
    events = changes(moments[0], moments[1], 10) + changes(moments[1], moments[2], 20)
    events += changes(moments[2], status_of(off, {}, 30), 30)

    told = [as_json(event) for event in events]
    assert [(one["origins"][0]["enabled"], one["origins"][0]["changed"]) for one in told] == [
        (False, True),
        (True, True),
        (True, False),
    ]
    assert [one["pool"]["changed"] for one in told] == [False, False, True]
    assert [one["pool"]["healthy"] for one in told] == [None, None, None]


def test_what_is_only_new_is_no_event() -> None:
    """A new pool is no event."""
    assert changes({}, status(config(), "??? ?"), 1) == []


LOG = filled((1, "+++ +"), (2, "-++ +"), (3, "-++ -"), (4, "--- -"), (5, "+++ -"))
"""1: primary, 2: replica come up; 3: a down; 4: replica down; 5: b, c, primary down; 6: all up."""


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        (Query(), [6, 5, 4, 3, 2, 1]),
        (Query(since=3), [6, 5, 4]),
        (Query(until=2), [3, 2, 1]),
        (Query(since=2, until=3), [4, 3]),
        (Query(pool_name="replica"), [4, 2]),
        (Query(pool_id="replica"), [4, 2]),
        (Query(pool_healthy=False), [5, 4]),
        (Query(pool_healthy=True), [6, 3, 2, 1]),
        (Query(origin_name="a"), [6, 3, 1]),
        (Query(origin_name="a", origin_healthy=False), [3]),
        (Query(origin_healthy=False), [5, 4, 3]),
        (Query(origin_healthy=True, pool_name="primary", since=2), [6]),
        (Query(origin_name="' OR 1 --"), []),
        (Query(per_page=4), [6, 5, 4, 3]),
        (Query(per_page=4, page=2), [2, 1]),
        (Query(per_page=4, page=3), []),
        (Query(per_page=0, page=-1), [6]),
    ],
)
def test_queries(query: Query, ids: list[int]) -> None:
    """Queries are by time, pool, origin and health, newest first, in pages."""
    page = LOG.query(query)
    assert [one["id"] for one in page.events] == ids


def test_a_page_says_how_many_there_are() -> None:
    """Pages have Cloudflare's result_info."""
    page = LOG.query(Query(per_page=4, page=2))
    assert (page.page, page.per_page, page.total_count, page.total_pages) == (2, 4, 6, 2)
    assert LOG.query(Query(pool_name="?")).total_pages == 0


def test_old_events_go_in_batches() -> None:
    """Old events go in batches, one with each new event; the newest stays, so ids are unique."""
    sql = sqlite()
    log = EventLog(sql)
    filled(*((now, "-++ +" if now % 2 else "+++ +") for now in range(1, 251)), log=log)
    filled((KEPT_SECONDS + 1000, "+++ ?"), log=log)
    left = log.query(Query()).total_count
    assert left == 252 - PRUNED_AT_ONCE

    while log.prune(9 * KEPT_SECONDS):
        assert left - log.query(Query()).total_count <= PRUNED_AT_ONCE
        left = log.query(Query()).total_count
    assert left == 1
    filled((10 * KEPT_SECONDS, "+++ ?"), log=log)
    assert [one["id"] for one in log.query(Query()).events] == [253]


def test_at_most_so_many_are_kept() -> None:
    """The newest 10,000 events stay."""
    sql = sqlite()
    log = EventLog(sql)
    sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
        "INSERT INTO events SELECT i, 1.0, 'p', 1, '{\"origins\":[]}' FROM n",
        KEPT_EVENTS,
    )
    filled((2, "+++ ?"), (3, "-++ ?"), log=log)
    page = log.query(Query(page=KEPT_EVENTS, per_page=1))
    assert page.total_count == KEPT_EVENTS
    assert [one["id"] for one in page.events] == [3]


def test_one_row_is_written_for_an_event() -> None:
    """An event is one row written, as the table has no index."""
    statements: list[str] = []
    base = sqlite()

    def sql(statement: str, *values: str | float | None) -> list[dict[str, Any]]:
        statements.append(statement.split(maxsplit=1)[0])
        return base(statement, *values)

    log = EventLog(sql)
    statements.clear()
    filled((1, "+++ ?"), log=log)
    assert [word for word in statements if word != "SELECT"] == ["INSERT"]
