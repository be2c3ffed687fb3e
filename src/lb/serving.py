"""One load balancer at work: every origin that a request may be sent to, the best first."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from lb.affinity import affinity_of
from lb.availability import Keeping, Standing
from lb.forwarding import Forwarding
from lb.hashing import chance_of
from lb.model import SessionAffinity, ZeroDowntimeFailover
from lb.origin_steering import ORIGIN_POLICIES, in_order_of
from lb.steering import POLICIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from lb.availability import Snapshot
    from lb.facts import RequestFacts
    from lb.model import LoadBalancer, Origin, Pool


class Serving:
    """One load balancer with all that its requests share, made once for a configuration."""

    def __init__(self, lb: LoadBalancer, identity: str, cookie_key: str) -> None:
        self.lb = lb
        self.affinity = affinity_of(lb, cookie_key)
        self.forwarding = Forwarding(lb, identity)
        self.steering = POLICIES[lb.steering_policy]
        self.pools = {pool.name: pool for pool in lb.pools}
        failover = lb.session_affinity_attributes.zero_downtime_failover
        self.by_header = lb.session_affinity is SessionAffinity.HEADER
        self.held = self.affinity is not None and failover is ZeroDowntimeFailover.NONE
        """Whether a session is left to its origin, whatever that answers."""
        self.returning = failover is ZeroDowntimeFailover.TEMPORARY
        """Whether a session that went elsewhere comes back."""
        self.keeping = Keeping(
            float(lb.session_affinity_attributes.drain_duration), ejected=self.held
        )
        self.across_pools = lb.adaptive_routing.failover_across_pools
        self.origin_count = sum(len(pool.origins) for pool in lb.pools)
        self.retry_on = frozenset(
            status for codes in lb.failover.retry_on for status in range(codes.low, codes.high + 1)
        )
        self.origin_steering = {
            pool.name: ORIGIN_POLICIES[pool.origin_steering] for pool in lb.pools
        }

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


def candidates(
    serving: Serving,
    snapshot: Snapshot,
    facts: RequestFacts,
    rand: Callable[[], float],
    pinned: Origin | None,
) -> Iterator[Origin]:
    """Yield every origin that may be tried, once, the best first.

    The pin; then the rest of its pool; then steering over the pools and origin steering within;
    and when those have failed or there are none, whatever is left is better than a refusal.

    A function and not a method: a generator that holds the plan which holds it would keep the
    request and its response alive until Python looks for cycles.
    """
    seen = set()
    pools: Iterable[Pool] = ()
    if pinned is not None:
        home = serving.pools[pinned.pool]
        if snapshot.keeps_session(home, pinned, serving.keeping):
            seen.add(pinned.key)
            yield pinned
            pools = (home,)
    key = None if serving.affinity is None else serving.affinity.key(facts)
    if key is not None:
        rand = chance_of(key)
    for pool in chain(pools, serving.steering(serving.lb.default_pools, facts, rand)):
        sessions = key is not None and serving.by_header
        view = snapshot.sessions(pool, serving.keeping) if sessions else snapshot.view(pool)
        if not view.available:
            continue
        chosen = (
            serving.origin_steering[pool.name](view, facts, rand)
            if key is None
            else in_order_of(key, view)
        )
        for origin in chosen:
            if origin.key not in seen:
                seen.add(origin.key)
                yield origin
    for origin in last_resort(serving.lb, snapshot):
        if origin.key not in seen:
            seen.add(origin.key)
            yield origin


# The order of the last resort, in each rank the fallback pool before the others, as its health is
# not asked for (https://developers.cloudflare.com/load-balancing/understand-basics/health-details/).
# An ejection is a guess from a few requests, so it is taken back before a monitor's verdict is.
LAST_RESORT: Mapping[Standing, int | None] = {
    Standing.AVAILABLE: 0,
    Standing.EJECTED: 1,
    Standing.NO_WEIGHT: 2,
    Standing.UNHEALTHY: 2,
    Standing.DRAINING: None,
    Standing.MAINTENANCE: None,
    Standing.DISABLED: None,
}


def last_resort(lb: LoadBalancer, snapshot: Snapshot) -> Iterator[Origin]:
    """Yield the enabled origins of the enabled pools in the order in which despair tries them."""
    ranked: list[tuple[int, int, Origin]] = []
    for pool in lb.pools:
        if snapshot.view(pool).off is not None:
            continue
        for origin in pool.origins:
            rank = LAST_RESORT[snapshot.standing(origin)]
            if rank is not None:
                ranked.append((rank, pool is not lb.fallback_pool, origin))
    ranked.sort(key=lambda entry: entry[:2])
    return (origin for _, _, origin in ranked)
