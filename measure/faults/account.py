"""The accounting: what the records of a line mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from measure.common.open_loop import OK, Record
from measure.faults.model import Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What came of one line. A request is lost unless it brought a whole answer with status 200."""

    sent: int
    gets_lost: int
    posts_lost: int
    replayed: int
    """POSTs that reached origins more than once."""
    lost_after: int
    """Lost although they were sent when all origins were well again."""
    in_a_row: int
    """The most that were lost one after the other."""
    slowest: float
    """Seconds of the slowest request."""
    slowest_at: float
    """When it was sent, from the line's start."""
    not_503: int
    """Lost in another way than by an answer of status 503."""
    outcomes: dict[str, int] = field(default_factory=dict)
    """All requests by how they ended."""
    moved: bool = False
    """Whether the other origin answered everything in the last quarter of the fault."""
    late: float = 0.0
    """Seconds by which the load generator was behind its time at most."""


def account(
    records: Sequence[Record],
    posts: Iterable[Counter[str]],
    timing: Timing,
    other: str,
    late: float,
) -> Account:
    """Draw up the account of the records of a line that has some, in the order of sending.

    `posts` says how often each origin got each POST; `other` is the origin that stays well.
    """
    lost = [one for one in records if one.outcome != OK]
    got: Counter[str] = Counter()
    for one in posts:
        got.update(one)
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
        replayed=sum(times > 1 for times in got.values()),
        lost_after=sum(one.at >= timing.recovery for one in lost),
        in_a_row=max((len(list(run)) for is_lost, run in runs if is_lost), default=0),
        slowest=slowest.seconds,
        slowest_at=slowest.at,
        not_503=sum(one.outcome != "503" for one in lost),
        outcomes=dict(Counter(one.outcome for one in records).most_common()),
        moved=bool(last) and set(last) == {other},
        late=late,
    )
