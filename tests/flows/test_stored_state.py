"""Version 0.1.0's stored health, events, metrics and notifications stay readable.

The values are those of tests/data/state_0_1; its README says how they were made.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from lb.health.verdict import OriginHealth
from lb.model import Health
from lb.object.event_log import EventLog, Query
from lb.object.stored import row_from_json
from lb.state.shared_view import from_json
from support.scrape import Scrape
from support.stored import STATE_0_1 as STORED
from support.successor import Successor

SITE, API = "service.example.com", "api.example.com"
IDS: dict[str, str] = STORED.known["ids"]
ONE, TWO, THREE, SINK = STORED.known["addresses"].values()
INCIDENT = "e7c1fecef26a7caa9c3135023c24ed60"


@pytest.fixture
def successor() -> Successor:
    """The successor, at the time when everything was written."""
    return Successor(STORED)


def test_health_is_as_it_was(successor: Successor) -> None:
    """Health keeps its times, thresholds, latencies by region, and the monitors of a group."""
    shared = successor.keeper.shared()

    assert shared.probed == 1795792581.928
    assert shared.version >= 1795792589
    assert shared.origins == {
        ("sessions", "one"): OriginHealth(
            health=Health.HEALTHY,
            streak=15,
            since=1795792567.896,
            checked=1795792581.927,
            cause="No failures",
            latencies=(("", 0.006471371200802878),),
        ),
        ("sessions", "three"): OriginHealth(
            health=Health.HEALTHY,
            streak=7,
            since=1795792577.926,
            checked=1795792581.928,
            cause="No failures",
            recovered=1795792577.926,
            latencies=(("", 0.005805251537822187),),
        ),
        ("primary", "one"): OriginHealth(
            health=Health.HEALTHY,
            streak=15,
            since=1795792567.929,
            checked=1795792581.929,
            cause="No failures",
        ),
        ("primary", "two"): OriginHealth(
            health=Health.UNHEALTHY,
            streak=-14,
            since=1795792569.884,
            checked=1795792581.932,
            cause="Response code mismatch",
        ),
        ("replica", "three"): OriginHealth(
            health=Health.HEALTHY,
            since=1795792579.937,
            checked=1795792579.937,
            cause="No failures",
            recovered=1795792579.937,
            latencies=(("WEU", 0.006499826908111572),),
            members=(
                (
                    IDS["shallow"],
                    OriginHealth(
                        health=Health.HEALTHY,
                        streak=1,
                        since=1795792579.937,
                        checked=1795792579.937,
                        cause="No failures",
                        recovered=1795792579.937,
                        latencies=(("WEU", 0.006499826908111572),),
                    ),
                ),
                (
                    IDS["deep"],
                    OriginHealth(
                        health=Health.UNHEALTHY,
                        streak=-3,
                        since=1795792570.309,
                        checked=1795792579.937,
                        cause="Response code mismatch",
                    ),
                ),
            ),
        ),
    }
    assert successor.log == []


def test_the_row_of_before_is_read_whole(successor: Successor) -> None:
    """The stored row has each probe's time and address, and what was disabled, and since when."""
    (row,) = successor.sql("SELECT value FROM kept")
    kept = row_from_json(row["value"])

    assert kept.asked == {
        ("sessions", "one", ONE): 1795792581.924,
        ("sessions", "three", THREE): 1795792581.924,
        ("primary", "one", ONE): 1795792581.924,
        ("primary", "two", TWO): 1795792581.924,
        ("replica", "three", THREE): 1795792579.9139998,
    }
    assert kept.noted == 1795792581.929
    assert kept.disabled == {("parked",), ("primary", "spare")}


