"""The health behaviour that Cloudflare and Route 53 document, row by row.

Each test quotes its row. Where Evenkeel differs on purpose, the test says how; docs/decisions has
the reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
import respx

from lb.health.machine import observe
from lb.health.snapshot import Snapshot, Standing
from lb.health.verdict import OriginHealth, Verdict
from lb.model import CodeRange, Health, Monitor, MonitorType, Pool, SessionAffinity
from lb.probing.probe import Answer
from lb.probing.region_votes import majority
from lb.probing.types import MONITORS
from lb.probing.types.http import BODY_LIMIT
from support.edge import FakeEdge
from support.make import balancer_of, config_of, monitor, origin, pool

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = "https://service.example.com"
UP, DOWN = Verdict(passed=True), Verdict(passed=False, cause="HTTP timeout occurred")


@pytest.fixture
def web() -> Iterator[respx.MockRouter]:
    """Stand in for the origins a, b and c; each responds with its name, and with 200 on /health."""
    with respx.mock(assert_all_called=False) as router:
        for name in "abc":
            router.get(f"https://{name}.example.com/health").respond(200)
            router.route(host=f"{name}.example.com").respond(200, text=name)
        yield router


def watched(name: str, *origins: str, **fields: int) -> Pool:
    """Return a pool that is probed on /health every 30 seconds."""
    return pool(name, *origins, monitor=monitor(path="/health", interval=30), **fields)


def fail(web: respx.MockRouter, *names: str) -> None:
    """Let the health paths of these origins respond with 500."""
    for name in names:
        web.get(f"https://{name}.example.com/health").respond(500)


def served(edge: FakeEdge) -> str:
    """Return the name of the origin that serves a request."""
    return edge.fetch("GET", URL).text


# Cloudflare Load Balancing


def test_cloudflare_off_uses_the_first_healthy_pool(web: respx.MockRouter) -> None:
    """Cloudflare: "off: default_pools order; first healthy; unhealthy skipped"."""
    edge = FakeEdge(config_of(balancer_of(watched("1", "a"), watched("2", "b"), watched("3", "c"))))
    fail(web, "a", "b")
    edge.probe()

    assert served(edge) == "c"


def test_cloudflare_fallback_pool_ignores_health(web: respx.MockRouter) -> None:
    """Cloudflare: "Fallback pool: last resort, health ignored; used when every pool is down"."""
    lb = balancer_of(watched("1", "a"), watched("2", "b"), fallback_pool=watched("3", "c"))
    edge = FakeEdge(config_of(lb))
    fail(web, "a", "b", "c")
    edge.probe()

    assert served(edge) == "c"


def test_cloudflare_critical_pool_fails_over(web: respx.MockRouter) -> None:
    """Cloudflare: "minimum_origins: fewer healthy origins -> pool Critical -> failover"."""
    edge = FakeEdge(
        config_of(balancer_of(watched("1", "a", "b", minimum_origins=2), pool("2", "c")))
    )
    edge.probe()
    assert served(edge) in "ab"

    fail(web, "b")
    edge.now += 30
    edge.probe()
    assert served(edge) == "c"


def test_cloudflare_threshold_0_acts_at_once() -> None:
    """Cloudflare: "consecutive_up / consecutive_down: … 0 = at once"."""
    at_once = monitor(consecutive_up=0, consecutive_down=0)
    state, changed = observe(origin("a"), at_once, OriginHealth(health=Health.HEALTHY), DOWN, 1.0)
    assert changed is not None
    _, changed = observe(origin("a"), at_once, state, UP, 2.0)

    assert changed is not None


def test_cloudflare_retries_only_time_outs(web: respx.MockRouter) -> None:
    """Cloudflare: "retries: immediate, on timeout only"."""
    edge = FakeEdge(config_of(balancer_of(watched("1", "a"))))
    health = web.get("https://a.example.com/health")
    health.mock(side_effect=httpx.ReadTimeout("slow"))
    edge.probe()
    assert health.call_count == 3

    health.respond(500)
    edge.now += 30
    edge.probe()
    assert health.call_count == 4


@pytest.mark.parametrize(
    ("said", "healthy"),
    [("+++", True), ("++-", True), ("+--", False), ("---", False), ("+-", False)],
)
def test_cloudflare_regions_decide_by_majority(said: str, *, healthy: bool) -> None:
    """Cloudflare: "majority of regions -> origin healthy"; an even split is none."""
    verdict = majority([UP if mark == "+" else DOWN for mark in said])

    assert verdict is not None
    assert verdict.passed is healthy


def test_cloudflare_session_moves_with_a_new_cookie(web: respx.MockRouter) -> None:
    """Cloudflare: "cookie: session origin unhealthy -> new origin + new cookie"."""
    lb = balancer_of(watched("1", "a", "b"), session_affinity=SessionAffinity.COOKIE)
    edge = FakeEdge(config_of(lb))
    cookie = edge.fetch("GET", URL).headers["set-cookie"].partition(";")[0]
    fail(web, "a")
    edge.probe()

    moved = edge.fetch("GET", URL, headers={"Cookie": cookie})

    assert moved.text == "b"
    assert moved.headers["set-cookie"].partition(";")[0] != cookie


def test_cloudflare_disabled_origin_is_not_probed(web: respx.MockRouter) -> None:
    """Cloudflare: "enabled: false = no traffic, no probe"."""
    off = Pool(
        name="1",
        origins=(origin("a", "1", enabled=False), origin("b", "1")),
        monitor=monitor(path="/health"),
    )
    edge = FakeEdge(config_of(balancer_of(off)))

    assert edge.probe() == 1
    assert web.get("https://a.example.com/health").call_count == 0
    assert served(edge) == "b"


def test_cloudflare_weight_0_is_still_probed() -> None:
    """Cloudflare: "weight 0 = no new traffic, still probed"."""
    drained = Pool(
        name="1", origins=(origin("a", "1", weight=0), origin("b", "1")), monitor=monitor()
    )
    edge = FakeEdge(config_of(balancer_of(drained)))

    assert len(edge.balancer.memory.due(edge.now)) == 2


def test_cloudflare_takes_unknown_for_down_and_evenkeel_does_not() -> None:
    """Cloudflare: "Monitor attached but unknown: treated as down" (decisions/unknown-health)."""
    assert Snapshot({}, {}, 0.0).standing(origin("a")) is Standing.AVAILABLE


def test_cloudflare_looks_for_expected_body_in_any_case() -> None:
    """Cloudflare: "expected_body: case-insensitive substring", in the first 10 KB."""
    judge = MONITORS[MonitorType.HTTPS].judge
    wanted = monitor(expected_body="Alive")

    assert judge(wanted, Answer(status=200, body=b"i am ALIVE")).passed
    assert not judge(wanted, Answer(status=200, body=b" " * BODY_LIMIT + b"alive")).passed


# Amazon Route 53


def test_route53_new_check_counts_as_healthy(web: respx.MockRouter) -> None:
    """Route 53: "New check: taken as healthy until data"."""
    edge = FakeEdge(config_of(balancer_of(watched("1", "a"), watched("2", "b"))))

    assert served(edge) == "a"


@pytest.mark.parametrize("threshold", [1, 3, 10])
def test_route53_failure_threshold_counts_both_ways(threshold: int) -> None:
    """Route 53: "FailureThreshold 1-10, default 3; counts both ways": both thresholds set alike."""
    both = monitor(consecutive_up=threshold, consecutive_down=threshold)
    state, changes = OriginHealth(health=Health.HEALTHY), []
    for now, verdict in enumerate([DOWN] * threshold + [UP] * threshold, start=1):
        state, changed = observe(origin("a"), both, state, verdict, float(now))
        if changed is not None:
            changes.append(now)

    assert changes == [threshold, 2 * threshold]


@pytest.mark.parametrize(
    ("status", "healthy"), [(199, False), (200, True), (302, True), (399, True), (400, False)]
)
def test_route53_takes_2xx_and_3xx(status: int, *, healthy: bool) -> None:
    """Route 53: "HTTP(S): then 2xx/3xx", which is expected_codes = "2xx,3xx" here."""
    codes = (CodeRange(low=200, high=299), CodeRange(low=300, high=399))
    watching = Monitor(name="m", type=MonitorType.HTTP, expected_codes=codes)

    assert MONITORS[MonitorType.HTTP].judge(watching, Answer(status=status)).passed is healthy


def test_route53_answers_with_the_primary_when_both_are_unhealthy(web: respx.MockRouter) -> None:
    """Route 53: "both unhealthy -> primary answered", which is the fallback pool here."""
    edge = FakeEdge(config_of(balancer_of(watched("primary", "a"), watched("secondary", "b"))))
    fail(web, "a", "b")
    edge.probe()

    assert served(edge) == "a"


def test_route53_needs_18_percent_of_checkers_and_evenkeel_half() -> None:
    """Route 53: "healthy when >18 % of checkers say so"; here most must say so."""
    verdict = majority([UP, DOWN, DOWN, DOWN])

    assert verdict is not None
    assert not verdict.passed


def test_route53_disabled_check_is_always_healthy_and_evenkeels_origin_gets_nothing() -> None:
    """Route 53: "Disabled (= always healthy)", which is a pool without a monitor here."""
    unwatched = FakeEdge(config_of(balancer_of(pool("1", "a"))))

    assert unwatched.balancer.memory.due(unwatched.now) == []
    assert Snapshot({}, {}, 0.0).standing(origin("a", enabled=False)) is Standing.DISABLED
