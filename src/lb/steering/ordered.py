"""Steering that keeps the order of the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from lb.facts import RequestFacts
    from lb.model import Pool


def off(pools: Sequence[Pool], facts: RequestFacts, rand: Callable[[], float]) -> Iterable[Pool]:
    """Yield the pools as configured: the failover order.

    https://developers.cloudflare.com/load-balancing/understand-basics/traffic-steering/steering-policies/standard-options/
    """
    del facts, rand
    return pools
