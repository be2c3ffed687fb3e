"""Answers that are cut off in the middle: which are watched for it, and what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.log_events import AnswerCut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lb.model import LoadBalancer, Origin, OriginKey
    from lb.ports import Clock, Log
    from lb.proxy.plan import Plan
    from lb.state.memory import Memory

WATCHED_FROM = 14_600
"""Bytes from which a body is watched. A shorter one fits into the first ten segments of a
connection (RFC 6928), so it comes with its headers or not at all; and watching costs CPU time
(docs/decisions/cut-off-answers.md)."""

WATCHED_TO = 5_000_000
"""Bytes up to which a body is watched. Each megabyte that is costs CPU time like a request, and the
runtime moves one that is not from socket to socket, without itself (as above)."""

UNKNOWN_LENGTH = -1


class CutOffs:
    """What an isolate knows of how bodies ended: plain data, as in memory.py."""

    def __init__(
        self, load_balancers: Iterable[LoadBalancer], memory: Memory, clock: Clock, log: Log
    ) -> None:
        self._watching = frozenset(lb.name for lb in load_balancers if makes_a_difference(lb))
        self._memory = memory
        self._clock = clock
        self._log = log
        self._cuts: dict[OriginKey, int] = {}
        """In a row, by origin. An answer that is cut off began well, which counted as a success:
        so these have a count of their own."""

    def length_to_watch(self, plan: Plan, header: Callable[[str], str]) -> int | None:
        """Return the length of an answer that is watched, UNKNOWN_LENGTH, or None for the others.

        Not with a body that the client is still sending: when the client breaks that off, origins
        break off too, and who could eject them so would have a switch to turn them all off.
        """
        if plan.serving.lb.name not in self._watching:
            return None
        length = promised(header)
        return None if length is None or plan.streams_body else length

    def suspects(self, origin: Origin) -> bool:
        """Whether an answer that comes whole would be news."""
        return origin.key in self._cuts

    def ended(self, lb: LoadBalancer, origin: Origin, *, whole: bool) -> None:
        """Take note of the end of a body that was watched."""
        if whole:
            self._cuts.pop(origin.key, None)
            return
        in_a_row = self._cuts[origin.key] = self._cuts.get(origin.key, 0) + 1
        self._log(AnswerCut(load_balancer=lb.name, pool=origin.pool, origin=origin.name))
        change = self._memory.cut_off(lb, origin, in_a_row, self._clock())
        if change is not None:
            self._log(change)


def makes_a_difference(lb: LoadBalancer) -> bool:
    """Whether anything follows from a failure: it can eject, and another origin can answer."""
    return lb.ejection.base_time > 0 and sum(len(pool.origins) for pool in lb.reachable) > 1


def promised(header: Callable[[str], str]) -> int | None:
    """Return the length that an answer promises if it is worth watching.

    Server-sent events end whenever something on the way closes an idle connection, and browsers
    then open another one: that tells nothing of the origin
    (https://html.spec.whatwg.org/multipage/server-sent-events.html#authoring-notes).
    """
    length = header("content-length")
    if length:
        known = int(length) if length.isascii() and length.isdigit() and len(length) < 16 else 0
        return known if WATCHED_FROM <= known <= WATCHED_TO else None
    if header("content-type").lower().startswith("text/event-stream"):
        return None
    return UNKNOWN_LENGTH
