"""A load balancer prepared for requests: everything that they share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.health.snapshot import Keeping, Standing
from lb.model import OriginSteeringPolicy, SteeringPolicy, ZeroDowntimeFailover
from lb.proxy.budgets import HedgeBudget, RetryBudget
from lb.proxy.forwarding import Forwarding
from lb.proxy.mirroring import Mirroring
from lb.proxy.tallies import RequestCounters
from lb.selection.affinity import affinity_of
from lb.selection.origin_steering import ORIGIN_POLICIES
from lb.selection.pool_sets import PoolSets
from lb.selection.rules import Rules
from lb.selection.shedding import shedding_of
from lb.selection.steering import BY_WEIGHT, POLICIES, by_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.health.snapshot import Snapshot
    from lb.model import LoadBalancer, Origin


class PreparedLoadBalancer:
    """One load balancer with all that its requests share, made once for a configuration."""

    def __init__(self, lb: LoadBalancer, identity: str, cookie_key: str) -> None:
        self.lb = lb
        self.rules = Rules(lb) if lb.rules else None
        self.sets = PoolSets(lb) if lb.pool_sets else None
        self.affinity = affinity_of(lb, cookie_key)
        self.forwarding = Forwarding(lb, identity)
        self.steering = POLICIES[lb.steers_by](lb)
        # What keeps a session by a key must be the same in every isolate, and load is not.
        self.keyed_steering = by_key(lb) if lb.steers_by in BY_WEIGHT else self.steering
        self.shedding = shedding_of(lb)
        self.counts_sockets = lb.steers_by is SteeringPolicy.LEAST_CONNECTIONS or any(
            pool.origin_steering is OriginSteeringPolicy.LEAST_CONNECTIONS for pool in lb.pools
        )
        """Whether it matters how many WebSockets an origin has."""
        self.pools = {pool.name: pool for pool in lb.pools}
        failover = lb.session_affinity_attributes.zero_downtime_failover
        self.held = self.affinity is not None and failover is ZeroDowntimeFailover.NONE
        """Whether a session is left to its origin, whatever that answers."""
        self.returning = failover is ZeroDowntimeFailover.TEMPORARY
        """Whether a session that went elsewhere comes back."""
        self.keeping = Keeping(
            float(lb.session_affinity_attributes.drain_duration), ejected=self.held
        )
        self.across_pools = lb.adaptive_routing.failover_across_pools
        share = lb.failover.retry_budget
        self.budget = None if share is None else RetryBudget(share)
        """What limits further attempts; whoever carries plans out counts there."""
        self.origin_count = sum(len(pool.origins) for pool in lb.pools)
        hedging = lb.failover.hedge_after > 0 and self.origin_count > 1
        self.hedges = HedgeBudget() if hedging else None
        """What limits second attempts while first ones are slow; counted in the same way."""
        self.limited = any(origin.max_requests for pool in lb.pools for origin in pool.origins)
        self.counts = self.origin_count > 1 or self.limited
        """Whether it matters how many requests an origin has."""
        self.mirroring = None if lb.mirror is None else Mirroring(lb, lb.mirror, identity)
        """What is sent to another pool as well."""
        self.retry_on = frozenset(
            status for codes in lb.failover.retry_on for status in range(codes.low, codes.high + 1)
        )
        self.origin_steering = {
            pool.name: ORIGIN_POLICIES[pool.origin_steering] for pool in lb.pools
        }
        self.tallies = RequestCounters()
        """What its requests are counted in."""

    def share(self, other: PreparedLoadBalancer) -> None:
        """Keep to the limits of the load balancer as a whole, whatever rules a request meets."""
        self.budget, self.mirroring, self.tallies = other.budget, other.mirroring, other.tallies
        if self.hedges is not None and other.hedges is not None:
            self.hedges = other.hedges

    def comes_back(self, snapshot: Snapshot, origin: Origin) -> bool:
        """Whether a session whose origin does not serve it now is left to that origin."""
        if not self.returning:
            return False
        pool = snapshot.sessions(self.pools[origin.pool], self.keeping)
        return pool.off is None and COMES_BACK[snapshot.standing(origin, self.keeping.drain)]


# Where `temporary` leaves a session to an origin that does not serve it now. What was switched off
# is no failure: the session moves, as without zero-downtime failover.
COMES_BACK: Mapping[Standing, bool] = {
    Standing.AVAILABLE: True,
    Standing.NO_WEIGHT: True,
    Standing.EJECTED: True,
    Standing.UNHEALTHY: True,
    Standing.DRAINING: True,
    Standing.MAINTENANCE: False,
    Standing.DISABLED: False,
}
