"""Counts as data points of Analytics Engine, within its limits for an invocation.

https://developers.cloudflare.com/analytics/analytics-engine/limits/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lb.metrics.totals import Totals
from lb.proxy.tallies import BUCKETS, SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_POINTS = 200
"""Most data points written after a response; the limit of an invocation is 250."""

LONGEST_INDEX = 96
"""Longest index in bytes."""


class Point(NamedTuple):
    """A data point: an index, and at most 20 blobs and 20 doubles."""

    key: str
    """The index."""
    blobs: list[str]
    doubles: list[float]


def points(counted: Totals) -> tuple[list[Point], Totals]:
    """Return at most MOST_POINTS data points, and the counts that are left.

    A point of answers has the blobs "answers", load balancer, pool, origin, number of the attempt
    and "failed" or "", and the doubles: all answers, those of each class from 1xx to 5xx, and the
    sum of their durations in seconds. A point of events has its kind and labels as blobs, and its
    number as the double.
    """
    found: list[Point] = []
    left = Totals()
    for labels, cells in counted.answers.items():
        if len(found) < MOST_POINTS:
            found.append(Point(_index(labels[0]), ["answers", *labels], list(_doubles(cells))))
        else:
            left.add_answers(labels, cells)
    for labels, amount in counted.events.items():
        if len(found) < MOST_POINTS:
            found.append(Point(_index(labels[1]), list(labels), [amount]))
        else:
            left.add_event(labels, amount)
    return found, left


def _doubles(cells: list[float]) -> Iterator[float]:
    yield sum(cells[BUCKETS:])
    for status in range(1, 6):
        yield sum(cells[status * BUCKETS : (status + 1) * BUCKETS])
    yield cells[SECONDS]


def _index(text: str) -> str:
    return text.encode()[:LONGEST_INDEX].decode(errors="ignore")
