"""Steering in the order of the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lb.health.snapshot import Snapshot
    from lb.model import LoadBalancer, Pool
    from lb.request.facts import RequestFacts
    from lb.selection.steering.policy import Steering


def off(lb: LoadBalancer) -> Steering:
    """Yield the pools in the order of default_pools, for failover.

    https://developers.cloudflare.com/load-balancing/understand-basics/traffic-steering/steering-policies/standard-options/
    """
    pools = lb.default_pools

    def steer(facts: RequestFacts, snapshot: Snapshot, rand: Callable[[], float]) -> Iterable[Pool]:
        del facts, snapshot, rand
        return pools

    return steer


def reason(lb: LoadBalancer, facts: RequestFacts, snapshot: Snapshot) -> str:
    """Return, as text, the order of the pools."""
    del lb, facts, snapshot
    return "in the order of default_pools"
