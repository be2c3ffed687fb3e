"""Monitors: their probes, their verdicts, and no delay of requests."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from support.answers import after, close, download, garbage, hang, reply, reset
from support.exchange import Behaviour
from support.origins import Origin, origins
from support.toml import at, load_balancer, monitor, pool
from support.waiting import until
from support.workerd import Workerd, workerd

INTERVAL = 1.0


def site_of(one: Origin, two: Origin, **fields: Any) -> str:
    """Two monitored origins in order, without ejection."""
    pools = [pool(origin.name, origin, monitor="m") for origin in (one, two)]
    balancer = load_balancer("*", "one", "two", ejection={"base_time": 0})
    return "\n".join([monitor("m", **fields), *pools, balancer])


def changes(worker: Workerd) -> list[tuple[str, str, str]]:
    """The changes of health so far."""
    events = worker.events("health_changed")
    return [(line["origin"], line["after"], line["cause"]) for line in events]


def ask_until(worker: Workerd, condition: Callable[[], object]) -> None:
    """Send requests, which trigger probes, until a condition is true."""

    def so() -> object:
        worker.get()
        return condition()

    until(so)


def test_what_a_probe_asks() -> None:
    """A probe has the monitor's method, path and headers, and identifies itself."""
    header = {"X-Probe": ["a", "b"], "Authorization": ["Basic abc"]}
    asked = {"method": "HEAD", "path": "/health?deep=%20b", "header": header}
    with origins(2) as (one, two), workerd(site_of(one, two, **asked)) as worker:
        worker.get("/", ("Cookie", "a=b"), ("CF-Connecting-IP", "192.0.2.1"))
        until(lambda: one.probes and two.probes)

    for probe in (one.probes[0], two.probes[0]):
        assert (probe.method, probe.target) == ("HEAD", "/health?deep=%20b")
        assert probe.header("x-probe") == "a, b"
        assert probe.header("authorization") == "Basic abc"
        assert "Evenkeel-Health-Check" in (probe.header("user-agent") or "")
        assert probe.header("cookie") is None
        assert probe.header("x-forwarded-for") is None


def test_health_moves_the_traffic() -> None:
    """An unhealthy origin gets no requests until it is healthy again."""
    with origins(2) as (one, two), workerd(site_of(one, two)) as worker:
        assert worker.get().served_by == "one"
        until(lambda: ("one", "healthy", "No failures") in changes(worker))
        one.fail_health()
        until(lambda: worker.get().served_by == "two")
        assert changes(worker)[-1] == ("one", "unhealthy", "Response code mismatch")
        seen = len(one.requests)
        assert {worker.get().served_by for _ in range(20)} == {"two"}
        assert len(one.requests) == seen

        one.behave(path="/health")
        until(lambda: worker.get().served_by == "one")
        assert changes(worker)[-1] == ("one", "healthy", "No failures")
        assert worker.events("failover") == []
        keys = {"time", "event", "load_balancer", "pool", "origin", "before", "after", "cause"}
        lines = worker.events("health_changed")
        assert {frozenset(line) for line in lines} == {frozenset({*keys, "attempt", "duration"})}


def test_no_request_waits_for_a_probe() -> None:
    """Hanging health paths delay no request."""
    config = {"timeout": 3, "interval": 4}
    with origins(2) as (one, two), workerd(site_of(one, two, **config)) as worker:
        for origin in (one, two):
            origin.fail_health(hang())
        worker.get("/warm-up")  # starts Python
        until(lambda: one.probes and two.probes)
        began = time.monotonic()
        for _ in range(20):
            assert worker.get().status == 200
        assert time.monotonic() - began < 1
        assert not one.probes[0].aborted


def test_the_client_does_not_wait_for_the_probes_of_its_own_request() -> None:
    """The client gets its response while the probes that its request triggered still run."""
    with origins(2) as (one, two), workerd(site_of(one, two, timeout=8, interval=9)) as worker:
        one.fail_health(hang())
        began = time.monotonic()
        assert worker.get().text == "one"
        assert time.monotonic() - began < 4
        until(lambda: one.probes)
        assert not one.probes[0].aborted


def test_the_interval() -> None:
    """An origin gets one probe per interval, however many requests come."""
    with origins(2) as (one, two), workerd(site_of(one, two)) as worker:
        began = time.monotonic()
        ask_until(worker, lambda: len(one.probes) == 3)
        assert time.monotonic() - began > 2 * INTERVAL - 0.1

    gaps = [later.at - sooner.at for sooner, later in zip(one.probes, one.probes[1:], strict=False)]
    assert min(gaps) > INTERVAL - 0.1
    assert len(two.probes) <= 4


