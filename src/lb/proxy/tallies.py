"""What became of one load balancer's requests, in numbers: plain lists that a request adds to."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lb.model import OriginKey

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds up to which an answer is in a bucket; the last one has what took longer."""

BUCKETS = len(BOUNDS) + 1

CELLS = 6 * BUCKETS
"""A row of buckets for each class of statuses. Row 0 has none, so that its first cell is free."""

SECONDS = 0
"""The cell that holds the sum of all times."""

HIT, MISS, MOVED = range(3)
"""What became of a session: it stayed, there was none, or its origin did not answer it."""

LATER = ("1", "2", "3+")
"""The numbers of attempts that are told apart."""


class RequestCounters(dict[tuple[str, ...], list[float]]):
    """Cells by what they are about.

    (pool, origin): answers to first attempts. (pool, origin, number): to later ones. (pool, origin,
    number, "failed"): answers that counted as failures, and were the best there was. (): all
    answers but those to first attempts, by the time since their requests came in.
    """

    __slots__ = ("sessions", "sheds")

    def __init__(self) -> None:
        super().__init__()
        self.sessions = [0, 0, 0]
        self.sheds: dict[str, int] = {}
        """Requests that each pool has left to others."""

    def __missing__(self, key: tuple[str, ...]) -> list[float]:
        cells: list[float] = [0] * CELLS
        cells[SECONDS] = 0.0
        self[key] = cells
        return cells

    def answered(self, key: tuple[str, ...], status: int, seconds: float) -> None:
        """Count an answer whose headers came after so many seconds."""
        cells = self[key]
        cells[SECONDS] += seconds
        cells[status // 100 * BUCKETS + bisect_left(BOUNDS, seconds)] += 1

    def answered_late(  # noqa: PLR0913 (what there is to know of it)
        self,
        key: OriginKey,
        number: int,
        status: int,
        seconds: float,
        since_request: float,
        *,
        failed: bool,
    ) -> None:
        """Count an answer to a later attempt, or one that a client got though it had failed."""
        self.answered((*key, numbered(number), *(("failed",) if failed else ())), status, seconds)
        self.answered((), status, since_request)

    def shed(self, pools: Iterable[str]) -> None:
        """Count a request that went past these pools."""
        for pool in pools:
            self.sheds[pool] = self.sheds.get(pool, 0) + 1


def numbered(attempt: int) -> str:
    """Return the label of an attempt's number."""
    return LATER[min(attempt, len(LATER)) - 1]
