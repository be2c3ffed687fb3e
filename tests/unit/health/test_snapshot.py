"""The health of pools and load balancers."""

from __future__ import annotations

import pytest

from lb.health.maintenance import Off
from lb.health.snapshot import (
    COUNTS_AS_UP,
    OFF_STANDS_AS,
    EjectionState,
    Snapshot,
    Standing,
    load_balancer_health,
)
from lb.health.verdict import OriginHealth
from lb.model import Health, Pool, PoolHealth
from support.make import balancer_of, monitor, origin, pool

HEALTH = {"+": Health.HEALTHY, "-": Health.UNHEALTHY, "?": Health.UNKNOWN}


def moment(ejected: str = "", **pools: str) -> Snapshot:
    """Return a snapshot; health of each pool's origins a, b, ... as + - and ?."""
    return Snapshot(
        {
            (name, letter): OriginHealth(health=HEALTH[mark])
            for name, marks in pools.items()
            for letter, mark in zip("abcd", marks, strict=False)
        },
        {("p", letter): EjectionState(until=99.0) for letter in ejected},
        0.0,
    )


def health(of: Pool, marks: str, ejected: str = "") -> str:
    """Return a pool's health as Cloudflare names it."""
    return moment(ejected, **{of.name: marks}).view(of).health.value


def test_the_tables_are_total() -> None:
    """Every standing has an effect on its pool, and every reason to be off has a standing."""
    assert set(COUNTS_AS_UP) == set(Standing)
    assert set(OFF_STANDS_AS) == set(Off)


@pytest.mark.parametrize(
    ("marks", "minimum", "word"),
    [
        ("+++", 1, "healthy"),
        ("+++", 3, "healthy"),
        ("-++", 1, "degraded"),
        ("--+", 1, "degraded"),
        ("--+", 2, "critical"),
        ("-++", 3, "critical"),
        ("---", 1, "critical"),
        ("???", 1, "unknown"),
        ("???", 3, "unknown"),
        ("+??", 2, "healthy"),
        ("-??", 2, "degraded"),
    ],
)
def test_pool_states_healthy_degraded_critical_unknown(marks: str, minimum: int, word: str) -> None:
    """Cloudflare: degraded is "some down, >= threshold", critical "< threshold"."""
    of = pool("p", "a", "b", "c", minimum_origins=minimum, monitor=monitor())

    assert health(of, marks) == word
    assert moment(p=marks).view(of).available is (word != "critical")


def test_disabled_origins_do_not_count() -> None:
    """A switched-off origin counts neither as down nor as up."""
    of = pool("p", "a", origin("b", enabled=False), "c", minimum_origins=2)

    assert health(of, "+?+") == "healthy"
    assert health(of, "+?-") == "critical"


def test_an_ejected_origin_is_down_and_a_drained_one_is_not() -> None:
    """An origin of weight 0 takes nothing new and counts as healthy."""
    of = pool("p", "a", origin("b", weight=0), "c")

    assert health(of, "+++") == "healthy"
    assert health(of, "+++", ejected="c") == "degraded"


def test_a_pool_without_a_monitor_is_of_unknown_health_and_takes_traffic() -> None:
    """Cloudflare: "no monitor: health not considered"; Cloudflare calls that unknown too."""
    of = pool("p", "a", "b")

    assert health(of, "") == "unknown"
    assert moment().view(of).available


def test_unknown_health_takes_traffic() -> None:
    """Cloudflare: "Monitor attached but unknown: treated as down"; here not, as in Route 53.

    Route 53: "New check: taken as healthy until data". docs/decisions/unknown-health.md says why.
    """
    of = pool("p", "a", monitor=monitor())

    assert moment(p="?").view(of).available


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        ("++", "+", "healthy"),
        ("-+", "+", "healthy"),
        ("??", "?", "healthy"),
        ("--", "+", "degraded"),
        ("++", "-", "degraded"),
        ("--", "-", "critical"),
    ],
)
def test_load_balancer_states_healthy_degraded_critical(first: str, second: str, word: str) -> None:
    """Cloudflare: "Healthy, Degraded, Critical": critical when only the fallback pool is left."""
    lb = balancer_of(pool("p", "a", "b"), pool("q", "a"), fallback_pool=pool("r", "a"))

    assert load_balancer_health(lb, moment(p=first, q=second, r="+")).value == word


def test_a_disabled_pool_makes_no_load_balancer_degraded() -> None:
    """When all pools are switched off, only the fallback pool is left."""
    off, on = pool("p", "a", enabled=False), pool("q", "a")

    assert load_balancer_health(balancer_of(off, on), moment(p="-")) is PoolHealth.HEALTHY
    assert load_balancer_health(balancer_of(off), moment(p="+")) is PoolHealth.CRITICAL
