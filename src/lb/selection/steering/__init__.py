"""Steering policies: the order in which a load balancer's pools are tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.model import SteeringPolicy
from lb.selection.steering import geo, latency, ordered, proximity, weighted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lb.health.snapshot import Snapshot
    from lb.model import LoadBalancer
    from lb.request.facts import RequestFacts
    from lb.selection.steering.policy import Steering

# SteeringPolicy.DEFAULT has no row: LoadBalancer.steers_by resolves it.
POLICIES: Mapping[SteeringPolicy, Callable[[LoadBalancer], Steering]] = {
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
"""Policies that use `by_key` for requests with a key, instead of chance and load."""
by_key = weighted.by_key

REASONS: Mapping[SteeringPolicy, Callable[[LoadBalancer, RequestFacts, Snapshot], str]] = {
    SteeringPolicy.OFF: ordered.reason,
    SteeringPolicy.GEO: geo.reason,
    SteeringPolicy.RANDOM: weighted.reason,
    SteeringPolicy.DYNAMIC_LATENCY: latency.reason,
    SteeringPolicy.PROXIMITY: proximity.reason,
    SteeringPolicy.LEAST_OUTSTANDING_REQUESTS: weighted.reason_by_requests,
    SteeringPolicy.LEAST_CONNECTIONS: weighted.reason_by_connections,
}
"""Texts that explain the order of the pools for a request."""
