"""Steering by latency: the pool that answers its probes soonest, seen from the client's region."""

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
    """Yield pools by the mean round trip of their origins' probes, those without any last.

    In the order of the configuration where there is no difference. The order for a region is made
    once for each snapshot.
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
    """Return the pools by their latency for a region."""
    return tuple(sorted(pools, key=lambda pool: _seconds(pool, snapshot, region)))


def reason(lb: LoadBalancer, facts: RequestFacts, snapshot: Snapshot) -> str:
    """Say what the order is made of."""
    region = region_of(facts)
    known = ((pool.name, _seconds(pool, snapshot, region)) for pool in lb.default_pools)
    told = ", ".join(
        f"{name} {'unknown' if seconds == inf else f'{1000 * seconds:.0f} ms'}"
        for name, seconds in known
    )
    where = region.value if region else "an unknown region"
    return f"by the round trip of probes for {where}: {told}"


def _seconds(pool: Pool, snapshot: Snapshot, region: Region | None) -> float:
    known = [
        latency
        for origin in snapshot.view(pool).origins
        if (latency := snapshot.health(origin).latency_from(region)) is not None
    ]
    return sum(known) / len(known) if known else inf
