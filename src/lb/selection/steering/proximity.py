"""Steering by proximity: the pool nearest to the client first."""

from __future__ import annotations

from math import asin, cos, inf, radians, sin, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lb.health.snapshot import Snapshot
    from lb.model import LoadBalancer, Pool
    from lb.request.facts import RequestFacts
    from lb.selection.steering.policy import Steering

CELLS_TO_A_DEGREE = 10
"""Clients in the same cell of a tenth of a degree, 11 km at most, have the same order."""
MOST_CELLS = 4096
"""Most cells whose order is cached; a full cache is cleared."""
_RADIUS = 6371.0
"""Mean radius of the Earth in kilometres."""


def proximity(lb: LoadBalancer) -> Steering:
    """Yield pools by their distance from the client; pools without coordinates come last.

    Equal distances, and clients without coordinates, keep the order of the configuration.
    https://developers.cloudflare.com/load-balancing/understand-basics/traffic-steering/steering-policies/proximity-steering/
    """
    pools = lb.default_pools
    orders: dict[tuple[int, int], tuple[Pool, ...]] = {}

    def steer(facts: RequestFacts, snapshot: Snapshot, rand: Callable[[], float]) -> Iterable[Pool]:
        del snapshot, rand
        latitude, longitude = facts.latitude, facts.longitude
        if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
            return pools
        cell = round(latitude * CELLS_TO_A_DEGREE), round(longitude * CELLS_TO_A_DEGREE)
        order = orders.get(cell)
        if order is None:
            if len(orders) >= MOST_CELLS:
                orders.clear()
            north, east = cell[0] / CELLS_TO_A_DEGREE, cell[1] / CELLS_TO_A_DEGREE
            order = orders[cell] = nearest_first(pools, north, east)
        return order

    return steer


def nearest_first(pools: Iterable[Pool], latitude: float, longitude: float) -> tuple[Pool, ...]:
    """Return the pools by distance from a place in degrees."""
    return tuple(sorted(pools, key=lambda pool: _far(pool, latitude, longitude)))


def reason(lb: LoadBalancer, facts: RequestFacts, snapshot: Snapshot) -> str:
    """Return, as text, the distance of each pool."""
    del snapshot
    latitude, longitude = facts.latitude, facts.longitude
    if latitude is None or longitude is None:
        return "in the order of default_pools, as the client's place is unknown"
    far = ((pool.name, _far(pool, latitude, longitude)) for pool in lb.default_pools)
    listed = ", ".join(
        f"{name} {'unknown' if distance == inf else f'{distance:.0f} km'}" for name, distance in far
    )
    return f"by the distance from {latitude:g}, {longitude:g}: {listed}"


def _far(pool: Pool, latitude: float, longitude: float) -> float:
    if pool.latitude is None or pool.longitude is None:
        return inf
    return kilometres(latitude, longitude, pool.latitude, pool.longitude)


def kilometres(latitude: float, longitude: float, to_latitude: float, to_longitude: float) -> float:
    """Return the great-circle distance of two places in degrees, by the haversine formula."""
    north, to_north = radians(latitude), radians(to_latitude)
    east = radians(to_longitude - longitude)
    half = sin((to_north - north) / 2) ** 2 + cos(north) * cos(to_north) * sin(east / 2) ** 2
    return 2 * _RADIUS * asin(min(1.0, sqrt(half)))
