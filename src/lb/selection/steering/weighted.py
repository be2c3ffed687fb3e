"""Steering by the weights of random_steering, alone or with the load of the pools."""

from __future__ import annotations

from itertools import accumulate
from math import log
from operator import itemgetter
from typing import TYPE_CHECKING

from lb.base.hashing import hash64, mixed_uniform
from lb.base.weighted_order import by_chance, by_load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lb.health.snapshot import Snapshot
    from lb.model import LoadBalancer, Pool
    from lb.request.facts import RequestFacts
    from lb.selection.steering.policy import Steering

_KEYS = 1 << 53


class Weighted:
    """The pools of one load balancer that take traffic, and their weights, per snapshot."""

    def __init__(self, lb: LoadBalancer) -> None:
        """Leave out pools of weight 0; they are part of the last resort."""
        weights = lb.random_steering.weights(lb.default_pools)
        self._all = [one for one in zip(lb.default_pools, weights, strict=True) if one[1] > 0]
        self._of: Snapshot | None = None
        self.pools: tuple[Pool, ...] = ()
        self.weights: tuple[float, ...] = ()
        self.sums: tuple[float, ...] = ()

    def at(self, snapshot: Snapshot) -> Weighted:
        """Return itself, updated to a snapshot."""
        if snapshot is not self._of:
            self._of = snapshot
            taking = [one for one in self._all if snapshot.view(one[0]).available]
            self.pools = tuple(pool for pool, _ in taking)
            self.weights = tuple(weight for _, weight in taking)
            self.sums = tuple(accumulate(self.weights))
        return self


def random(lb: LoadBalancer) -> Steering:
    """Yield pools by chance, each with its share of the weight of all that take traffic.

    https://developers.cloudflare.com/load-balancing/understand-basics/traffic-steering/steering-policies/standard-options/
    """
    weighted = Weighted(lb)

    def steer(facts: RequestFacts, snapshot: Snapshot, rand: Callable[[], float]) -> Iterable[Pool]:
        del facts
        now = weighted.at(snapshot)
        return by_chance(now.pools, now.weights, now.sums, rand)

    return steer


def least_outstanding_requests(lb: LoadBalancer) -> Steering:
    """Yield first, of two random pools, the one with fewer requests in flight per weight.

    https://developers.cloudflare.com/load-balancing/understand-basics/traffic-steering/steering-policies/least-outstanding-requests/
    """
    weighted = Weighted(lb)

    def steer(facts: RequestFacts, snapshot: Snapshot, rand: Callable[[], float]) -> Iterable[Pool]:
        del facts
        now, outstanding = weighted.at(snapshot), snapshot.in_flight.outstanding_of
        return by_load(now.pools, now.weights, now.sums, lambda pool: outstanding(pool.name), rand)

    return steer


def least_connections(lb: LoadBalancer) -> Steering:
    """Yield first, of two random pools, the one with fewer open connections per weight.

    https://developers.cloudflare.com/api/resources/load_balancers/ (steering_policy)
    """
    weighted = Weighted(lb)

    def steer(facts: RequestFacts, snapshot: Snapshot, rand: Callable[[], float]) -> Iterable[Pool]:
        del facts
        now, connections = weighted.at(snapshot), snapshot.in_flight.connections_of
        return by_load(now.pools, now.weights, now.sums, lambda pool: connections(pool.name), rand)

    return steer


def by_key(lb: LoadBalancer) -> Steering:
    """Yield pools by weighted rendezvous hashing; `rand` starts with a number of the client's.

    When a pool goes down, only its own sessions move.
    """
    weights = lb.random_steering.weights(lb.default_pools)
    weighted = [
        (pool, weight, hash64("pool", pool.name))
        for pool, weight in zip(lb.default_pools, weights, strict=True)
        if weight > 0
    ]

    def steer(facts: RequestFacts, snapshot: Snapshot, rand: Callable[[], float]) -> Iterable[Pool]:
        del facts, snapshot
        client = int(rand() * _KEYS)
        scored = [
            (weight / log(mixed_uniform(client, seed)), pool) for pool, weight, seed in weighted
        ]
        return (pool for _, pool in sorted(scored, key=itemgetter(0)))

    return steer


def reason(lb: LoadBalancer, facts: RequestFacts, snapshot: Snapshot) -> str:
    """Return, as text, the weights of the pools."""
    del facts, snapshot
    weights = zip(lb.default_pools, lb.random_steering.weights(lb.default_pools), strict=True)
    listed = ", ".join(f"{pool.name} {weight:g}" for pool, weight in weights)
    return f"by the weights of random_steering: {listed}"


def reason_by_requests(lb: LoadBalancer, facts: RequestFacts, snapshot: Snapshot) -> str:
    """Return, as text, the weights and the requests in flight."""
    outstanding = snapshot.in_flight.outstanding_of
    return _with_load(reason(lb, facts, snapshot), "outstanding requests", lb, outstanding)


def reason_by_connections(lb: LoadBalancer, facts: RequestFacts, snapshot: Snapshot) -> str:
    """Return, as text, the weights and the open connections."""
    connections = snapshot.in_flight.connections_of
    return _with_load(reason(lb, facts, snapshot), "connections", lb, connections)


def _with_load(weights: str, what: str, lb: LoadBalancer, load: Callable[[str], int]) -> str:
    listed = ", ".join(f"{pool.name} {load(pool.name)}" for pool in lb.default_pools)
    return f"{weights}; of two the one with fewer {what} for its weight: {listed}"
