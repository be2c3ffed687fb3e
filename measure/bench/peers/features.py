"""Evenkeel with one feature at a time: the cost of each."""

from __future__ import annotations

from collections.abc import Mapping

from measure.common.evenkeel_worker import MONITOR, TWO_POOLS, Evenkeel

PLAIN = "none of them"

SHADOW = """
[[pools]]
name = "shadow"
origins = [{ name = "server-3", address = "$second" }]
"""

RULES = "".join(
    f"""
[[load_balancers.rules]]
name = "rule {number}"
condition = 'http.request.uri.path contains "/closed-{number}/" and ip.src in {{198.51.100.0/24}}'
overrides = {{ default_pools = ["replica"] }}
"""
    for number in range(1, 6)
)

# Settings of the load balancer beside its pools. None of them moves a request.
FEATURES: Mapping[str, str] = {
    PLAIN: "",
    "session_affinity cookie": 'session_affinity = "cookie"',
    "session_affinity header": (
        'session_affinity = "header"\nsession_affinity_attributes = { headers = ["user-agent"] }'
    ),
    "steering_policy geo": 'country_pools = { CH = ["primary"] }\nsteering_policy = "geo"',
    "steering_policy random": (
        'steering_policy = "random"\n'
        "random_steering = { pool_weights = { primary = 1, replica = 0 } }"
    ),
    "steering_policy proximity": 'steering_policy = "proximity"',
    "steering_policy least_outstanding_requests": (
        'steering_policy = "least_outstanding_requests"\n'
        "random_steering = { pool_weights = { primary = 1, replica = 0 } }"
    ),
    "five rules, of which none is met": RULES,
    "failover.retry_budget": "failover = { retry_budget = 20 }",
    "failover.hedge_after": "failover = { hedge_after = 1 }",
    "mirror, a tenth": 'mirror = { pool = "shadow", percent = 10 }',
}


def config(setting: str) -> str:
    """A loadbalancer.toml with one feature."""
    shadow = SHADOW if "shadow" in setting else ""
    return MONITOR + shadow + TWO_POOLS + setting + "\n"


PEERS = tuple(Evenkeel(name, config(setting), ("server-1",)) for name, setting in FEATURES.items())
