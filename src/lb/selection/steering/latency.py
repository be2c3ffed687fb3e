"""Steering by latency: the pool with the fastest probes from the client's region first."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from lb.request.regions import region_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lb.health.snapshot import Snapshot
    from lb.model import LoadBalancer, Pool, Region
    from lb.request.facts import RequestFacts
    from lb.selection.steering.policy import Steering


def dynamic_latency(lb: LoadBalancer) -> Steering:
    """Yield pools by the mean round trip of their origins' probes; pools without any come last.

    Equal pools keep the order of the configuration. The order for a region is computed once per
    snapshot.
    https://developers.cloudflare.com/load-balancing/understand-basics/traffic-steering/steering-policies/dynamic-steering/
    """
    pools = lb.default_pools
    made_of: Snapshot | None = None
    orders: dict[Region | None, tuple[Pool, ...]] = {}

    def steer(facts: RequestFacts, snapshot: Snapshot, rand: Callable[[], float]) -> Iterable[Pool]:
        nonlocal made_of
        del rand
        if snapshot is not made_of:
            made_of = snapshot
            orders.clear()
        region = region_of(facts)
        order = orders.get(region)
        if order is None:
            order = orders[region] = fastest_first(pools, snapshot, region)
        return order

    return steer


def fastest_first(
    pools: Iterable[Pool], snapshot: Snapshot, region: Region | None
) -> tuple[Pool, ...]:
    """Return the pools by latency for a region."""
    return tuple(sorted(pools, key=lambda pool: _seconds(pool, snapshot, region)))


def reason(lb: LoadBalancer, facts: RequestFacts, snapshot: Snapshot) -> str:
    """Return, as text, the latency of each pool."""
    region = region_of(facts)
    pairs = ((pool.name, _seconds(pool, snapshot, region)) for pool in lb.default_pools)
    listed = ", ".join(
        f"{name} {'unknown' if seconds == inf else f'{1000 * seconds:.0f} ms'}"
        for name, seconds in pairs
    )
    where = region.value if region else "an unknown region"
    return f"by the round trip of probes for {where}: {listed}"


def _seconds(pool: Pool, snapshot: Snapshot, region: Region | None) -> float:
    latencies = [
        latency
        for origin in snapshot.view(pool).origins
        if (latency := snapshot.health(origin).latency_from(region)) is not None
    ]
    return sum(latencies) / len(latencies) if latencies else inf