def test_probes_go_on_where_they_were(successor: Successor) -> None:
    """The next probe is due one interval after the last one of version 0.1.0, and not before."""
    assert successor.keeper.next_at == 1795792582.924

    successor.alarms(until=1795792582.924)
    of_web = [f"{ONE}/health", f"{ONE}/health", f"{TWO}/health", f"{THREE}/health"]
    assert Counter(successor.probed) == Counter(of_web)

    successor.probed.clear()
    successor.alarms(until=1795792584.913)
    assert Counter(successor.probed) == Counter(of_web)

    successor.probed.clear()
    successor.alarms(until=1795792584.914)
    of_group = [f"{THREE}/health", f"{THREE}/deep"]
    assert Counter(successor.probed) == Counter([*of_web, *of_group])


def test_a_round_that_finds_all_as_it_was_is_no_news(successor: Successor) -> None:
    """A round that finds no change causes no event for what was already down or disabled."""
    successor.alarms(until=1795792584.914)

    assert EventLog(successor.sql).count == 12
    assert successor.log == []
    assert successor.keeper.shared().origins["primary", "two"].streak == -17


def test_the_event_log_is_there(successor: Successor) -> None:
    """The event log has all events with their ids, and every filter finds the right ones."""
    log = EventLog(successor.sql)

    def found(**query: Any) -> list[int]:
        return [each["id"] for each in log.query(Query(**query)).events]

    assert found() == list(range(12, 0, -1))
    assert found(pool_name="replica") == [11, 8, 5]
    assert found(pool_healthy=False) == [8]
    assert found(origin_name="two", origin_healthy=False) == [4]
    assert found(since=1795792577.938, until=1795792579.959) == [11, 10, 9]
    assert log.latest(5)[4] == {
        "id": 8,
        "timestamp": "2026-11-27T15:16:14Z",
        "pool": {
            "id": "replica",
            "name": "replica",
            "healthy": False,
            "changed": True,
            "minimum_origins": 1,
        },
        "origins": [
            {
                "name": "three",
                "address": THREE,
                "ip": "",
                "enabled": True,
                "healthy": False,
                "changed": True,
                "failure_reason": "TCP connection failed",
            }
        ],
    }


def test_an_event_is_kept_for_thirty_days(successor: Successor) -> None:
    """An event is deleted thirty days after version 0.1.0 wrote it."""
    log = EventLog(successor.sql)

    assert log.prune(1795792567.944 + 30 * 86_400) == 0
    assert log.prune(1795792569.895 + 30 * 86_400) == 3
    assert log.query(Query()).total_count == 9


def test_no_counter_goes_back(successor: Successor) -> None:
    """Counters of requests, failures, sessions and probes continue from their stored values."""
    found = Scrape(successor.keeper.totals.text(successor.keeper.current_state(12)))

    assert found.sum("evenkeel_requests_total", load_balancer=SITE) == 5
    assert found.sum("evenkeel_requests_total", load_balancer=API, origin="one") == 8
    assert found.sum("evenkeel_attempts_total", origin="three", outcome="connection") == 1
    assert found.sum("evenkeel_failovers_total", load_balancer=SITE) == 1
    assert found.sum("evenkeel_ejections_total", pool="sessions", origin="three") == 1
    assert found.all("evenkeel_sessions_total", load_balancer=SITE) == {
        ("miss",): 3,
        ("moved",): 1,
        ("hit",): 1,
    }
    assert found.sum("evenkeel_request_duration_seconds_count") == 13
    assert found.sum("evenkeel_probes_total", pool="primary", origin="two") == 15
    assert found.sum("evenkeel_probe_latest_seconds", pool="primary", origin="two") == 0.059
    assert found.sum("evenkeel_health_events_total") == 12
    assert found.sum("evenkeel_isolates") == 1


def test_what_an_isolate_has_handed_over_is_not_counted_twice(successor: Successor) -> None:
    """Counts that an isolate sends again after the update are acknowledged, not counted twice."""
    again = {
        "isolate": "0.9042308791451796",
        "number": 3,
        "since": STORED.at - 5,
        "until": STORED.at,
        "answers": [[API, "sessions", "one", "1", "", [[26, 1]]]],
        "events": [],
    }

    assert successor.keeper.totals.receive(again, STORED.at) == 3
    found = Scrape(successor.keeper.totals.text(successor.keeper.current_state(12)))
    assert found.sum("evenkeel_requests_total", load_balancer=API) == 8


