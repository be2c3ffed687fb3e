"""Counters of one load balancer's requests, as plain lists of numbers."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lb.model import OriginKey

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the buckets of response times, in seconds; one more bucket has the rest."""

BUCKETS = len(BOUNDS) + 1

CELLS = 6 * BUCKETS
"""Cells of a counter: a row of buckets for each class of statuses, 1xx to 5xx. Row 0 is free."""

SECONDS = 0
"""Index of the sum of all response times, in the free row."""

UNTIMED = 1
"""Index of the number of answers without a time, in the free row; they are in bucket 0."""

HIT, MISS, MOVED = range(3)
"""Results of a session: its origin answered; there was no session; another origin answered."""

ATTEMPTS = ("1", "2", "3+")
"""Labels of attempts by their number."""


class RequestCounters(dict[tuple[str, ...], list[float]]):
    """CELLS numbers by subject.

    - (pool, origin): answers to first attempts.
    - (pool, origin, number): answers to later attempts.
    - (pool, origin, number, "failed"): delivered answers that counted as failures.
    - (): all answers but those to first attempts, by the time since their requests arrived.
    """

    __slots__ = ("sessions", "sheds")

    def __init__(self) -> None:
        super().__init__()
        self.sessions = [0, 0, 0]
        self.sheds: dict[str, int] = {}
        """Requests that were shed, by pool."""

    def __missing__(self, key: tuple[str, ...]) -> list[float]:
        cells: list[float] = [0] * CELLS
        cells[SECONDS] = 0.0
        self[key] = cells
        return cells

    def answered(self, key: tuple[str, ...], status: int, seconds: float | None) -> None:
        """Count an answer; `seconds`: time to its headers; None = the client's upload is in it."""
        cells = self[key]
        if seconds is None:
            cells[UNTIMED] += 1
            seconds = 0.0
        cells[SECONDS] += seconds
        cells[status // 100 * BUCKETS + bisect_left(BOUNDS, seconds)] += 1

    def answered_late(  # noqa: PLR0913 (all that is counted of an answer)
        self,
        key: OriginKey,
        number: int,
        status: int,
        seconds: float | None,
        since_request: float | None,
        *,
        failed: bool,
    ) -> None:
        """Count an answer to a later attempt, or a delivered answer that counted as a failure."""
        self.answered((*key, numbered(number), *(("failed",) if failed else ())), status, seconds)
        self.answered((), status, since_request)

    def shed(self, pools: Iterable[str]) -> None:
        """Count a request that these pools have shed."""
        for pool in pools:
            self.sheds[pool] = self.sheds.get(pool, 0) + 1


def numbered(attempt: int) -> str:
    """Return the label of an attempt's number."""
    return ATTEMPTS[min(attempt, len(ATTEMPTS)) - 1]
