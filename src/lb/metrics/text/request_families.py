"""The metrics of requests: answers, attempts and durations."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from lb.metrics.labels import Kind, labelled
from lb.metrics.text.openmetrics import Family, Type
from lb.metrics.totals import OTHER
from lb.proxy.tallies import BOUNDS, BUCKETS, SECONDS, UNTIMED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lb.metrics.totals import Labels, Totals

CLASSES = range(1, 6)
WEBSOCKET = "1xx"
"""Class of status 101, the only one of its class that reaches a client."""

ALWAYS_SHOWN = frozenset({2, 5})
"""Classes that first attempts at an origin with traffic always show, even with a count of 0: a
series that begins with its first event shows no increase."""


class Answers(NamedTuple):
    """Answers of one origin, attempt and class of statuses."""

    where: Mapping[str, str]
    attempt: str
    failed: str
    """Not empty = they count as failures of the origin."""
    outcome: str
    number: float


def of_requests(counted: Totals) -> Iterator[Family]:
    """Yield all metrics of requests."""
    answers = list(_answers(counted))
    yield _requests(counted, answers)
    attempts = _attempts(counted, answers)
    yield _family(
        "evenkeel_attempts",
        "Attempts at origins, by their outcome: the class of status, or the cause of the failure.",
        attempts,
        ("load_balancer", "pool", "origin", "attempt", "outcome"),
    )
    retries: dict[Labels, float] = defaultdict(float)
    for (lb, pool, origin, number, _), count in attempts.items():
        retries[lb, pool, origin] += count * (number != "1")
    yield _family(
        "evenkeel_retries",
        "Second and later attempts at this origin, after a failed or slow attempt at another.",
        retries,
        ("load_balancer", "pool", "origin"),
    )
    yield _own(counted)
    sockets = Family("evenkeel_websockets", Type.COUNTER, "Opened WebSockets.")
    for one in answers:
        if one.outcome == WEBSOCKET and one.number:
            sockets.count(one.number, **one.where, attempt=one.attempt)
    yield sockets
    yield from _durations(counted)


def events_of(counted: Totals, kind: Kind) -> Iterator[tuple[dict[str, str], float]]:
    """Yield the labels by name, and the number, of all events of a kind."""
    for found, amount in counted.events.items():
        if found[0] == kind.first:
            # Counts beyond the number of series have no labels.
            yield dict(labelled(found)) or dict.fromkeys(kind.labels, OTHER), amount


def _family(name: str, text: str, counts: Mapping[Labels, float], labels: Labels) -> Family:
    family = Family(name, Type.COUNTER, text)
    for values, count in counts.items():
        family.count(count, **dict(zip(labels, values, strict=True)))
    return family


def _answers(counted: Totals) -> Iterator[Answers]:
    for (lb, pool, origin, number, failed), cells in counted.answers.items():
        if not origin:
            continue
        where = {"load_balancer": lb, "pool": pool, "origin": origin}
        for status in CLASSES:
            count = sum(_row(cells, status))
            if count or (number == "1" and not failed and status in ALWAYS_SHOWN):
                yield Answers(where, number, failed, f"{status}xx", count)


def _requests(counted: Totals, answers: list[Answers]) -> Family:
    found: dict[Labels, float] = defaultdict(float)
    for one in answers:
        found[*one.where.values(), one.attempt, one.outcome] += one.number
    for labels, count in events_of(counted, Kind.REFUSED):
        found[labels["load_balancer"], "", "", "0", labels["code"]] += count
    return _family(
        "evenkeel_requests",
        "Answers to clients, by origin, class of status (outcome) and attempt; attempt 0: answers"
        " of the balancer itself.",
        found,
        ("load_balancer", "pool", "origin", "attempt", "outcome"),
    )


def _attempts(counted: Totals, answers: list[Answers]) -> dict[Labels, float]:
    found = {
        (*one.where.values(), one.attempt, one.outcome): one.number
        for one in answers
        if not one.failed
    }
    for labels, count in events_of(counted, Kind.FAILED):
        found[tuple(labels.values())] = count
    return found


def _own(counted: Totals) -> Family:
    found: dict[Labels, float] = defaultdict(float)
    for labels, count in events_of(counted, Kind.REFUSED):
        found[labels["load_balancer"], labels["cause"]] += count
    return _family(
        "evenkeel_own_answers",
        "Answers of the balancer itself: refusals, redirects and fixed responses, by cause.",
        found,
        ("load_balancer", "cause"),
    )


def _durations(counted: Totals) -> Iterator[Family]:
    """Yield the times to the headers of an answer, for clients and for each origin."""
    clients: dict[str, list[float]] = {}
    origins: dict[Labels, list[float]] = {}
    for (lb, pool, origin, number, failed), cells in counted.answers.items():
        if not origin or (number == "1" and not failed):
            _add(clients.setdefault(lb, [0] * len(cells)), cells)
        if origin and not failed:
            _add(origins.setdefault((lb, pool, origin), [0] * len(cells)), cells)
    family = Family(
        "evenkeel_request_duration_seconds",
        Type.HISTOGRAM,
        "Time from the arrival of a request to the headers of an origin's answer.",
        "seconds",
    )
    for lb, cells in clients.items():
        _spread(partial(family.spread, load_balancer=lb), cells)
    yield family
    family = Family(
        "evenkeel_origin_duration_seconds",
        Type.HISTOGRAM,
        "Time from sending a request to an origin to the headers of its answer.",
        "seconds",
    )
    for (lb, pool, origin), cells in origins.items():
        _spread(partial(family.spread, load_balancer=lb, pool=pool, origin=origin), cells)
    yield family


def _spread(add: Callable[..., None], cells: list[float]) -> None:
    counts = [sum(cells[at + BUCKETS :: BUCKETS]) for at in range(BUCKETS)]
    counts[0] -= cells[UNTIMED]
    add(BOUNDS, counts, cells[SECONDS])


def _row(cells: list[float], status: int) -> list[float]:
    return cells[status * BUCKETS : (status + 1) * BUCKETS]


def _add(sums: list[float], cells: list[float]) -> None:
    for at, cell in enumerate(cells):
        sums[at] += cell
