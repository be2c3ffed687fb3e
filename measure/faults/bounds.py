"""What Evenkeel promises for each fault, as a literal table with the reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from measure.faults import schedule
from measure.faults.account import Account
from measure.faults.model import Timing
from measure.faults.schedule import Fault

LATE = 0.1
"""Seconds behind its time at which the load generator measures itself and no balancer."""

ALLOWANCE = 0.5
"""Seconds for the second attempt of a request and for a machine that does other things too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The most that may happen on a line; None: no promise."""

    gets_lost: int | None = 0
    posts_lost: int | None
    in_a_row: int | None = None
    timeouts: int = 0
    """How many time-outs of the balancer the slowest request may have waited for."""
    only_503: bool = False
    """Whether all that is lost must have been answered with 503, at once."""
    moves: bool = False
    """Whether the other origin must have taken all traffic over at the fault's end."""
    reason: str


# Nowhere a POST is replayed, and nowhere anything is lost once the origins are well again.
BOUNDS: Mapping[Fault, Bounds] = {
    schedule.REFUSES: Bounds(
        posts_lost=2,
        moves=True,
        reason="a Worker is not told whether a connection was refused or broke later, so a POST "
        "that meets the fault first is not sent again; whatever comes after goes elsewhere",
    ),
    schedule.RESETS: Bounds(
        posts_lost=2, moves=True, reason="an origin may have acted on a POST before it reset"
    ),
    schedule.HANGS: Bounds(
        posts_lost=8,
        timeouts=1,
        moves=True,
        reason="until the origin has been quiet for longer than usual nothing is known; "
        "GETs that wait for it are sent again after the time-out",
    ),
    schedule.SLOW: Bounds(
        posts_lost=8,
        timeouts=1,
        moves=True,
        reason="an answer that comes after the time-out is one that never comes",
    ),
    schedule.ANSWERS_500: Bounds(
        posts_lost=2, moves=True, reason="retry_on names 500 here; the first POST has its answer"
    ),
    schedule.ANSWERS_503: Bounds(
        posts_lost=2, moves=True, reason="as with 500; 503 is in retry_on by default"
    ),
    schedule.ANSWERS_530: Bounds(
        posts_lost=2,
        moves=True,
        reason="the origin itself says 530 here, not Cloudflare's edge, so a POST may have acted",
    ),
    schedule.FLAPS: Bounds(
        posts_lost=2,
        reason="an origin that comes back is tried with one GET at a time before it gets POSTs, "
        "but it may go away between two of them",
    ),
    schedule.CUTS: Bounds(
        gets_lost=20,
        posts_lost=2,
        in_a_row=10,
        moves=False,
        reason="what a client has of an answer cannot be taken back; the cut is noticed, and "
        "traffic moves until the origin is tried again with one GET",
    ),
    schedule.GARBAGE: Bounds(posts_lost=2, moves=True, reason="as with a reset"),
    schedule.SICK: Bounds(
        posts_lost=0, moves=True, reason="the monitor alone sees it, and moves traffic unhurt"
    ),
    schedule.RESTARTED: Bounds(
        posts_lost=2, reason="each origin goes away once: one POST may meet that"
    ),
    schedule.BOTH_DOWN: Bounds(
        gets_lost=None,
        posts_lost=None,
        only_503=True,
        reason="there is nothing to answer with but a 503, and that at once",
    ),
}


def broken(
    fault: Fault, account: Account, timing: Timing, allowance: float = ALLOWANCE
) -> Iterator[str]:
    """Say in plain words which bounds a line broke; nothing when it kept them all."""
    bounds = BOUNDS[fault]
    for what, count, most in (
        ("GETs were lost", account.gets_lost, bounds.gets_lost),
        ("POSTs were lost", account.posts_lost, bounds.posts_lost),
        ("POSTs reached origins more than once", account.replayed, 0),
        ("requests were lost after the origins were well again", account.lost_after, 0),
        ("requests were lost in a row", account.in_a_row, bounds.in_a_row),
        ("requests were lost without a 503", account.not_503, 0 if bounds.only_503 else None),
    ):
        if most is not None and count > most:
            yield f"{count} {what}, {most or 'none'} may be"
    slowest = bounds.timeouts * timing.first_byte_timeout + allowance
    if account.slowest > slowest:
        yield f"the slowest request took {account.slowest:.2f} s, {slowest:.2f} s is the most"
    if bounds.moves and not account.moved:
        yield "traffic had not moved to the other origin by the end of the fault"


def untrustworthy(account: Account) -> str:
    """Say why a line measured the machine more than the balancer; "" when it did not."""
    if account.late <= LATE:
        return ""
    return f"the load generator was {account.late:.2f} s behind its time"
