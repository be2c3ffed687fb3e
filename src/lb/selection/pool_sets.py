"""Pool sets: other pools for requests from some places."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lb.request.regions import region_of

if TYPE_CHECKING:
    from lb.model import LoadBalancer, PoolSet, Region
    from lb.request.facts import RequestFacts

MOST_PLACES = 4096
"""Most places whose set is cached; a full cache is cleared."""


class PoolSets:
    """The pool sets of one load balancer.

    The set of a place is found once and cached. An isolate sees few places, so the number of sets
    does not matter to the cost of a request.
    https://developers.cloudflare.com/load-balancing/understand-basics/traffic-steering/pool-sets/
    """

    def __init__(self, lb: LoadBalancer) -> None:
        self._sets = tuple(one for one in lb.pool_sets if not one.disabled)
        matches = [one.match for one in self._sets if one.match is not None]
        # Facts that no set needs are not read: each one is a call from Python to JavaScript.
        self._pops = any(match.pops for match in matches)
        self._countries = any(match.countries for match in matches)
        self._regions = any(match.regions for match in matches)
        self._found: dict[tuple[str, str, Region | None], PoolSet | None] = {}

    def find(self, facts: RequestFacts) -> PoolSet | None:
        """Return the first set that matches a request; None = none does."""
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
    """Whether a set matches a place: each of its lists that is not empty has to name it.

    Cloudflare's page says AND; one of its SDKs says OR (docs/decisions/pool-sets.md).
    """
    match = one.match
    return match is None or (
        (not match.pops or colo in match.pops)
        and (not match.countries or country in match.countries)
        and (not match.regions or region in match.regions)
    )


def within(lb: LoadBalancer, one: PoolSet) -> LoadBalancer:
    """Return the load balancer for the requests of a set: with the pools of the set alone."""
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
