"""Origin steering: the order in which a pool's available origins are tried for a request."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from math import log
from typing import TYPE_CHECKING, Protocol

from lb.hashing import hash64, mixed_uniform
from lb.model import OriginSteeringPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from lb.availability import PoolView
    from lb.facts import RequestFacts
    from lb.model import Origin


class OriginSteering(Protocol):
    """Yields a view's origins in preference order, each once."""

    def __call__(
        self, view: PoolView, facts: RequestFacts, rand: Callable[[], float]
    ) -> Iterable[Origin]: ...


def random(view: PoolView, facts: RequestFacts, rand: Callable[[], float]) -> Iterator[Origin]:
    """Yield origins by chance, each with its share of the weight of those that are left."""
    del facts
    origins, weights, sums = view.origins, view.weights, view.cumulative
    while origins:
        at = min(bisect_right(sums, rand() * sums[-1]), len(origins) - 1)
        yield origins[at]
        origins = origins[:at] + origins[at + 1 :]
        weights = weights[:at] + weights[at + 1 :]
        sums = tuple(accumulate(weights))


def by_hash(view: PoolView, facts: RequestFacts, rand: Callable[[], float]) -> Iterator[Origin]:
    """Yield origins in the order of the client's address."""
    del rand
    return in_order_of(hash64(facts.client_ip), view)


def in_order_of(key: int, view: PoolView) -> Iterator[Origin]:
    """Yield origins by weighted rendezvous hashing of a client's key, which has 64 bits.

    The origin with the highest score wins, and a score depends on nothing but client and origin:
    when an origin leaves or comes back, or its weight
    changes, only clients of its own move. Weights after
    Schindelhauer and Schomaker, "Weighted distributed hash tables" (2005): -w / ln(u).
    """
    scored = [
        (-weight / log(mixed_uniform(key, seed)), origin.name, origin)
        for origin, weight, seed in zip(view.origins, view.weights, view.seeds, strict=True)
    ]
    first = max(scored, default=None)
    if first is None:
        return
    yield first[2]
    scored.remove(first)
    for _, _, origin in sorted(scored, reverse=True):
        yield origin


ORIGIN_POLICIES: Mapping[OriginSteeringPolicy, OriginSteering] = {
    OriginSteeringPolicy.RANDOM: random,
    OriginSteeringPolicy.HASH: by_hash,
}
