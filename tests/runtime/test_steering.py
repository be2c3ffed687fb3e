"""Steering by location, latency and load, and load shedding of pools."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from websockets.sync.client import connect

from support.answers import after, reply
from support.exchange import Behaviour, Exchange
from support.origins import Origin
from support.sockets import websocket
from support.toml import load_balancer, monitor, pool, table
from support.waiting import until
from support.workerd import CF, Workerd, workerd

REQUESTS = 200
LEAST = ("least_outstanding_requests", "least_connections")


def configuration(one: Origin, two: Origin, three: Origin) -> str:
    """One load balancer for each policy."""
    geo = {
        "pop_pools": {"FRA": ["c"]},
        "country_pools": {"US": ["b", "a"]},
        "region_pools": {"NEAS": ["c", "b"], "WNAM": ["c"]},
    }
    weights = {"default_weight": 0.2, "pool_weights": {"b": 0.6}}
    weighted = {"steering_policy": "random", "random_steering": weights}
    quiet = {"ejection": {"base_time": 0}, "failover": {"first_byte_timeout": 60}}
    shed = {"default_percent": 100, "session_percent": 100}
    sets = [
        {
            "name": "west",
            "match": {"topology": {"countries": ["US"], "regions": ["WNAM"]}},
            "overrides": {"pools": ["b", "c"]},
        },
        {
            "name": "closed",
            "match": {"topology": {"countries": ["AQ"]}},
            "fixed_response": {"status_code": 403, "message_body": "not here"},
        },
    ]
    return "\n".join(
        [
            pool("a", one, latitude=50.1, longitude=8.7),
            pool("b", two, latitude=39.0, longitude=-77.5),
            pool("c", three),
            pool("ab", one, two, origin_steering={"policy": LEAST[0]}),
            pool("abc", one, two, origin_steering={"policy": LEAST[1]}),
            pool("full", one, load_shedding={"default_percent": 30, "default_policy": "hash"}),
            pool("moving", one, load_shedding=shed),
            load_balancer("geo.test", "a", **geo, **quiet),
            load_balancer("random.test", "a", "b", "c", **weighted),
            load_balancer("near.test", "c", "b", "a", steering_policy="proximity"),
            load_balancer("pools.test", "a", "b", steering_policy=LEAST[0], **quiet),
            load_balancer("origins.test", "ab", **quiet),
            load_balancer("sockets.test", "abc", **quiet),
            load_balancer("shed.test", "full", "b"),
            load_balancer("moved.test", "moving", "b", session_affinity="cookie"),
            load_balancer("sets.test", "a", pool_sets=sets),
            load_balancer("all.test", "moving", fallback_pool="c"),
        ]
    )


def come_from(**cf: str) -> tuple[str, str]:
    """The location of a request, as in the runtime's Request.cf."""
    return (CF, json.dumps(cf))


@pytest.mark.parametrize(
    ("cf", "served_by"),
    [
        ({}, "one"),
        ({"colo": "FRA", "country": "US"}, "three"),
        ({"colo": "IAD", "country": "US", "regionCode": "CA"}, "two"),
        ({"colo": "NRT", "country": "JP"}, "three"),
        ({"colo": "YVR", "country": "CA", "regionCode": "BC"}, "three"),
        ({"colo": "YYZ", "country": "CA", "regionCode": "ON"}, "one"),
        ({"colo": "QQQ", "country": "T1"}, "one"),
    ],
)
def test_geo(worker: Workerd, cf: dict[str, str], served_by: str) -> None:
    """Geo steering, implied by its maps, tries data center, country, region, then default_pools."""
    assert worker.get("/", come_from(**cf), host="geo.test").served_by == served_by


def test_without_cf_geo_is_the_default(worker: Workerd) -> None:
    """A request without a location goes to default_pools."""
    assert worker.get("/", host="geo.test").served_by == "one"


def test_the_pools_of_a_place_fail_over_in_their_order(worker: Workerd, two: Origin) -> None:
    """A request fails over to the next pool of its country."""
    two.behave(reply(503))
    origin = worker.get("/", come_from(country="US"), host="geo.test").served_by
    assert origin == "one"


def test_random_pools_follow_random_steering(worker: Workerd) -> None:
    """Random steering gives each pool the share of its weight."""
    found = Counter(worker.get("/", host="random.test").served_by for _ in range(REQUESTS))

    assert 84 < found["two"] < 156  # five standard deviations around 120 of 200
    assert found["one"] > 11  # and around 40 each
    assert found["three"] > 11


@pytest.mark.parametrize(
    ("cf", "served_by"),
    [
        ({"latitude": "48.8", "longitude": "2.3"}, "one"),
        ({"latitude": "-23.5", "longitude": "-46.6"}, "two"),
        ({}, "three"),
    ],
)
def test_proximity(worker: Workerd, cf: dict[str, str], served_by: str) -> None:
    """Proximity steering picks the nearest pool or, without a location, the first pool."""
    assert worker.get("/", come_from(**cf), host="near.test").served_by == served_by


