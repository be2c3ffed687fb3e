"""Steering policies: the order in which a load balancer's pools are tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lb.model import SteeringPolicy
from lb.steering import ordered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from lb.facts import RequestFacts
    from lb.model import Pool


class Steering(Protocol):
    """Yields pools in preference order; it never looks at health, the caller skips."""

    def __call__(
        self, pools: Sequence[Pool], facts: RequestFacts, rand: Callable[[], float]
    ) -> Iterable[Pool]: ...


POLICIES: Mapping[SteeringPolicy, Steering] = {
    SteeringPolicy.OFF: ordered.off,
    # "" means geo when a geographic map is set, else off; no map can be set yet.
    SteeringPolicy.DEFAULT: ordered.off,
}
