"""The status document: the state of everything at one moment."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from lb.admin.handlers.status_document import REASONS, status_document
from lb.base.times import rfc3339
from lb.health.snapshot import Standing
from lb.health.verdict import OriginHealth
from lb.model import (
    Health,
    Origin,
    Rule,
    SessionAffinity,
    SessionAffinityAttributes,
    Window,
)
from lb.object.known import Known, TrafficFailure
from lb.state.shared_view import NOTHING_SHARED
from support.make import balancer_of, config_of, monitor, origin, pool

NOW = 1_790_000_000.0
SINCE = NOW - 600
HEALTHY = OriginHealth(health=Health.HEALTHY, since=SINCE, checked=NOW - 5)
DOWN = OriginHealth(
    health=Health.UNHEALTHY, since=SINCE, checked=NOW - 5, cause="TCP connection failed"
)


def known(**health: OriginHealth) -> Known:
    """Return the state when the origins of pool p were probed five seconds ago."""
    origins = {("p", name): one for name, one in health.items()}
    return Known(shared=replace(NOTHING_SHARED, probed=NOW - 5, origins=origins))


def one_origin(subject: Origin, knows: Known | None = None, **fields: Any) -> dict[str, Any]:
    """Return an origin in the document, beside a healthy one."""
    of = pool("p", subject, "other", monitor=monitor())
    found = status_document(config_of(balancer_of(of, **fields)), knows or known(a=HEALTHY), NOW)
    told: dict[str, Any] = found["pools"][0]["origins"][0]
    return told


def standing(told: dict[str, Any]) -> tuple[object, ...]:
    """Return the state of an origin, its reason, begin and end."""
    return told["state"], told["why"], told["since"], told["until"]


KEEPS_SESSIONS: dict[str, Any] = {
    "session_affinity": SessionAffinity.COOKIE,
    "session_affinity_attributes": SessionAffinityAttributes(drain_duration=300),
}


def test_every_standing_has_its_reason() -> None:
    """The table is total."""
    assert set(REASONS) == set(Standing)


def test_a_healthy_origin_is_available_since_it_was_found_healthy() -> None:
    """It has no reason."""
    assert standing(one_origin(origin("a"))) == ("available", "", rfc3339(SINCE), None)


def test_an_origin_that_nothing_is_known_of_takes_traffic() -> None:
    """Unknown health is not the same as healthy."""
    told = one_origin(origin("a"), known())

    assert standing(told) == ("available", "nothing is known of its health", None, None)
    assert told["takes_new"] is True
    assert (told["health"], told["checked"], told["latency_ms"]) == ("unknown", None, None)


def test_an_origin_without_a_verdict_says_why() -> None:
    """Operators see that a cache answers all of its probes, and that nothing watches it."""
    told = one_origin(origin("a"), known(a=OriginHealth(checked=NOW, cause="cached")))

    assert standing(told) == ("available", "nothing is known of its health (cached)", None, None)
    assert told["cause"] == "cached"


def test_an_unhealthy_origin_has_the_monitors_cause() -> None:
    """The reason is the cause of the failed probe."""
    told = one_origin(origin("a"), known(a=DOWN))

    assert standing(told) == ("unhealthy", "TCP connection failed", rfc3339(SINCE), None)
    assert told["takes_new"] is False
    assert told["cause"] == "TCP connection failed"


def test_a_disabled_origin_shows_since_when_if_that_is_known() -> None:
    """`enabled = false` alone in a file has no time."""
    off = origin("a", enabled=False)

    assert standing(one_origin(off)) == ("disabled", "", None, None)
    timed = replace(off, disabled_at=NOW - 60)
    assert standing(one_origin(timed)) == ("disabled", "", rfc3339(NOW - 60), None)


def test_a_drained_origin_keeps_its_sessions_until_then() -> None:
    """Draining lasts for the longest drain_duration of its load balancers."""
    off = origin("a", enabled=False, disabled_at=NOW - 60)

    assert standing(one_origin(off, **KEEPS_SESSIONS)) == (
        "draining",
        "disabled, and keeps its sessions",
        rfc3339(NOW - 60),
        rfc3339(NOW + 240),
    )
    assert one_origin(replace(off, disabled_at=NOW - 300), **KEEPS_SESSIONS)["state"] == "disabled"


def test_maintenance_shows_when_it_ends() -> None:
    """A window that covers this moment counts."""
    windows = (Window(start=NOW - 60, end=NOW + 60), Window(start=NOW - 30, end=NOW + 90))

    assert standing(one_origin(origin("a", maintenance=windows))) == (
        "maintenance",
        "",
        rfc3339(NOW - 60),
        rfc3339(NOW + 90),
    )


def test_weight_0_is_a_state_of_its_own() -> None:
    """It is healthy and gets nothing new."""
    told = one_origin(origin("a", weight=0))

    assert told["state"] == "weight 0"
    assert told["takes_new"] is False


def failing(until: float = 0.0) -> Known:
    """Return the state when a request to the origin failed ten seconds ago."""
    failure = TrafficFailure(NOW - 10, "timed out", until)
    return replace(known(a=HEALTHY), failures={("p", "a"): failure})


def test_an_ejection_is_shown_as_an_isolate_has_reported_it() -> None:
    """The page guessed that a single failure ejects, for the base time."""
    told = one_origin(origin("a"), failing(NOW + 20))

    assert standing(told) == (
        "ejected",
        "a request to it failed: timed out",
        rfc3339(NOW - 10),
        rfc3339(NOW + 20),
    )
    assert told["failed"] == {"at": rfc3339(NOW - 10), "cause": "timed out"}
    assert told["health"] == "healthy"


@pytest.mark.parametrize("until", [0.0, NOW - 1])
def test_a_failure_that_ejects_nothing_is_only_shown(until: float) -> None:
    """The origin is available and shows its latest failure, also after an ejection."""
    told = one_origin(origin("a"), failing(until))

    assert told["state"] == "available"
    assert told["failed"]["cause"] == "timed out"


def test_what_isolates_eject_is_no_health_of_pools() -> None:
    """An ejection is one isolate's; health comes from probes."""
    told = status_document(
        config_of(balancer_of(pool("p", "a", "b", monitor=monitor()))), failing(NOW + 20), NOW
    )

    assert told["pools"][0]["health"] == "healthy"
    assert told["pools"][0]["available_origins"] == 1


