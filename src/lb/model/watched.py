"""What a configuration watches: the origins to probe, and the pools whose latency matters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.model import SteeringPolicy

if TYPE_CHECKING:
    from lb.model import Config, LoadBalancer, Origin, Watch


def monitored(config: Config) -> list[tuple[Origin, Watch]]:
    """Return what is probed: enabled origins of enabled pools that a load balancer uses."""
    used = {pool.name: pool for lb in config.load_balancers for pool in lb.watched}
    return [
        (origin, watch)
        for pool in used.values()
        if (watch := pool.watched_by) is not None and pool.enabled
        for origin in pool.origins
        if origin.enabled
    ]


def timed(config: Config) -> frozenset[str]:
    """Return the names of the pools whose latency matters to somebody."""
    return frozenset(
        pool.name
        for lb in config.load_balancers
        if SteeringPolicy.DYNAMIC_LATENCY in _policies(lb)
        for pool in lb.watched
    )


def _policies(lb: LoadBalancer) -> list[object]:
    """Return every steering policy that some request may meet."""
    ruled = [
        value for rule in lb.rules for key, value in rule.overrides if key == "steering_policy"
    ]
    return [lb.steers_by, *(one.steering_policy for one in lb.pool_sets), *ruled]
