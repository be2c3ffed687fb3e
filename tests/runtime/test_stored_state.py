"""State that version 0.1.0 stored, used by this version on workerd.

tests/data/state_0_1 describes the content. These tests treat it as written a moment ago and move
its origins and its sink to local addresses.
"""

from __future__ import annotations

import json
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lb.admin.auth.sessions import COOKIE, Session, Sessions
from lb.admin.auth.signed_in import Role
from lb.admin.auth.tokens import Tokens, tokens_of
from lb.model import Admin
from support.answers import reply
from support.operator import ACCOUNT, ANALYTICS, ZONE, Operator
from support.origins import Origin, origins
from support.scrape import Scrape
from support.stored import STATE_0_1 as STORED
from support.waiting import until
from support.worker import Worker, running_worker

SITE, API = "service.example.com", "api.example.com"
IDS: dict[str, str] = STORED.known["ids"]
INCIDENT = "e7c1fecef26a7caa9c3135023c24ed60"
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Successor:
    """A Worker that starts with the stored state."""

    worker: Worker
    operator: Operator
    one: Origin
    two: Origin
    three: Origin
    sink: Origin
    moved: dict[str, str]
    """The present addresses of the origins and the sink."""
    at_first: dict[str, Any]
    """Each origin's state at the first request to the Worker."""


@pytest.fixture(scope="module")
def successor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Successor]:
    """Start the Worker with the stored state and the second origin unhealthy as before."""
    state = tmp_path_factory.mktemp("state")
    secrets, variables = STORED.secrets, STORED.known["variables"]
    with origins(4) as (one, two, three, sink):
        moved = {each.name: each.url for each in (one, two, three, sink)}
        STORED.lay_out(state, moved, time.time())
        two.fail_health()
        three.behave(reply(500), path="/deep")
        text, options = STORED.text("loadbalancer.toml", moved), [f"--state={state}"]
        with running_worker(text, variables, env=secrets, options=options) as worker:
            operator = Operator(worker, secrets["LB_ADMIN_TOKEN"])
            first = operator.origins()
            yield Successor(worker, operator, one, two, three, sink, moved, first)


def session(identifier: str) -> str:
    """Return the cookie of a valid session; the stored cookies have expired by now."""
    secrets = STORED.secrets
    tokens = tokens_of(secrets["LB_ADMIN_TOKEN"], secrets["LB_READ_TOKEN"], str(Admin()))
    assert isinstance(tokens, Tokens)
    said = Session(role=Role.READ, author="ann", until=int(time.time()) + 3600, id=identifier)
    return f"{COOKIE}={Sessions(tokens.key).value(said)}"


def test_the_alarm_goes_on(successor: Successor) -> None:
    """Probes of all origins go on without any request."""
    probed = (successor.one, successor.two, successor.three)
    started = [len(each.probes) for each in probed]

    def went_on() -> bool:
        more = zip(probed, started, strict=True)
        return all(len(each.probes) >= before + 2 for each, before in more)

    until(went_on, PATIENCE)
    assert successor.two.requests == []
    assert [line for line in successor.worker.log_lines() if line["event"] == "error"] == []


def test_health_is_as_it_was(successor: Successor) -> None:
    """Health, its cause and its time are those that were stored."""
    found = successor.at_first

    assert {name: each["health"] for name, each in found.items()} == {
        "primary/one": "healthy",
        "primary/two": "unhealthy",
        "primary/spare": "unknown",
        "sessions/one": "healthy",
        "sessions/three": "healthy",
        "parked/three": "unknown",
        "replica/three": "healthy",
        "short-lived/o": "unknown",
    }
    assert found["primary/two"]["health_since"] == "2026-11-27T15:16:09Z"
    assert found["primary/two"]["cause"] == "Response code mismatch"
    assert found["sessions/one"]["health_since"] == "2026-11-27T15:16:07Z"
    assert found["sessions/three"]["health_since"] == "2026-11-27T15:16:17Z"
    assert found["replica/three"]["health_since"] == "2026-11-27T15:16:19Z"
    assert found["primary/spare"]["state"] == "disabled"
    assert found["primary/spare"]["since"] == "2026-11-27T15:16:20Z"


def test_objects_and_versions_are_there(successor: Successor) -> None:
    """Stored objects and versions match the export of the earlier version."""
    operator = successor.operator
    versions = {each["version"]: each for each in operator.call("GET", "/versions")}

    assert list(range(1, 13)) == [number for number in sorted(versions) if number <= 12]
    assert versions[12]["summary"] == "set the weight of three in sessions to 0"
    assert versions[7]["author"] == "admin token"
    (weighed,) = operator.call("GET", "/versions/12")["changes"]
    assert weighed["fields"] == [{"path": "origins[1].weight", "before": None, "after": 0}]
    group = operator.call("GET", f"{ACCOUNT}/monitor_groups/{IDS['both']}")
    assert [each["monitor_id"] for each in group["members"]] == [IDS["shallow"], IDS["deep"]]
    pool = operator.call("GET", f"{ACCOUNT}/pools/{IDS['sessions']}")
    assert [each["address"] for each in pool["origins"]] == [
        successor.one.url,
        successor.three.url,
    ]
    exported = tomllib.loads(STORED.text("export.toml", successor.moved))
    assert tomllib.loads(operator.text("/export"))["pools"] == exported["pools"]