def test_latency_is_the_latest_probes_else_the_usual_one() -> None:
    """Latency is in milliseconds."""
    usual = replace(HEALTHY, latencies=(("WEU", 0.0301), ("OC", 0.2)))
    knows = known(a=usual)

    assert one_origin(origin("a"), knows)["latency_ms"] == 30.1
    knows = replace(knows, latencies={("p", "a"): 0.0123})
    assert one_origin(origin("a"), knows)["latency_ms"] == 12.3


def test_a_pool_shows_its_health_or_why_it_is_off() -> None:
    """Its state is its health unless it is switched off."""
    ways = {
        "healthy": pool("p", "a", monitor=monitor()),
        "disabled": pool("p", "a", enabled=False),
        "draining": pool("p", "a", enabled=False, disabled_at=NOW - 1),
        "maintenance": pool("p", "a", maintenance=(Window(start=NOW - 301, end=NOW + 1),)),
    }

    for state, of in ways.items():
        told = status_document(config_of(balancer_of(of, **KEEPS_SESSIONS)), known(a=HEALTHY), NOW)
        assert told["pools"][0]["state"] == state
        assert told["pools"][0]["available_origins"] == (state == "healthy")


def test_a_load_balancer_lists_its_pools_in_order_of_preference() -> None:
    """Pools used by rules, sets or places only are listed apart."""
    first, second, last, ruled = (pool(name, "a") for name in ("first", "second", "last", "ruled"))
    rule = Rule(name="r", overrides=(("default_pools", (ruled,)),))
    lb = balancer_of(second, first, name="x.example.com", fallback_pool=last, rules=(rule,))
    config = replace(config_of(lb), pools=(first, second, last, ruled))

    told = status_document(config, known(), NOW)

    assert told["load_balancers"] == [
        {
            "name": "x.example.com",
            "description": "",
            "enabled": True,
            "health": "healthy",
            "steering_policy": "off",
            "session_affinity": "none",
            "drain_duration": 0,
            "default_pools": ["second", "first"],
            "fallback_pool": "last",
            "other_pools": ["ruled"],
            "read_only": False,
        }
    ]
    assert [one["load_balancers"] for one in told["pools"]] == [["x.example.com"]] * 4


def test_a_prober_that_stopped_is_the_first_warning() -> None:
    """The warning says for how long there has been no probe."""
    config = config_of(balancer_of(pool("p", "a", monitor=monitor())))
    shared = replace(NOTHING_SHARED, probed=NOW - 3600)

    fine = status_document(config, replace(known(), messages=("hello",)), NOW)
    stalled = status_document(config, Known(shared=shared, messages=("hello",)), NOW)

    assert fine["warnings"] == [{"kind": "message", "message": "hello"}]
    assert [one["kind"] for one in stalled["warnings"]] == ["prober_stalled", "message"]
    assert "1 hour" in stalled["warnings"][0]["message"]
    assert (stalled["probed"], stalled["probe_age"]) == (rfc3339(NOW - 3600), 3600.0)


def test_without_any_probe_there_is_no_age() -> None:
    """Without an earlier round nothing may be due, so there is no warning."""
    told = status_document(
        config_of(balancer_of(pool("p", "a"))), Known(shared=NOTHING_SHARED), NOW
    )

    assert (told["probed"], told["probe_age"], told["warnings"]) == (None, None, [])


def test_a_report_is_json_with_what_others_know_in_it() -> None:
    """Shares come unchanged; objects of the file are marked."""
    config = config_of(balancer_of(pool("p", "a", monitor=monitor())))
    knows = replace(
        known(a=HEALTHY),
        version=7,
        traffic={("p", "a"): {"share": 0.5}},
        events=({"id": 1},),
        read_only=lambda kind, name: (kind, name) == ("pools", "p"),
    )

    told = json.loads(json.dumps(status_document(config, knows, NOW), allow_nan=False))

    assert told["version"] == 7
    assert told["events"] == [{"id": 1}]
    assert told["pools"][0]["read_only"] is True
    assert told["load_balancers"][0]["read_only"] is False
    assert told["pools"][0]["origins"][0]["share"] == 0.5
