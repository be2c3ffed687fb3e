"""The account of a line: counts from its records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from measure.common.open_loop import LEFT, OK, Record
from measure.faults.model import Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The result of one line. A request without a complete answer of status 200 is lost.

    Requests of a disturbance are in `replayed` and in the fields that begin with `beside`.
    """

    sent: int
    gets_lost: int
    posts_lost: int
    replayed: int
    """POSTs that reached the origins more than once."""
    lost_after: int
    """Requests lost after all origins had recovered."""
    in_a_row: int
    """Most consecutive requests that were lost."""
    slowest: float
    """Seconds of the slowest request."""
    slowest_at: float
    """When it was sent, in seconds from the line's start."""
    not_503: int
    """Requests lost in another way than with status 503."""
    outcomes: dict[str, int] = field(default_factory=dict)
    """Number of requests by outcome."""
    moved: bool = False
    """Whether the other origin answered everything in the last quarter of the fault."""
    strayed: int = 0
    """Requests of the fault that another origin answered than their session's before it."""
    beside_sent: int = 0
    beside_lost: int = 0
    """Requests of a disturbance without an answer of status 200, but for clients that left."""
    beside_outcomes: dict[str, int] = field(default_factory=dict)
    late: float = 0.0
    """Most seconds by which the load generator was late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was observed in one run of a line."""

    records: Sequence[Record]
    """Those of the normal load, in the order of sending; not empty."""
    posts: Iterable[Counter[str]] = ()
    """Number of times that each POST arrived, for each origin."""
    beside: Sequence[Record] = ()
    """Those of the disturbance."""
    late: float = 0.0
    """Most seconds by which the load generator was late."""


def account(observed: Observed, timing: Timing, other: str) -> Account:
    """Return the account of a run; `other` is the origin that stays well."""
    records, beside = observed.records, observed.beside
    lost = [one for one in records if one.outcome != OK]
    received: Counter[str] = Counter()
    for one in observed.posts:
        received.update(one)
    slowest = max(records, key=lambda one: one.seconds)
    runs = groupby(records, key=lambda one: one.outcome != OK)
    last = [
        one.origin
        for one in records
        if timing.recovery - timing.fault / 4 <= one.at < timing.recovery and one.outcome == OK
    ]
    return Account(
        sent=len(records),
        gets_lost=sum(one.method == "GET" for one in lost),
        posts_lost=sum(one.method == "POST" for one in lost),
        replayed=sum(times > 1 for times in received.values()),
        lost_after=sum(one.at >= timing.recovery for one in lost),
        in_a_row=max((len(list(run)) for is_lost, run in runs if is_lost), default=0),
        slowest=slowest.seconds,
        slowest_at=slowest.at,
        not_503=sum(one.outcome != "503" for one in lost),
        outcomes=dict(Counter(one.outcome for one in records).most_common()),
        moved=bool(last) and set(last) == {other},
        strayed=strayed(records, timing),
        beside_sent=len(beside),
        beside_lost=sum(one.outcome not in (OK, LEFT) for one in beside),
        beside_outcomes=dict(Counter(one.outcome for one in beside).most_common()),
        late=observed.late,
    )


def strayed(records: Sequence[Record], timing: Timing) -> int:
    """Number of requests of the fault that left the origin of their session."""
    # The last answer before the fault: its cookie is the one that the client keeps.
    ended = sorted((one for one in records if one.outcome == OK), key=lambda one: one.end)
    homes = {one.client: one.origin for one in ended if one.client >= 0 and one.end < timing.before}
    return sum(
        one.outcome == OK and one.origin != homes.get(one.client, one.origin)
        for one in records
        if timing.before <= one.at < timing.recovery
    )
