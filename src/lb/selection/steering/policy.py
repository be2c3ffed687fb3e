"""The interface of steering policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lb.health.snapshot import Snapshot
    from lb.model import Pool
    from lb.request.facts import RequestFacts


class Steering(Protocol):
    """Yields the pools for a request in order of preference; the caller skips pools that are down.

    What does not depend on the request is prepared once per load balancer or per snapshot.
    """

    def __call__(
        self, facts: RequestFacts, snapshot: Snapshot, rand: Callable[[], float]
    ) -> Iterable[Pool]: ...
