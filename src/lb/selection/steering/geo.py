"""Steering by place: the pools of the data centre, else of the country, else of the region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.request.regions import region_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lb.health.snapshot import Snapshot
    from lb.model import LoadBalancer, Pool
    from lb.request.facts import RequestFacts
    from lb.selection.steering.policy import Steering


def geo(lb: LoadBalancer) -> Steering:
    """Yield the pools of the request's place in failover order; default_pools for other places.

    Requests get no pools but those of their place: when all of these are down, the last resort
    follows, which starts with the fallback pool.
    https://developers.cloudflare.com/load-balancing/understand-basics/traffic-steering/steering-policies/geo-steering/
    """
    placed = _placed(lb)

    def steer(facts: RequestFacts, snapshot: Snapshot, rand: Callable[[], float]) -> Iterable[Pool]:
        del snapshot, rand
        return placed(facts)[0]

    return steer


def reason(lb: LoadBalancer, facts: RequestFacts, snapshot: Snapshot) -> str:
    """Return, as text, the map that names the request's place."""
    del snapshot
    region = region_of(facts)
    place = f"{facts.colo or '?'} in {facts.country or '?'}, {region.value if region else '?'}"
    return f"by {_placed(lb)(facts)[1]}, as the request comes to {place}"


def _placed(lb: LoadBalancer) -> Callable[[RequestFacts], tuple[Iterable[Pool], str]]:
    """Return a function that finds the pools of a request's place, and the map they are from."""
    default = lb.default_pools
    pops, countries, regions = dict(lb.pop_pools), dict(lb.country_pools), dict(lb.region_pools)

    def find(facts: RequestFacts) -> tuple[Iterable[Pool], str]:
        # Facts that no map needs are not read: each one is a call from Python to JavaScript.
        if pops and (found := pops.get(facts.colo)) is not None:
            return found, "pop_pools"
        if countries and (found := countries.get(facts.country)) is not None:
            return found, "country_pools"
        region = region_of(facts) if regions else None
        if region is not None and (found := regions.get(region)) is not None:
            return found, "region_pools"
        return default, "default_pools"

    return find