def test_events_are_there(successor: Successor) -> None:
    """Stored events keep their ids."""
    operator = successor.operator
    found = operator.call("GET", f"{ANALYTICS}/events?per_page=100")
    down = operator.call("GET", f"{ANALYTICS}/events?pool_name=replica&pool_healthy=false")

    assert [each["id"] for each in found][-12:] == list(range(12, 0, -1))
    assert found[-1]["timestamp"] == "2026-11-27T15:16:07Z"
    assert (down[-1]["id"], down[-1]["pool"]["id"]) == (8, IDS["replica"])
    assert down[-1]["origins"][0]["failure_reason"] == "TCP connection failed"


def test_counters_go_on(successor: Successor) -> None:
    """Counters continue from the stored values."""
    found = Scrape(successor.operator.text("/metrics"))

    assert found.sum("evenkeel_requests_total", load_balancer=API) >= 8
    assert found.sum("evenkeel_failovers_total", load_balancer=SITE) == 1
    assert found.sum("evenkeel_probes_total", pool="primary", origin="two") > 15
    assert found.sum("evenkeel_health_events_total") >= 12


def test_a_preview_has_its_result(successor: Successor) -> None:
    """A stored preview has its result under its id."""
    path = f"{ACCOUNT}/preview/{STORED.known['preview']}"

    (found,) = successor.operator.call("GET", path).values()
    assert [list(each) for each in found["origins"]] == [[successor.one.url], [successor.two.url]]


def test_a_session_that_was_ended_stays_ended(successor: Successor) -> None:
    """A session that was ended stays invalid, and another one of that time stays valid."""

    def asked(identifier: str) -> int:
        headers = {"Cookie": session(identifier)}
        return successor.operator.send("GET", "/versions", headers=headers).status_code

    assert asked("cD22DxwYUvtdmZj7") == 401
    assert asked("zG9gs6DeyQ0kKwXB") == 200


def test_a_client_stays_with_its_origin(successor: Successor) -> None:
    """A stored affinity cookie leads to its origin, which has weight 0."""
    operator, cookie = successor.operator, STORED.known["cookie"]

    assert [operator.get(SITE).text for _ in range(5)] == ["one"] * 5
    assert [operator.get(SITE, cookie).text for _ in range(5)] == ["three"] * 5


def test_a_change_is_the_next_version(successor: Successor) -> None:
    """A change creates the next version, and a rollback to a stored version works."""
    operator = successor.operator
    before = operator.call("GET", f"{ZONE}/{IDS[API]}")
    assert (before["session_affinity_ttl"], before["steering_policy"]) == (7200, "dynamic_latency")

    operator.call("PATCH", f"{ZONE}/{IDS[API]}", {"session_affinity_ttl": 3600})

    newest = operator.call("GET", "/versions")[0]
    assert (newest["version"], newest["summary"]) == (13, f"update load balancer {API}")
    assert operator.call("POST", "/versions/12/rollback")["version"] == 14
    after = operator.call("GET", f"{ZONE}/{IDS[API]}")
    assert after["session_affinity_ttl"] == 7200
    assert operator.origins()["primary/two"]["health_since"] == "2026-11-27T15:16:09Z"


def test_what_waited_is_told_and_the_incident_ends(successor: Successor) -> None:
    """A sink gets the queued messages in order, and the end of an incident has its stored id."""
    sink, two = successor.sink, successor.two

    def told(path: str) -> list[dict[str, Any]]:
        return [json.loads(each.body) for each in sink.requests if each.path == path]

    until(lambda: len(told("/ops")) >= 5, PATIENCE)
    assert [each["text"].splitlines()[0] for each in told("/ops")] == [
        "two in pool primary is down",
        "2 origins are down",
        "Pool replica is down",
        "2 origins are healthy again after 6 seconds",
        "Pool replica is healthy again after 5 seconds",
    ]
    assert told("/ops")[0]["alert_correlation_id"] == INCIDENT
    assert told("/chat") == []

    two.reset()
    until(lambda: told("/chat") and len(told("/ops")) == 6, PATIENCE)
    (end,) = told("/chat")
    assert end["alert_event"] == "ALERT_STATE_EVENT_END"
    assert end["alert_correlation_id"] == "b322bc924dfd85c9245fca5befa3ac6f"
    assert told("/ops")[5]["alert_correlation_id"] == INCIDENT
