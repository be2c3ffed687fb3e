"""The bounds that Evenkeel keeps on each fault, as a literal table with the reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from measure.faults import schedule
from measure.faults.account import Account
from measure.faults.model import Timing
from measure.faults.schedule import Fault

LATE = 0.1
"""Seconds of delay of the load generator above which a line says nothing about the balancer."""

ALLOWANCE = 0.5
"""Seconds for the second attempt of a request and for other load on the machine."""

STRAYED = 10
"""Requests that may leave their session's origin where nothing is wrong with it: two percent, for a
pause of the machine that looks like silence. One ejection of two seconds moves 60 or more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Limits of a line's account; None = no limit."""

    gets_lost: int | None = 0
    posts_lost: int | None
    in_a_row: int | None = None
    timeouts: int = 0
    """Time-outs of the balancer that the slowest request may wait for."""
    only_503: bool = False
    """Whether every lost request must be answered with 503 at once."""
    moves: bool = False
    """Whether the other origin must get all traffic by the end of the fault."""
    strayed: int | None = None
    """Requests that may leave the origin of their session."""
    beside_lost: int | None = None
    """Requests of the disturbance that may be lost."""
    reason: str


# On no line a POST is replayed, or a request lost after the origins have recovered.
BOUNDS: Mapping[Fault, Bounds] = {
    schedule.REFUSES: Bounds(
        posts_lost=2,
        moves=True,
        reason="a Worker cannot tell a refused connection from one that broke later, so the first "
        "POST to meet the fault is not sent again; later requests go to the other origin",
    ),
    schedule.RESETS: Bounds(
        posts_lost=2, moves=True, reason="an origin may have acted on a POST before it reset"
    ),
    schedule.HANGS: Bounds(
        posts_lost=8,
        timeouts=1,
        moves=True,
        reason="the fault shows only when the origin has been silent for longer than usual; "
        "GETs that wait for it are sent again after the time-out",
    ),
    schedule.SLOW: Bounds(
        posts_lost=8,
        timeouts=1,
        moves=True,
        reason="an answer after the time-out counts as no answer",
    ),
    schedule.ANSWERS_500: Bounds(
        posts_lost=2,
        moves=True,
        reason="retry_on names 500 here; the first POST is answered with it",
    ),
    schedule.ANSWERS_503: Bounds(
        posts_lost=2, moves=True, reason="as with 500; 503 is in retry_on by default"
    ),
    schedule.ANSWERS_530: Bounds(
        posts_lost=2,
        moves=True,
        reason="the origin itself answers 530, not the edge, so a POST may have been processed",
    ),
    schedule.FLAPS: Bounds(
        posts_lost=2,
        reason="an origin that comes back gets single GETs before it gets POSTs, but it may fail "
        "between two of them",
    ),
    schedule.CUTS: Bounds(
        gets_lost=20,
        posts_lost=2,
        in_a_row=10,
        moves=False,
        reason="a response that has begun cannot be replaced; the cut is noticed, and traffic "
        "moves until the origin is tried again with one GET",
    ),
    schedule.GARBAGE: Bounds(posts_lost=2, moves=True, reason="as with a reset"),
    schedule.SICK: Bounds(
        posts_lost=0, moves=True, reason="only the monitor notices, and moves traffic without loss"
    ),
    schedule.RESTARTED: Bounds(
        posts_lost=2, reason="each origin fails once: one POST may meet each failure"
    ),
    schedule.BOTH_DOWN: Bounds(
        gets_lost=None,
        posts_lost=None,
        only_503=True,
        reason="the only possible answer is a 503, and it comes at once",
    ),
    schedule.CUTS_SMALL: Bounds(
        gets_lost=20,
        posts_lost=2,
        in_a_row=10,
        reason="as with long bodies: what a client has begun to read cannot be replaced",
    ),
    schedule.URL_ANSWERS_503: Bounds(
        posts_lost=0,
        strayed=STRAYED,
        reason="two origins that fail the same request in the same way are not to blame",
    ),
    schedule.URL_RESETS: Bounds(
        posts_lost=0, strayed=STRAYED, reason="as with 503: the request is to blame"
    ),
    schedule.URL_SLOW: Bounds(
        posts_lost=0,
        strayed=STRAYED,
        reason="an answer that takes longer than the time-out everywhere is the URL's",
    ),
    schedule.SLOW_POST: Bounds(
        posts_lost=0,
        strayed=STRAYED,
        beside_lost=0,
        reason="a POST is not sent again, so the time-out of an attempt could only lose it",
    ),
    schedule.CACHED: Bounds(
        posts_lost=2,
        moves=True,
        reason="as with a reset: an answer from the edge's cache says nothing of the origin",
    ),
    schedule.SLOW_UPLOADS: Bounds(
        posts_lost=8,
        timeouts=1,
        moves=True,
        reason="as with an origin that hangs: how long a client sends says nothing of the origin",
    ),
    schedule.CUT_UPLOADS: Bounds(
        posts_lost=0, strayed=STRAYED, reason="clients that leave say nothing of the origin"
    ),
    schedule.CLIENTS_LEAVE: Bounds(
        posts_lost=0,
        strayed=STRAYED,
        reason="a client that leaves gives its place back, and says nothing of the origin",
    ),
}


def broken(
    fault: Fault, account: Account, timing: Timing, allowance: float = ALLOWANCE
) -> Iterator[str]:
    """Yield a sentence for each bound that a line broke."""
    bounds = BOUNDS[fault]
    for what, count, most in (
        ("GETs were lost", account.gets_lost, bounds.gets_lost),
        ("POSTs were lost", account.posts_lost, bounds.posts_lost),
        ("POSTs reached origins more than once", account.replayed, 0),
        ("requests were lost after the origins had recovered", account.lost_after, 0),
        ("requests were lost in a row", account.in_a_row, bounds.in_a_row),
        ("requests were lost without a 503", account.not_503, 0 if bounds.only_503 else None),
        ("requests left the origin of their session", account.strayed, bounds.strayed),
        ("requests of the disturbance were lost", account.beside_lost, bounds.beside_lost),
    ):
        if most is not None and count > most:
            yield f"{count} {what}, at most {most} are allowed"
    slowest = bounds.timeouts * timing.first_byte_timeout + allowance
    if account.slowest > slowest:
        took = f"the slowest request took {account.slowest:.2f} s"
        yield f"{took}, at most {slowest:.2f} s are allowed"
    if bounds.moves and not account.moved:
        yield "traffic had not moved to the other origin by the end of the fault"


def untrustworthy(account: Account) -> str:
    """The reason why a line measured the machine rather than the balancer, "" if none."""
    if account.late <= LATE:
        return ""
    return f"the load generator was {account.late:.2f} s late"