@contextmanager
def waiting(worker: Workerd, host: str, one: Origin, two: Origin) -> Iterator[tuple[str, str]]:
    """Keep a request waiting at an origin; yield the names of that origin and of the other one."""
    release = threading.Event()
    for origin in (one, two):
        origin.behave(waits_for(release), path="/wait")
    held = threading.Thread(target=worker.get, args=("/wait",), kwargs={"host": host})
    held.start()
    try:
        until(lambda: len(one.requests) + len(two.requests) == 1)
        yield (one.name, two.name) if one.requests else (two.name, one.name)
    finally:
        release.set()
        held.join()


def waits_for(release: threading.Event) -> Behaviour:
    """Respond once the event is set."""

    async def answer(exchange: Exchange) -> None:
        await asyncio.to_thread(release.wait, 30)
        await reply(200)(exchange)

    return answer


@pytest.mark.parametrize("host", ["pools.test", "origins.test", "sockets.test"])
def test_where_a_request_waits_no_other_is_sent(
    worker: Workerd, one: Origin, two: Origin, host: str
) -> None:
    """Policies by outstanding requests or connections avoid an origin whose request is pending."""
    with waiting(worker, host, one, two) as (_, other):
        found = Counter(worker.get("/", host=host).served_by for _ in range(20))
    assert found == {other: 20}
    later = {worker.get("/", host=host).served_by for _ in range(40)}
    assert later == {"one", "two"}


def test_an_open_websocket_is_a_connection(worker: Workerd, one: Origin, two: Origin) -> None:
    """An open WebSocket counts as a connection for least_connections."""
    for origin in (one, two):
        origin.behave(websocket(), path="/chat")
    link = socket.create_connection(("127.0.0.1", worker.port), 10)
    with connect("ws://sockets.test/chat", sock=link) as chat:
        chat.send("hello")
        assert chat.recv(timeout=10) == "hello"
        other = "two" if one.requests else "one"
        found = Counter(worker.get("/", host="sockets.test").served_by for _ in range(20))
    assert found == {other: 20}


def test_pool_sets(worker: Workerd) -> None:
    """The first matching pool set provides its own pools or a fixed response."""
    oregon = come_from(country="US", regionCode="OR")
    assert worker.get("/", oregon, host="sets.test").served_by == "two"
    texas = come_from(country="US", regionCode="TX")
    assert worker.get("/", texas, host="sets.test").served_by == "one"
    closed = worker.get("/", come_from(country="AQ"), host="sets.test")
    assert (closed.status, closed.text) == (403, "not here")
    assert worker.get("/", host="sets.test").served_by == "one"


def test_load_shedding_by_hash(worker: Workerd) -> None:
    """Load shedding by hash always moves the same clients to the next pool."""
    clients = [f"198.51.100.{number}" for number in range(100)]

    def served() -> dict[str, str | None]:
        return {
            ip: worker.get("/", ("CF-Connecting-IP", ip), host="shed.test").served_by
            for ip in clients
        }

    found = served()
    assert served() == found
    assert 7 < Counter(found.values())["two"] < 53  # five standard deviations around 30


def test_load_shedding_moves_sessions_where_it_is_told_to(worker: Workerd) -> None:
    """Load shedding moves a client with a session if it is configured to."""
    answer = worker.get("/", host="moved.test")
    assert answer.served_by == "two"
    cookie = (answer.header("set-cookie") or "").partition(";")[0]
    assert worker.get("/", ("Cookie", cookie), host="moved.test").served_by == "two"


def test_what_all_pools_shed_goes_to_the_fallback_pool(worker: Workerd) -> None:
    """Requests that all pools shed go to the fallback pool, as Cloudflare documents."""
    assert worker.get("/", host="all.test").served_by == "three"


def test_dynamic_latency_prefers_the_pool_that_answers_probes_sooner(
    one: Origin, two: Origin
) -> None:
    """Dynamic latency steering prefers the pool with the fastest probes."""
    config = (
        monitor("health", timeout=0.9)
        + pool("slow", one, monitor="health")
        + pool("fast", two, monitor="health")
        + load_balancer("*", "slow", "fast", steering_policy="dynamic_latency")
    )
    one.behave(after(0.3, reply(200)), path="/health")
    with workerd(config) as worker:
        until(lambda: worker.get().served_by == "two")
        assert worker.get().served_by == "two"


def test_a_group_of_monitors_votes(one: Origin, two: Origin) -> None:
    """In a monitor group one failed vote of three is tolerated unless it must be healthy."""
    member = {"enabled": True, "monitoring_only": False, "must_be_healthy": False}
    login = {**member, "monitor_id": "login", "must_be_healthy": True}
    others = [{**member, "monitor_id": name} for name in ("health", "extra")]
    config = (
        monitor("health")
        + monitor("extra", path="/extra")
        + monitor("login", path="/login")
        + table("monitor_groups", {"id": "g", "description": "", "members": [*others, login]})
        + pool("a", one, monitor_group="g")
        + pool("b", two, monitor_group="g")
        + load_balancer("*", "a", "b", ejection={"base_time": 0})
    )
    one.behave(reply(500), path="/extra")
    with workerd(config) as worker:
        until(lambda: worker.get().status and worker.events("monitor_changed", after="unhealthy"))
        assert worker.get().served_by == "one"
        one.behave(reply(500), path="/login")
        until(lambda: worker.get().served_by == "two")
    (told,) = worker.events("health_changed", origin="one", after="unhealthy")
    assert told["cause"] == "Response code mismatch"
