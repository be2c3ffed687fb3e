"""The pools that serve a load balancer's requests now, as messages and pages say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lb.health.snapshot import TAKES_NEW
from lb.model import SteeringPolicy
from lb.selection.candidates import last_resort
from lb.selection.pool_sets import within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lb.health.snapshot import Snapshot
    from lb.model import LoadBalancer, Origin, Pool

    _Group = tuple[Sequence[Pool], bool]


class Serving(NamedTuple):
    """Where new requests go first, without those that rules send elsewhere."""

    pools: tuple[Pool, ...]
    """Pools that take traffic and to which steering sends requests."""
    all_placed: bool
    """Whether every request finds such a pool; if not, some or all go to the last resort."""
    resort: Origin | None
    """First origin of the last resort; None = all are switched off."""
    resort_takes_traffic: bool
    """Whether that origin takes traffic, so that only its pool or its place in it is in the way."""
    fallback_pool: Pool

    @property
    def is_up(self) -> bool:
        """Whether any request goes to an origin that takes traffic."""
        return bool(self.pools) or self.resort_takes_traffic


def serving_now(lb: LoadBalancer, snapshot: Snapshot) -> tuple[Serving, ...]:
    """Return where new requests go: the load balancer's, then those of each pool set.

    It calls the functions that decide for the plan of a request: `view`, which says whether a pool
    takes traffic, and `last_resort`.
    """
    sets = (one for one in lb.pool_sets if not one.disabled and one.fixed_response is None)
    return tuple(_serving(one, snapshot) for one in (lb, *(within(lb, one) for one in sets)))


def _serving(lb: LoadBalancer, snapshot: Snapshot) -> Serving:
    found: dict[str, Pool] = {}
    all_placed = True
    for group, in_order in FIRST_POOLS[lb.steers_by](lb):
        able = [pool for pool in group if _serves(pool, snapshot)]
        all_placed = all_placed and bool(able)
        found.update((pool.name, pool) for pool in (able[:1] if in_order else able))
    resort = next(last_resort(lb, snapshot), None)
    takes = resort is not None and TAKES_NEW[snapshot.standing(resort)]
    return Serving(tuple(found.values()), all_placed, resort, takes, lb.fallback_pool)


def _serves(pool: Pool, snapshot: Snapshot) -> bool:
    # A pool whose origins all have weight 0 takes traffic, and has no origin for a new request.
    view = snapshot.view(pool)
    return view.available and bool(view.origins)


def _in_order(lb: LoadBalancer) -> Iterator[_Group]:
    yield lb.default_pools, True


def _by_place(lb: LoadBalancer) -> Iterator[_Group]:
    yield lb.default_pools, True
    for places in (lb.pop_pools, lb.country_pools, lb.region_pools):
        for _, pools in places:
            yield pools, True


def _any(lb: LoadBalancer) -> Iterator[_Group]:
    yield lb.default_pools, False


def _weighted(lb: LoadBalancer) -> Iterator[_Group]:
    weights = lb.random_steering.weights(lb.default_pools)
    yield [pool for pool, weight in zip(lb.default_pools, weights, strict=True) if weight], False


# SteeringPolicy.DEFAULT has no row: LoadBalancer.steers_by resolves it.
FIRST_POOLS: Mapping[SteeringPolicy, Callable[[LoadBalancer], Iterator[_Group]]] = {
    SteeringPolicy.OFF: _in_order,
    SteeringPolicy.GEO: _by_place,
    SteeringPolicy.RANDOM: _weighted,
    SteeringPolicy.DYNAMIC_LATENCY: _any,
    SteeringPolicy.PROXIMITY: _any,
    SteeringPolicy.LEAST_OUTSTANDING_REQUESTS: _weighted,
    SteeringPolicy.LEAST_CONNECTIONS: _weighted,
}
"""The lists of pools that requests may get, and whether the first one gets all of a list."""
