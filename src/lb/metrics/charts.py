"""Adds counts to the rings of the charts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.metrics.labels import Kind
from lb.metrics.rings import FAILURES, REQUEST_TIMES, REQUESTS
from lb.metrics.text.request_families import events_of
from lb.proxy.tallies import BUCKETS, UNTIMED
from lb.proxy.tallies import SECONDS as SUM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lb.metrics.rings import Durations, Rings, Subject
    from lb.metrics.totals import Labels, Totals

FAILED_FROM = 5
"""Lowest class of statuses that the charts show as failures."""


Count = tuple["Subject", int, int]


def chart(rings: Rings, counted: Totals, since: float, now: float) -> None:
    """Add counts of the time from `since` to `now`."""
    for subject, field, amount in (*_of_answers(counted), *_of_events(counted)):
        rings.add_count(subject, field, amount, since, now)
    for subject, durations in _times(counted):
        rings.add_times(subject, REQUEST_TIMES, durations, since, now)


def _subjects(labels: Labels) -> list[Subject]:
    """Return the charts in which answers count: of the load balancer, and of the origin."""
    lb, pool, origin, number, failed = labels
    subjects: list[Subject] = []
    if not origin or (number == "1" and not failed):
        subjects.append((lb,))
    if origin and not failed:
        # Answers that count as failures are in the events of failed attempts.
        subjects.append((pool, origin))
    return subjects


def _of_answers(counted: Totals) -> Iterator[Count]:
    for labels, cells in counted.answers.items():
        answers = _answers(cells)
        for subject in _subjects(labels):
            yield subject, REQUESTS, answers
            yield subject, FAILURES, int(sum(cells[FAILED_FROM * BUCKETS :]))
        if labels[2]:
            yield labels[:3], REQUESTS, answers


def _times(counted: Totals) -> Iterator[tuple[Subject, Durations]]:
    for labels, cells in counted.answers.items():
        for subject in _subjects(labels):
            yield subject, (cells[SUM], _answers(cells) - int(cells[UNTIMED]))


def _answers(cells: list[float]) -> int:
    return int(sum(cells[BUCKETS:]))


def _of_events(counted: Totals) -> Iterator[Count]:
    for labels, amount in events_of(counted, Kind.FAILED):
        for field in (REQUESTS, FAILURES):
            yield (labels["pool"], labels["origin"]), field, int(amount)
    for labels, amount in events_of(counted, Kind.REFUSED):
        yield (labels["load_balancer"],), REQUESTS, int(amount)
        if labels["code"] == "5xx":
            yield (labels["load_balancer"],), FAILURES, int(amount)
