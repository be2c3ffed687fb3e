"""Steering policies: the order in which a load balancer's pools are tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lb.model import SteeringPolicy
from lb.selection.steering import geo, latency, ordered, proximity, weighted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lb.health.snapshot import Snapshot
    from lb.model import LoadBalancer, Pool
    from lb.request.facts import RequestFacts


class Steering(Protocol):
    """Yields the pools for a request in preference order; the caller skips those that are down.

    What does not depend on the request is prepared for the load balancer, or once a snapshot.
    """

    def __call__(
        self, facts: RequestFacts, snapshot: Snapshot, rand: Callable[[], float]
    ) -> Iterable[Pool]: ...


def _meant(lb: LoadBalancer) -> Steering:
    return POLICIES[lb.steers_by](lb)


POLICIES: Mapping[SteeringPolicy, Callable[[LoadBalancer], Steering]] = {
    SteeringPolicy.DEFAULT: _meant,
    SteeringPolicy.OFF: ordered.off,
    SteeringPolicy.GEO: geo.geo,
    SteeringPolicy.RANDOM: weighted.random,
    SteeringPolicy.DYNAMIC_LATENCY: latency.dynamic_latency,
    SteeringPolicy.PROXIMITY: proximity.proximity,
    SteeringPolicy.LEAST_OUTSTANDING_REQUESTS: weighted.least_outstanding_requests,
    SteeringPolicy.LEAST_CONNECTIONS: weighted.least_connections,
}

BY_WEIGHT = frozenset(
    {
        SteeringPolicy.RANDOM,
        SteeringPolicy.LEAST_OUTSTANDING_REQUESTS,
        SteeringPolicy.LEAST_CONNECTIONS,
    }
)
"""What a session's key decides in place of chance and load: `by_key`."""
by_key = weighted.by_key

REASONS: Mapping[SteeringPolicy, Callable[[LoadBalancer, RequestFacts, Snapshot], str]] = {
    SteeringPolicy.DEFAULT: ordered.reason,
    SteeringPolicy.OFF: ordered.reason,
    SteeringPolicy.GEO: geo.reason,
    SteeringPolicy.RANDOM: weighted.reason,
    SteeringPolicy.DYNAMIC_LATENCY: latency.reason,
    SteeringPolicy.PROXIMITY: proximity.reason,
    SteeringPolicy.LEAST_OUTSTANDING_REQUESTS: weighted.reason_by_requests,
    SteeringPolicy.LEAST_CONNECTIONS: weighted.reason_by_connections,
}
"""Says how the policy that is meant orders the pools for a request."""
