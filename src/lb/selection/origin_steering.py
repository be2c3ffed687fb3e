"""Origin steering: the order of a pool's available origins for a request."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Protocol

from lb.base.hashing import hash64, mixed_uniform
from lb.base.weighted_order import by_chance, by_load
from lb.health.hash_slots import MOST_SCORED
from lb.model import OriginSteeringPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from lb.health.snapshot import PoolView
    from lb.model import Origin
    from lb.request.facts import RequestFacts


class OriginSteering(Protocol):
    """Yields the origins of a view in order of preference, each once."""

    def __call__(
        self, view: PoolView, facts: RequestFacts, rand: Callable[[], float]
    ) -> Iterable[Origin]: ...


def random(view: PoolView, facts: RequestFacts, rand: Callable[[], float]) -> Iterator[Origin]:
    """Yield origins by chance, each with its share of the remaining weight."""
    del facts
    return by_chance(view.origins, view.weights, view.cumulative, rand)


def by_hash(view: PoolView, facts: RequestFacts, rand: Callable[[], float]) -> Iterator[Origin]:
    """Yield origins by a hash of the client's address."""
    del rand
    return in_order_of(hash64(facts.client_ip), view)


def in_order_of(key: int, view: PoolView) -> Iterator[Origin]:
    """Yield origins in the order of a client's key of 64 bits.

    The order depends on the client and the origins alone: when an origin leaves or returns, or its
    weight changes, only its own clients move. The first of many origins is looked up in
    `view.slots`, at a cost that does not grow with their number (docs/decisions/least-loaded.md).
    """
    if len(view.pool.origins) <= MOST_SCORED:
        yield from by_score(key, view)
        return
    first = view.slots.first(key, view.weight_of)
    if first is not None:
        yield first
    for origin in by_score(key, view):
        if origin is not first:
            yield origin


def by_score(key: int, view: PoolView) -> Iterator[Origin]:
    """Yield origins by weighted rendezvous hashing, the highest score first.

    Score: -w / ln(u), after Schindelhauer and Schomaker, "Weighted distributed hash tables" (2005).
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


def least_outstanding_requests(
    view: PoolView, facts: RequestFacts, rand: Callable[[], float]
) -> Iterator[Origin]:
    """Yield first, of two random origins, the one with fewer requests in flight per weight."""
    del facts
    outstanding = view.in_flight.outstanding
    return by_load(
        view.origins, view.weights, view.cumulative, lambda origin: outstanding(origin.key), rand
    )


def least_connections(
    view: PoolView, facts: RequestFacts, rand: Callable[[], float]
) -> Iterator[Origin]:
    """Yield first, of two random origins, the one with fewer open connections per weight."""
    del facts
    connections = view.in_flight.connections
    return by_load(
        view.origins, view.weights, view.cumulative, lambda origin: connections(origin.key), rand
    )


ORIGIN_POLICIES: Mapping[OriginSteeringPolicy, OriginSteering] = {
    OriginSteeringPolicy.RANDOM: random,
    OriginSteeringPolicy.HASH: by_hash,
    OriginSteeringPolicy.LEAST_OUTSTANDING_REQUESTS: least_outstanding_requests,
    OriginSteeringPolicy.LEAST_CONNECTIONS: least_connections,
}


def _by_weight(view: PoolView, facts: RequestFacts) -> str:
    del view, facts
    return "by chance, each with the share of its weight"


def _by_address(view: PoolView, facts: RequestFacts) -> str:
    del view
    return f"by a hash of the client's address {facts.client_ip or '(unknown)'}"


def _by_requests(view: PoolView, facts: RequestFacts) -> str:
    del view, facts
    return "by weight, of two the one with fewer outstanding requests for its weight"


def _by_connections(view: PoolView, facts: RequestFacts) -> str:
    del view, facts
    return "by weight, of two the one with fewer connections for its weight"


REASONS: Mapping[OriginSteeringPolicy, Callable[[PoolView, RequestFacts], str]] = {
    OriginSteeringPolicy.RANDOM: _by_weight,
    OriginSteeringPolicy.HASH: _by_address,
    OriginSteeringPolicy.LEAST_OUTSTANDING_REQUESTS: _by_requests,
    OriginSteeringPolicy.LEAST_CONNECTIONS: _by_connections,
}
"""Texts that explain the order of the origins for a request."""
