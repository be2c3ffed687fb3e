"""Steering by place: the pools of the data centre, else of the country, else of the region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.places import region_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lb.availability import Snapshot
    from lb.facts import RequestFacts
    from lb.model import LoadBalancer, Pool
    from lb.steering import Steering


def geo(lb: LoadBalancer) -> Steering:
    """Yield the pools of the request's place in failover order; of no known one, default_pools.

    What a place has is all that its requests get: when that is down, the last resort is next, which
    begins with the fallback pool.
    https://developers.cloudflare.com/load-balancing/understand-basics/traffic-steering/steering-policies/geo-steering/
    """
    default = lb.default_pools
    pops, countries, regions = dict(lb.pop_pools), dict(lb.country_pools), dict(lb.region_pools)

    def steer(facts: RequestFacts, snapshot: Snapshot, rand: Callable[[], float]) -> Iterable[Pool]:
        del snapshot, rand
        # What no map asks for is not read: each fact is a crossing of the language border.
        found = pops.get(facts.colo) if pops else None
        if found is None and countries:
            found = countries.get(facts.country)
        if found is None and regions:
            region = region_of(facts)
            found = None if region is None else regions.get(region)
        return default if found is None else found

    return steer
