"""The status of a balancer after a day of traffic, with one origin down, for the page."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from lb.admin.handlers.status_document import status_document
from lb.base.times import rfc3339
from lb.config import Invalid, from_toml
from lb.health.verdict import OriginHealth
from lb.metrics.rings import MINUTE, MINUTES, STEP, STEPS
from lb.model import Config, Health
from lb.object.known import Known
from lb.state.shared_view import NOTHING_SHARED

FILE = """
[[monitors]]
name = "web"
type = "https"
interval = 30

[[pools]]
name = "europe"
monitor = "web"
origins = [
  { name = "frankfurt", address = "fra.service.example.com" },
  { name = "paris", address = "cdg.service.example.com" },
  { name = "canary", address = "canary.service.example.com", weight = 0.1 },
]

[[pools]]
name = "america"
monitor = "web"
origins = [
  { name = "ashburn", address = "iad.service.example.com" },
  { name = "dallas", address = "dfw.service.example.com", enabled = false },
]

[[load_balancers]]
name = "service.example.com"
default_pools = ["europe", "america"]
fallback_pool = "america"
session_affinity = "cookie"
session_affinity_attributes = { drain_duration = 3600 }

[[load_balancers]]
name = "api.example.com"
default_pools = ["america"]
fallback_pool = "europe"
steering_policy = "dynamic_latency"
"""
SHARES = {"frankfurt": 0.41, "paris": 0.0, "canary": 0.05, "ashburn": 0.54, "dallas": 0.0}
LATENCY = {
    "europe": 30.0,
    "frankfurt": 31.0,
    "paris": 28.0,
    "canary": 36.0,
    "ashburn": 44.0,
    "dallas": 47.0,
}
DOWN_FOR = 11
"""Minutes since paris went down."""
DRAINED_FOR = 25
"""Minutes since dallas was drained."""


def demo_status(now: float) -> dict[str, Any]:
    """Return the result of GET /status, with charts of every pool."""
    config = from_toml(FILE)
    assert not isinstance(config, Invalid)
    config = _drained(config, now - DRAINED_FOR * 60)
    down = OriginHealth(
        health=Health.UNHEALTHY,
        since=now - DOWN_FOR * 60,
        checked=now - 4,
        cause="HTTP timeout occurred",
    )
    well = OriginHealth(health=Health.HEALTHY, since=now - 9 * 86_400, checked=now - 4)
    origins = [origin for pool in config.pools for origin in pool.origins]
    known = Known(
        shared=replace(
            NOTHING_SHARED,
            probed=now - 4,
            origins={one.key: down if one.name == "paris" else well for one in origins},
        ),
        version=14,
        latencies={one.key: LATENCY[one.name] / 1000 for one in origins},
        traffic={one.key: {"share": SHARES[one.name]} for one in origins},
        events=_events(now),
    )
    return {**status_document(config, known, now), "charts": _charts(config, now)}


def _drained(config: Config, at: float) -> Config:
    def same(pool: Any) -> Any:
        changed = (
            replace(one, disabled_at=at) if one.name == "dallas" else one for one in pool.origins
        )
        return replace(pool, origins=tuple(changed))

    return replace(
        config,
        pools=tuple(same(pool) for pool in config.pools),
        load_balancers=tuple(
            replace(
                lb,
                default_pools=tuple(same(pool) for pool in lb.default_pools),
                fallback_pool=same(lb.fallback_pool),
            )
            for lb in config.load_balancers
        ),
    )


def _events(now: float) -> list[dict[str, Any]]:
    happened = [
        (now - DOWN_FOR * 60, "europe", "paris", True, False, "HTTP timeout occurred"),
        (now - DRAINED_FOR * 60, "america", "dallas", False, None, ""),
        (now - 9 * 3600, "europe", "frankfurt", True, True, ""),
        (now - 9.4 * 3600, "europe", "frankfurt", True, False, "Response code mismatch"),
    ]
    return [
        {
            "id": 40 - number,
            "timestamp": rfc3339(at),
            "pool": {"name": pool, "healthy": True, "changed": False},
            "origins": [
                {
                    "name": origin,
                    "enabled": enabled,
                    "healthy": healthy,
                    "changed": True,
                    "failure_reason": cause,
                }
            ],
        }
        for number, (at, pool, origin, enabled, healthy, cause) in enumerate(happened)
    ]


def _charts(config: Config, now: float) -> dict[str, Any]:
    return {
        "minutes": [int(now // MINUTE - MINUTES + 1 + at) * MINUTE for at in range(MINUTES)],
        "steps": [int(now // STEP - STEPS + 1 + at) * STEP for at in range(STEPS)],
        "origins": [
            {"pool": pool.name, "origin": one.name, **_lines(one.name)}
            for pool in config.pools
            for one in pool.origins
        ],
        "load_balancers": [
            {"name": lb.name, **_lines("ashburn" if lb.name.startswith("api") else "europe")}
            for lb in config.load_balancers
        ],
    }


def _lines(name: str) -> dict[str, Any]:
    gone = {"paris": DOWN_FOR, "dallas": DRAINED_FOR}.get(name, 0)
    most = 30 if name == "canary" else 240
    phase = len(name)
    requests = [
        0 if at >= MINUTES - gone else int(most * (1 + 0.3 * math.sin(at / 8 + phase)))
        for at in range(MINUTES)
    ]
    if gone:
        # A drained origin slows down; a failed one stops at once.
        requests[MINUTES - gone - 1] //= 3
    failures = [0] * MINUTES
    if name == "paris":
        failures[MINUTES - gone - 1] = requests[MINUTES - gone - 1]
    latency = [
        LATENCY[name] + 6 * math.sin(at / 5 + phase) + (at * 7 + phase) % 5
        if requests[at]
        else None
        for at in range(MINUTES)
    ]
    health = ["healthy"] * STEPS
    if name == "paris":
        health[-3:] = ["unhealthy"] * 3
    if name == "dallas":
        health[-5:] = ["disabled"] * 5
    if name == "frankfurt":
        health[STEPS - 113 : STEPS - 108] = ["unhealthy"] * 5
    return {
        "requests": requests,
        "failures": failures,
        "latency_ms": [None if each is None else round(each, 1) for each in latency],
        "probe_ms": [LATENCY[name]] * MINUTES,
        "health": health,
    }
