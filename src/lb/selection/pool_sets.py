"""Pool sets: the pools of some places, in the first set that matches a request."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lb.request.regions import region_of

if TYPE_CHECKING:
    from lb.model import LoadBalancer, PoolSet, Region
    from lb.request.facts import RequestFacts

MOST_PLACES = 4096
"""Places of which it is remembered what matched them, before that is found out anew."""


class PoolSets:
    """The pool sets of one load balancer.

    The walk over them is made once for each place, which in one isolate are few, so its cost does
    not grow with their number.
    https://developers.cloudflare.com/load-balancing/understand-basics/traffic-steering/pool-sets/
    """

    def __init__(self, lb: LoadBalancer) -> None:
        self._sets = tuple(one for one in lb.pool_sets if not one.disabled)
        matches = [one.match for one in self._sets if one.match is not None]
        # What no set asks for is not read: each fact is a crossing of the language border.
        self._pops = any(match.pops for match in matches)
        self._countries = any(match.countries for match in matches)
        self._regions = any(match.regions for match in matches)
        self._found: dict[tuple[str, str, Region | None], PoolSet | None] = {}

    def find(self, facts: RequestFacts) -> PoolSet | None:
        """Return the first set that matches a request, if one does."""
        place = (
            facts.colo if self._pops else "",
            facts.country if self._countries else "",
            region_of(facts) if self._regions else None,
        )
        if place not in self._found:
            if len(self._found) >= MOST_PLACES:
                self._found.clear()
            self._found[place] = next((one for one in self._sets if matches(one, *place)), None)
        return self._found[place]


def matches(one: PoolSet, colo: str, country: str, region: Region | None) -> bool:
    """Whether a set is for a place: each list that it gives has to name it.

    Cloudflare's page says AND, one of its SDKs says OR (docs/decisions/pool-sets.md).
    """
    match = one.match
    return match is None or (
        (not match.pops or colo in match.pops)
        and (not match.countries or country in match.countries)
        and (not match.regions or region in match.regions)
    )


def within(lb: LoadBalancer, one: PoolSet) -> LoadBalancer:
    """Return what a load balancer is for the requests of a set: its pools are all there are."""
    return replace(
        lb,
        default_pools=one.pools,
        fallback_pool=one.fallback_pool or lb.fallback_pool,
        steering_policy=one.steering_policy,
        random_steering=one.random_steering,
        country_pools=(),
        region_pools=(),
        pop_pools=(),
        pool_sets=(),
    )
