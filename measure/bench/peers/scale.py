"""Evenkeel with few and with many origins."""

from __future__ import annotations

from collections.abc import Mapping

from measure.common.evenkeel_worker import Evenkeel

PER_POOL = 10

# One probe of each origin an hour: the sheet measures requests, not probes.
MONITOR = """\
[[monitors]]
name = "web"
type = "http"
path = "/health"
interval = 3600
"""

POOL = """
[[pools]]
name = "pool-{number}"
monitor = "web"
origin_steering = {{ policy = "{policy}" }}
origins = [
{origins}
]
"""

LOAD_BALANCER = """
[[load_balancers]]
name = "$host"
default_pools = [{pools}]
fallback_pool = "pool-1"
session_affinity = "{affinity}"
"""

# Name -> origin steering and session affinity.
POLICIES: Mapping[str, tuple[str, str]] = {
    "random": ("random", "none"),
    "hash": ("hash", "none"),
    "cookie": ("random", "cookie"),
}

MOST_USED = ("hash", "cookie")
"""The policies of a run without --full."""


def config(count: int, policy: str) -> str:
    """A loadbalancer.toml with `count` origins, ten to a pool."""
    steering, affinity = POLICIES[policy]
    numbers = range(1, count + 1)
    pools = [numbers[at : at + PER_POOL] for at in range(0, count, PER_POOL)]
    return "".join(
        (
            MONITOR,
            *(
                POOL.format(
                    number=at,
                    policy=steering,
                    origins="\n".join(
                        f'  {{ name = "server-{number}", address = "$origin_{number}" }},'
                        for number in pool
                    ),
                )
                for at, pool in enumerate(pools, 1)
            ),
            LOAD_BALANCER.format(
                pools=", ".join(f'"pool-{at}"' for at in range(1, len(pools) + 1)),
                affinity=affinity,
            ),
        )
    )


def named(count: int, policy: str) -> str:
    """Name in the table."""
    return f"{policy}, {count:,} origins"


def evenkeel(count: int, policy: str) -> Evenkeel:
    """Evenkeel with `count` origins; requests go to those of the first pool."""
    served_by = tuple(f"server-{number}" for number in range(1, min(count, PER_POOL) + 1))
    return Evenkeel(named(count, policy), config(count, policy), served_by)