def test_a_probe_that_timed_out_is_repeated_at_once() -> None:
    """A timed-out probe is aborted and repeated `retries` times; a wrong response is not."""
    config = {"timeout": 0.3, "retries": 2, "interval": 30}
    with origins(2) as (one, two), workerd(site_of(one, two, **config)) as worker:
        one.fail_health(hang())
        two.fail_health()
        worker.get()
        until(lambda: len(changes(worker)) == 2)

    assert sorted(changes(worker)) == [
        ("one", "unhealthy", "HTTP timeout occurred"),
        ("two", "unhealthy", "Response code mismatch"),
    ]
    assert [probe.aborted for probe in one.probes] == [True, True, True]
    assert len(two.probes) == 1


def test_thresholds() -> None:
    """Health changes after consecutive_down failures or consecutive_up successes in a row."""
    config = {"consecutive_down": 2, "consecutive_up": 3}
    with origins(2) as (one, two), workerd(site_of(one, two, **config)) as worker:
        ask_until(worker, lambda: ("one", "healthy", "No failures") in changes(worker))
        one.fail_health()
        seen = len(one.probes)
        until(lambda: worker.get().served_by == "two")
        assert len(one.probes) - seen == 2
        one.behave(path="/health")
        until(lambda: worker.get().served_by == "one")
        assert len(one.probes) - seen == 5


def test_only_what_is_enabled_is_probed() -> None:
    """Neither a disabled origin nor an origin of a disabled pool is probed."""
    with origins(3) as (one, two, three):
        pools = pool("on", at(one, enabled=False), two, monitor="m")
        pools += pool("off", three, monitor="m", enabled=False)
        config = monitor("m") + pools + load_balancer("*", "on", "off")
        with workerd(config) as worker:
            ask_until(worker, lambda: len(two.probes) == 2)
    assert (one.probes, three.probes) == ([], [])


class Case(NamedTuple):
    """A monitor, the origin's response to its probe, and the expected verdict."""

    fields: dict[str, Any]
    behaviour: Behaviour
    after: str


CASES = {
    "default": Case({}, reply(200), "healthy"),
    "default-no": Case({}, reply(204), "unhealthy"),
    "class-204": Case({"expected_codes": "2xx,3xx"}, reply(204), "healthy"),
    "class-304": Case({"expected_codes": "2xx,3xx"}, reply(304), "healthy"),
    "class-404": Case({"expected_codes": "2xx,3xx"}, reply(404), "unhealthy"),
    "range": Case({"expected_codes": "200-203"}, reply(203), "healthy"),
    "range-no": Case({"expected_codes": "200-203"}, reply(204), "unhealthy"),
    "list": Case({"expected_codes": ["2xx", "418"]}, reply(418), "healthy"),
    "redirect": Case({}, reply(302, b"", ("Location", "/ok")), "unhealthy"),
    "followed": Case({"follow_redirects": True}, reply(302, b"", ("Location", "/ok")), "healthy"),
    "body": Case({"expected_body": "ALIVE"}, reply(200, "i am alive!"), "healthy"),
    "body-no": Case({"expected_body": "alive"}, reply(200, "dead"), "unhealthy"),
    "body-late": Case({"expected_body": "alive"}, reply(200, "-" * 20_000 + "alive"), "unhealthy"),
    "body-huge": Case({"expected_body": "\t"}, download(50_000_000), "healthy"),
    "slow": Case({}, after(0.2, reply(200)), "healthy"),
    "too-slow": Case({}, after(0.9, reply(200)), "unhealthy"),
    "reset": Case({}, reset(), "unhealthy"),
    "closed": Case({}, close(), "unhealthy"),
    "garbage": Case({}, garbage(), "unhealthy"),
}


def test_what_counts_as_healthy() -> None:
    """The verdict depends on status, body, redirects and time as the monitor configures them."""
    with origins(1) as (one,):
        parts = []
        for name, case in CASES.items():
            one.behave(case.behaviour, path=f"/{name}")
            asked = {"path": f"/{name}", "interval": 60, "timeout": 0.6, **case.fields}
            parts += [monitor(name, **asked), pool(name, one, monitor=name)]
        one.behave(reply(200), path="/ok")
        with workerd("\n".join([*parts, load_balancer("*", *CASES)])) as worker:
            worker.get()
            until(lambda: len(worker.events("health_changed")) == len(CASES))
            found = {line["pool"]: line["after"] for line in worker.events("health_changed")}

    assert found == {name: case.after for name, case in CASES.items()}


@pytest.mark.parametrize("healthy", [True, False])
def test_a_monitors_own_port(healthy: bool) -> None:
    """A monitor with a port probes that port, whatever port the traffic uses."""
    with origins(2) as (one, two):
        if not healthy:
            two.fail_health()
        config = monitor("m", port=two.port) + pool("p", one, monitor="m")
        with workerd(config + load_balancer("*", "p")) as worker:
            worker.get()
            until(lambda: changes(worker))

    assert changes(worker)[0][1] == ("healthy" if healthy else "unhealthy")
    assert one.probes == []
