"""A load balancer, prepared for requests: what all of them share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.health.snapshot import Keeping, Standing
from lb.model import OriginSteeringPolicy, SteeringPolicy, ZeroDowntimeFailover
from lb.model.header_secrets import no_secret
from lb.proxy.budgets import HedgeBudget, RetryBudget
from lb.proxy.forwarding import Forwarding
from lb.proxy.mirroring import Mirroring
from lb.proxy.tallies import RequestCounters
from lb.request.trusted_proxies import TrustedProxies
from lb.selection.affinity import affinity_of
from lb.selection.candidates import last_resort
from lb.selection.origin_steering import ORIGIN_POLICIES
from lb.selection.pool_sets import PoolSets
from lb.selection.rules import Rules
from lb.selection.shedding import shedding_of
from lb.selection.steering import BY_WEIGHT, POLICIES, by_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.health.snapshot import Snapshot
    from lb.model import LoadBalancer, Origin
    from lb.model.header_secrets import Secret


BY_LOAD = (SteeringPolicy.LEAST_OUTSTANDING_REQUESTS, SteeringPolicy.LEAST_CONNECTIONS)
BY_ORIGIN_LOAD = (
    OriginSteeringPolicy.LEAST_OUTSTANDING_REQUESTS,
    OriginSteeringPolicy.LEAST_CONNECTIONS,
)


class PreparedLoadBalancer:
    """One load balancer with everything that its requests share; built once per configuration."""

    def __init__(
        self, lb: LoadBalancer, identity: str, cookie_key: str, secret: Secret = no_secret
    ) -> None:
        self.lb = lb
        self.rules = Rules(lb) if lb.rules else None
        proxies = lb.trusted_proxies
        self.trusted_proxies = TrustedProxies(proxies) if proxies else None
        self.sets = PoolSets(lb) if lb.pool_sets else None
        self.affinity = affinity_of(lb, cookie_key)
        self.forwarding = Forwarding(lb, identity, secret=secret)
        self.steering = POLICIES[lb.steers_by](lb)
        # A choice by key must be the same in every isolate; load is not.
        self.keyed_steering = by_key(lb) if lb.steers_by in BY_WEIGHT else self.steering
        self.shedding = shedding_of(lb)
        self.counts_sockets = lb.steers_by is SteeringPolicy.LEAST_CONNECTIONS or any(
            pool.origin_steering is OriginSteeringPolicy.LEAST_CONNECTIONS for pool in lb.pools
        )
        """Whether the open WebSockets of an origin are counted."""
        self.pools = {pool.name: pool for pool in lb.pools}
        failover = lb.session_affinity_attributes.zero_downtime_failover
        self.held = self.affinity is not None and failover is ZeroDowntimeFailover.NONE
        """Whether a session stays on its origin, whatever that answers."""
        self.returning = failover is ZeroDowntimeFailover.TEMPORARY
        """Whether a session returns to its origin after a failover."""
        self.keeping = Keeping(
            float(lb.session_affinity_attributes.drain_duration), ejected=self.held
        )
        self.across_pools = lb.adaptive_routing.failover_across_pools
        share = lb.failover.retry_budget
        self.budget = None if share is None else RetryBudget(share)
        """Limit of retries; the driver counts attempts in it."""
        self.origin_count = sum(len(pool.origins) for pool in lb.pools)
        hedging = lb.failover.hedge_after > 0 and self.origin_count > 1
        self.hedges = HedgeBudget() if hedging else None
        """Limit of second attempts beside slow ones; counted in the same way."""
        self.limited = any(origin.max_requests for pool in lb.pools for origin in pool.origins)
        self.counts = self.origin_count > 1 or self.limited
        """Whether the requests in flight at an origin are counted."""
        self.weighs_load = (
            self.limited
            or lb.steers_by in BY_LOAD
            or any(pool.origin_steering in BY_ORIGIN_LOAD for pool in lb.pools)
        )
        """Whether the requests in flight decide where others go."""
        self.mirroring = None if lb.mirror is None else Mirroring(lb, lb.mirror, identity, secret)
        """Copies of requests to another pool."""
        self.retry_on = frozenset(
            status for codes in lb.failover.retry_on for status in range(codes.low, codes.high + 1)
        )
        self.origin_steering = {
            pool.name: ORIGIN_POLICIES[pool.origin_steering] for pool in lb.pools
        }
        self.tallies = RequestCounters()
        """Counters of its requests."""

        self._resort: tuple[Snapshot | None, tuple[Origin, ...]] = (None, ())

    def resort(self, snapshot: Snapshot) -> tuple[Origin, ...]:
        """Return the origins of the last resort; worked out once for a snapshot."""
        known, origins = self._resort
        if known is not snapshot:
            origins = tuple(last_resort(self.lb, snapshot))
            self._resort = (snapshot, origins)
        return origins

    def share(self, other: PreparedLoadBalancer) -> None:
        """Use the limits and counters of `other`: they hold for all rules and sets together."""
        self.budget, self.mirroring, self.tallies = other.budget, other.mirroring, other.tallies
        if self.hedges is not None and other.hedges is not None:
            self.hedges = other.hedges

    def comes_back(self, snapshot: Snapshot, origin: Origin) -> bool:
        """Whether a session will return to `origin`, which does not serve it now."""
        if not self.returning:
            return False
        pool = snapshot.sessions(self.pools[origin.pool], self.keeping)
        return pool.off is None and COMES_BACK[snapshot.standing(origin, self.keeping.drain)]


# Standings in which `temporary` keeps a session for its origin. An origin that was switched off has
# not failed: its sessions move, as without zero-downtime failover.
COMES_BACK: Mapping[Standing, bool] = {
    Standing.AVAILABLE: True,
    Standing.NO_WEIGHT: True,
    Standing.EJECTED: True,
    Standing.UNHEALTHY: True,
    Standing.DRAINING: True,
    Standing.MAINTENANCE: False,
    Standing.DISABLED: False,
}
