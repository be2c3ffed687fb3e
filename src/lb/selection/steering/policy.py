"""The shape of a steering policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lb.health.snapshot import Snapshot
    from lb.model import Pool
    from lb.request.facts import RequestFacts


class Steering(Protocol):
    """Yields the pools for a request in preference order; the caller skips pools that are down.

    A policy prepares what does not depend on the request once for a load balancer or a snapshot.
    """

    def __call__(
        self, facts: RequestFacts, snapshot: Snapshot, rand: Callable[[], float]
    ) -> Iterable[Pool]: ...
