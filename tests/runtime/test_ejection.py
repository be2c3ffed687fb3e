"""Ejection of an origin for a while after failures of real traffic."""

from __future__ import annotations

import time

import pytest

from support.answers import hang, reply, reset
from support.exchange import Behaviour, Exchange
from support.origins import Origin
from support.toml import load_balancer, pool
from support.waiting import until
from support.workerd import Workerd

BRIEF = 1.0


def configuration(one: Origin, two: Origin) -> str:
    """One load balancer, with pools of its own, for each ejection rule."""
    rules = {
        "brief": {"base_time": BRIEF},
        "posts": {"base_time": BRIEF},
        "third": {"base_time": BRIEF, "consecutive_failures": 3},
        "long": {"base_time": 60},
        "never": {"base_time": 0},
        "half": {"base_time": 60, "max_percent": 50},
    }
    parts = []
    for name, rule in rules.items():
        pools = [f"{name}-1", f"{name}-2"]
        parts += [pool(pools[0], one), pool(pools[1], two)]
        quick = {"first_byte_timeout": 0.3}
        parts.append(load_balancer(f"{name}.test", *pools, ejection=rule, failover=quick))
    return "\n".join(parts)


def test_a_failure_ejects_at_once_and_for_a_while(worker: Workerd, one: Origin) -> None:
    """One failure ejects an origin for base_time; then its traffic returns."""
    one.behave(reset())
    began = time.monotonic()
    assert worker.get("/", host="brief.test").text == "two"
    one.behave()
    assert worker.get("/", host="brief.test").text == "two"
    assert len(one.requests) == 1
    who = {"load_balancer": "brief.test", "pool": "brief-1", "origin": "one"}
    assert until(lambda: worker.events("origin_ejected", cause="connection failed", **who))

    until(lambda: worker.get("/", host="brief.test").text == "one")
    assert BRIEF <= time.monotonic() - began < 2 * BRIEF


def test_failed_statuses_eject_too(worker: Workerd, one: Origin) -> None:
    """Three statuses of retry_on in a row eject, of requests that are not retried as well."""
    one.behave(reply(503))
    for number in range(3):
        path = f"/orders/{number}"
        assert worker.send("POST", path, body=b"a", host="posts.test").status == 503
    assert worker.send("POST", "/orders/3", body=b"a", host="posts.test").text == "two"
    assert len(one.requests) == 3


@pytest.mark.parametrize("fault", [reply(503), reply(502), reset()], ids=["503", "502", "reset"])
def test_a_url_that_fails_everywhere_ejects_nobody(
    fault: Behaviour, worker: Workerd, one: Origin, two: Origin
) -> None:
    """One GET that both origins answered with 503 ejected one of them for 30 s."""

    async def poisoned(exchange: Exchange) -> None:
        await (fault if exchange.request.path == "/x" else reply(200, exchange.name))(exchange)

    one.behave(poisoned)
    two.behave(poisoned)
    for method in ("GET", "HEAD", "GET", "POST", "POST"):
        worker.send(method, "/x", host="long.test")
        worker.send(method, "/x?again", host="long.test")
    assert worker.get("/", host="long.test").text == "one"
    assert worker.send("POST", "/", body=b"a", host="long.test").text == "one"
    assert worker.events("origin_ejected") == []
    assert worker.events("last_origin_kept") == []


def test_a_cached_answer_restores_nothing(worker: Workerd, one: Origin) -> None:
    """The cached style sheet of a dead origin restored it, so POSTs went there and were lost."""

    async def dead(exchange: Exchange) -> None:
        cached = reply(200, "css", ("CF-Cache-Status", "HIT"))
        await (cached if exchange.request.path == "/style.css" else reset())(exchange)

    one.behave(dead)
    assert worker.get("/", host="brief.test").text == "two"
    time.sleep(BRIEF)
    for number in range(8):
        worker.get("/style.css", host="brief.test")
        path = f"/orders/{number}"
        assert worker.send("POST", path, body=b"a", host="brief.test").text == "two"
    assert worker.events("origin_restored") == []


def test_several_failures_in_a_row(worker: Workerd, one: Origin) -> None:
    """With consecutive_failures = 3, two failures eject nothing, and a success resets the count."""

    def reached() -> bool:
        """Whether the first origin gets a request."""
        before = len(one.requests)
        worker.get("/", host="third.test")
        return len(one.requests) > before

    one.behave(reset())
    assert [reached(), reached()] == [True, True]
    one.behave()
    assert reached()
    one.behave(reset())
    assert [reached(), reached(), reached(), reached()] == [True, True, True, False]


def test_all_down_are_all_tried_again(worker: Workerd, one: Origin, two: Origin) -> None:
    """What fails everywhere ejects nobody, and ejected origins are tried last and restored."""
    one.stop()
    two.stop()
    assert worker.get("/", host="long.test").status == 503
    two.start()
    for _ in range(3):
        assert worker.get("/", host="long.test").text == "two"
    assert worker.events("origin_ejected", origin="two", pool="long-2") == []
    one.start()
    two.stop()
    assert worker.get("/", host="long.test").text == "one"
    assert until(lambda: worker.events("origin_restored", origin="one", pool="long-1"))


def test_the_last_origin_is_kept(worker: Workerd, one: Origin, two: Origin) -> None:
    """The last origin that takes traffic is never ejected, whatever is lost there."""
    one.stop()
    assert worker.get("/", host="long.test").text == "two"
    two.behave(reset())
    for number in range(3):
        worker.send("POST", f"/orders/{number}", body=b"a", host="long.test")
    assert until(lambda: worker.events("last_origin_kept", origin="two", pool="long-2"))
    assert worker.events("origin_ejected", origin="two", pool="long-2") == []


def test_no_ejection(worker: Workerd, one: Origin) -> None:
    """With base_time = 0 every request tries the first origin first."""
    one.behave(hang())
    for count in (1, 2, 3):
        assert worker.get("/", host="never.test").text == "two"
        assert len(one.requests) == count
    assert worker.events("origin_ejected") == []


def test_one_origin_may_always_be_ejected(worker: Workerd, one: Origin) -> None:
    """A pool's only origin may be ejected despite max_percent."""
    one.behave(reset())
    assert worker.get("/", host="half.test").text == "two"
    assert worker.get("/", host="half.test").text == "two"
    assert len(one.requests) == 1
