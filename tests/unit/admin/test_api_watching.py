"""Health, previews and events through Cloudflare's API."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from lb.admin.api import handle
from lb.admin.api.pool_health import rtt
from lb.admin.calls import Call, Refusal, Result
from lb.admin.handlers.context import HandlerContext
from lb.model import Region
from lb.object.previews import KEPT_SECONDS, Previews
from lb.object.run import run_preview
from lb.proxy.balancer import Balancer
from lb.proxy.plan import Plan
from lb.proxy.steps import Attempt, Refuse
from support.api import A, Api
from support.make import facts
from support.state import START, World

ORIGINS = [
    {"name": "one", "address": "one.example.com"},
    {"name": "two", "address": "two.example.com"},
]


class Watched:
    """A balancer with one pool, and a keeper that probes it."""

    def __init__(self, votes: Any = None, **fields: Any) -> None:
        self.api = Api()
        self.monitor = self.api.monitor(interval=10, retries=0)
        self.pool = self.api.pool("p", origins=ORIGINS, monitor=self.monitor, **fields)
        self.api.balancer(self.pool)
        config = self.api.office.store.effective.config
        assert config is not None
        self.world = World(config, votes=votes)

    @property
    def context(self) -> HandlerContext:
        return HandlerContext(
            store=self.api.office.store,
            keeper=self.world.keeper,
            sql=self.world.sql,
            clock=lambda: self.world.now,
            chance=lambda: 0.5,
        )

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Send a request; return its result."""
        path, _, query = path.partition("?")
        text = "" if body is None else json.dumps(body)
        call = Call(method=method, path=f"/client/v4{path}", query=query, body=text)
        said = handle(self.context, call)
        assert isinstance(said, Result), said
        return said.result


def test_before_the_first_probe_no_place_has_results() -> None:
    """A pool without a monitor never has any."""
    watched = Watched()

    health = watched.ask("GET", f"{A}/pools/{watched.pool}/health")
    assert health == {"pool_id": watched.pool, "pop_health": {}}


def test_health_is_shown_by_place_and_address() -> None:
    """Each origin has the result of its latest probe, in Cloudflare's wording."""
    watched = Watched(minimum_origins=2)
    watched.world.down = {"two"}
    watched.world.takes = {"one": 0.0121, "two": 0.0121}
    watched.world.run_until(5)

    assert watched.ask("GET", f"{A}/pools/{watched.pool}/health")["pop_health"] == {
        "Worker": {
            "healthy": False,
            "origins": [
                {
                    "one.example.com": {
                        "healthy": True,
                        "failure_reason": "No failures",
                        "response_code": 200,
                        "rtt": "12.1ms",
                    }
                },
                {
                    "two.example.com": {
                        "healthy": False,
                        "failure_reason": "TCP connection failed",
                        "response_code": 0,
                        "rtt": "0s",
                    }
                },
            ],
        }
    }


def test_each_region_that_probes_is_a_place() -> None:
    """All regions vote on one verdict."""
    votes = {region: {"one": True, "two": True} for region in (Region.WEU, Region.ENAM)}
    watched = Watched(votes, check_regions=["ENAM", "WEU"])
    watched.world.times = {Region.WEU: {"one": 0.01}, Region.ENAM: {"one": 0.2}}
    watched.world.run_until(5)

    places = watched.ask("GET", f"{A}/pools/{watched.pool}/health")["pop_health"]
    assert set(places) == {"WEU", "ENAM"}
    assert all(place["healthy"] for place in places.values())


def test_round_trips_are_written_as_cloudflare_writes_them() -> None:
    """Durations are written as Go writes them."""
    assert [rtt(0.0121), rtt(0.5), rtt(1.518), rtt(None)] == ["12.1ms", "500.0ms", "1.52s", "0s"]


def test_a_preview_is_answered_before_anything_is_probed() -> None:
    """The results are there once the probes are done."""
    watched = Watched()
    watched.world.down = {"two"}
    body = {"path": "/other", "interval": 0}
    asked = watched.ask("POST", f"{A}/pools/{watched.pool}/preview", body)
    path = f"{A}/preview/{asked['preview_id']}"

    assert asked["pools"] == {watched.pool: "p"}
    assert watched.ask("GET", path) == {watched.pool: {"healthy": None, "origins": []}}
    assert watched.world.probes == []

    previews = Previews(watched.world.sql)
    assert previews.waiting is True
    asyncio.run(run_preview(previews, watched.world, lambda: watched.world.now))

    assert Previews(watched.world.sql).waiting is False
    (found,) = watched.ask("GET", path).values()
    assert found["healthy"] is True
    assert found["origins"][1]["two.example.com"]["failure_reason"] == "TCP connection failed"
    assert found["origins"][0]["one.example.com"]["response_code"] == 200


