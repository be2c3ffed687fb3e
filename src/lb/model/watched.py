"""The origins to probe, and the pools whose latency is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.model import SteeringPolicy

if TYPE_CHECKING:
    from lb.model import Config, LoadBalancer, Origin, Pool, Watch


def used_pools(config: Config) -> dict[str, Pool]:
    """Return the pools that some load balancer uses, by name."""
    return {pool.name: pool for lb in config.load_balancers for pool in lb.watched}


def monitored(config: Config) -> list[tuple[Origin, Watch]]:
    """Return the enabled origins of enabled pools in use, with the monitor or group of each."""
    return [
        (origin, watch)
        for pool in used_pools(config).values()
        if (watch := pool.watched_by) is not None and pool.enabled
        for origin in pool.origins
        if origin.enabled
    ]


def timed(config: Config) -> frozenset[str]:
    """Return the names of the pools that some load balancer steers by latency."""
    return frozenset(
        pool.name
        for lb in config.load_balancers
        if SteeringPolicy.DYNAMIC_LATENCY in _policies(lb)
        for pool in lb.watched
    )


def _policies(lb: LoadBalancer) -> list[object]:
    """Return every steering policy that may apply to a request."""
    ruled = [
        value for rule in lb.rules for key, value in rule.overrides if key == "steering_policy"
    ]
    return [lb.steers_by, *(one.steering_policy for one in lb.pool_sets), *ruled]
