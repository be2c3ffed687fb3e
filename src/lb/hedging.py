"""How many requests get a second attempt while their first is slow: one in ten, at most."""

from __future__ import annotations

ONE_IN = 10
"""Requests that earn one second attempt."""

MOST_SAVED = 10
"""Second attempts that are saved up: an origin that turns slow is not asked for more at once."""


class HedgeBudget:
    """A token bucket of one load balancer, in one isolate; it begins empty.

    When everything is slow, second attempts to everything would make it slower
    (Dean and Barroso, The Tail at Scale, https://research.google/pubs/the-tail-at-scale/).
    """

    def __init__(self) -> None:
        self._saved = 0
        """Tenths of a second attempt, so that they can be counted exactly."""

    def count(self) -> None:
        """Take note of a request that may have a second attempt."""
        self._saved = min(self._saved + 1, ONE_IN * MOST_SAVED)

    def allows(self) -> bool:
        """Whether there may be a second attempt now."""
        return self._saved >= ONE_IN

    def spend(self) -> None:
        """Take note of a second attempt."""
        self._saved -= ONE_IN