def test_charts_go_on(successor: Successor) -> None:
    """Charts show the requests, times and health from before the update."""
    totals = successor.keeper.totals
    charts = totals.charts({"primary", "sessions", "parked"}, STORED.at)
    origins = {(each["pool"], each["origin"]): each for each in charts["origins"]}
    balancers = {each["name"]: each for each in charts["load_balancers"]}

    assert origins["sessions", "one"]["requests"][-1] == 10
    assert origins["sessions", "three"]["failures"][-1] == 1
    assert origins["sessions", "one"]["latency_ms"][-1] == 1.7
    assert origins["primary", "two"]["probe_ms"][-1] == 59.0
    assert origins["primary", "two"]["health"][-1] == "unhealthy"
    assert origins["parked", "three"]["health"][-1] == "disabled"
    share = totals.shares(STORED.at)["sessions", "one"]
    assert share == pytest.approx(10 / 14, abs=0.001)
    assert balancers[API]["requests"][-1] == 8
    assert balancers[API]["health"][-1] == "degraded"


def test_what_waits_to_be_told_is_told(successor: Successor) -> None:
    """Pending deliveries go out in order when due, and none goes to a sink that already got it."""
    successor.alarms(until=1795792589.7)
    assert successor.delivered == []

    successor.alarms(until=1795792589.8)
    assert {each.url for each in successor.delivered} == {f"{SINK}/ops"}
    told = [json.loads(each.body) for each in successor.delivered]
    assert [each["text"].splitlines()[0] for each in told] == [
        "two in pool primary is down",
        "2 origins are down",
        "Pool replica is down",
        "2 origins are healthy again after 6 seconds",
        "Pool replica is healthy again after 5 seconds",
    ]
    assert told[0]["alert_correlation_id"] == INCIDENT
    assert told[1]["alert_correlation_id"] == told[3]["alert_correlation_id"]
    assert told[0]["ts"] == 1795792570
    assert told[2]["data"]["affected"][0] == {
        "event_source": "pool",
        "pool_id": "replica",
        "pool_name": "replica",
        "origin_name": "",
        "new_health": "Unhealthy",
        "reason": "0 of 1 origins healthy, and it needs 1",
        "status_change_time": "2026-11-27T15:16:14Z",
    }


def test_an_incident_that_was_open_ends(successor: Successor) -> None:
    """Every sink learns of the end of an incident whose start version 0.1.0 reported."""
    successor.alarms(until=1795792590)
    successor.delivered.clear()
    successor.down.clear()

    successor.alarms(until=1795792600)

    told = {each.url: json.loads(each.body) for each in successor.delivered}
    assert {each["text"].splitlines()[0] for each in told.values()} == {
        "two in pool primary is healthy again after 23 seconds"
    }
    assert {
        url: (each["alert_event"], each["alert_correlation_id"]) for url, each in told.items()
    } == {
        f"{SINK}/ops": ("ALERT_STATE_EVENT_END", INCIDENT),
        f"{SINK}/chat": ("ALERT_STATE_EVENT_END", "b322bc924dfd85c9245fca5befa3ac6f"),
    }


def test_the_text_in_kv_is_read() -> None:
    """Isolates without an object share the text that is stored in KV."""
    found = from_json(STORED.text("kv.json"))

    assert found is not None
    assert (found.version, found.probed) == (1795792586, 0.0)
    assert {key: one.health for key, one in found.origins.items()} == {
        ("sessions", "one"): Health.HEALTHY,
        ("sessions", "three"): Health.HEALTHY,
        ("primary", "one"): Health.HEALTHY,
        ("primary", "two"): Health.UNHEALTHY,
        ("primary", "spare"): Health.HEALTHY,
    }
    assert found.origins["primary", "two"] == OriginHealth(
        health=Health.UNHEALTHY,
        streak=-1,
        since=1795792586.896,
        checked=1795792586.896,
        cause="Response code mismatch",
    )