def test_a_monitor_is_previewed_on_all_of_its_pools() -> None:
    """The pools of a group with this monitor are probed, too; the configuration stays."""
    watched = Watched()
    member = {"monitor_id": watched.monitor, "enabled": True}
    member |= {"monitoring_only": False, "must_be_healthy": True}
    group = watched.api.result(
        "POST", f"{A}/monitor_groups", {"description": "g", "members": [member]}
    )
    other = watched.api.pool("q", monitor_group=group["id"])
    watched.api.pool("unwatched")

    asked = watched.ask("POST", f"{A}/monitors/{watched.monitor}/preview")

    assert asked["pools"] == {watched.pool: "p", other: "q"}
    assert watched.api.office.store.version == 6


def test_a_preview_that_no_worker_can_carry_out_is_refused() -> None:
    """A monitor with mistakes is refused with the place of each."""
    watched = Watched()
    path = f"{A}/pools/{watched.pool}/preview"

    for body, pointer in (
        ({"type": "icmp_ping"}, "/type"),
        ({"type": "tcp"}, "/port"),
        ({"retries": 9}, "/retries"),
    ):
        call = Call(method="POST", path=f"/client/v4{path}", body=json.dumps(body))
        said = handle(watched.context, call)
        assert isinstance(said, Refusal)
        assert [(each.code, each.pointer) for each in said.faults] == [(1002, pointer)]


def test_a_preview_is_kept_for_an_hour() -> None:
    """After an hour it is not found; nor is an unknown one."""
    watched = Watched()
    asked = watched.ask("POST", f"{A}/pools/{watched.pool}/preview")
    watched.world.now = START + KEPT_SECONDS + 1

    for one in (asked["preview_id"], "nothing"):
        said = handle(watched.context, Call(method="GET", path=f"/client/v4{A}/preview/{one}"))
        assert isinstance(said, Refusal)
        assert said.status == 404


def test_events_are_shown_with_ids() -> None:
    """Cloudflare's filters apply, for the account and for the user."""
    watched = Watched()
    watched.world.run_until(5)
    watched.world.down = {"one", "two"}
    watched.world.run_until(25)
    root = "/accounts/a/load_balancing_analytics/events"

    events = watched.ask("GET", root)
    assert events[0]["pool"]["id"] == watched.pool
    assert events[0]["pool"]["healthy"] is False
    assert watched.ask("GET", f"{root}?pool_id={watched.pool}") == events
    assert watched.ask("GET", f"{root}?pool_id=other") == []
    assert watched.ask("GET", f"{root}?pool_name=p&per_page=1") == events[:1]
    assert watched.ask("GET", f"{root}?pool_healthy=true") == events[1:]
    assert watched.ask("GET", f"{root}?since=2030-01-01T00:00:00Z") == []
    assert watched.ask("GET", "/user/load_balancing_analytics/events?origin_name=one") == events


def test_an_invalid_filter_is_named() -> None:
    """All mistakes are reported at once."""
    said = handle(
        Watched().context,
        Call(
            method="GET",
            path="/client/v4/user/load_balancing_analytics/events",
            query="since=yesterday&pool_healthy=perhaps&page=0&per_page=5000",
        ),
    )

    assert isinstance(said, Refusal)
    assert said.status == 400
    assert [each.message.split()[0] for each in said.faults] == [
        *("since", "pool_healthy", "page", "per_page")
    ]


def test_an_origin_out_of_reach_is_neither_asked_nor_probed() -> None:
    """It serves nobody, not even as the last resort: the client gets 503 or another origin."""
    far = [{"address": "192.0.2.1"}, {"name": "v", "address": "v.example.com"}, {}]
    far[1]["virtual_network_id"] = "a5624d4e-044a-4ff0-b3e1-e2465353d4b4"
    watched = Watched()
    api = watched.api
    nowhere = api.pool("nowhere", origins=far, monitor=watched.monitor)
    api.balancer(nowhere, name="nowhere.example.com", session_affinity="ip_cookie")
    api.balancer(nowhere, watched.pool, name="both.example.com", steering_policy="random")
    config = api.office.store.effective.config
    assert config is not None
    watched.world.evict(config)
    watched.world.run_until(60)
    balancer = Balancer(config, cookie_key="", any_host=False)

    def first(host: str) -> object:
        _, plan = balancer.plan(facts(url=f"https://{host}/"), START, lambda: 0.3)
        assert isinstance(plan, Plan)
        return plan.start()

    assert {name for _, name in watched.world.probes} == {"one", "two"}
    refusal = first("nowhere.example.com")
    assert isinstance(refusal, Refuse)
    assert refusal.status == 503
    attempt = first("both.example.com")
    assert isinstance(attempt, Attempt)
    assert attempt.origin.pool == "p"
