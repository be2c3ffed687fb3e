"""Truncated responses: which bodies are watched, and when a cut counts as a failure."""

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
"""Smallest body that is watched, in bytes. A shorter one fits into the first ten segments of a
connection (RFC 6928), so it comes with its headers or not at all; and watching costs CPU time
(docs/decisions/cut-off-answers.md)."""

WATCHED_TO = 5_000_000
"""Largest body that is watched, in bytes. Watching a megabyte costs as much CPU time as a request;
an unwatched body is moved by the runtime from socket to socket (same record)."""

UNKNOWN_LENGTH = -1
"""Length of a watched answer that announces none."""


class CutOffs:
    """How bodies have ended in one isolate; plain data, as in state/memory.py."""

    def __init__(
        self, load_balancers: Iterable[LoadBalancer], memory: Memory, clock: Clock, log: Log
    ) -> None:
        self._watching = frozenset(lb.name for lb in load_balancers if makes_a_difference(lb))
        self._memory = memory
        self._clock = clock
        self._log = log
        self._cuts: dict[OriginKey, int] = {}
        """Cuts in a row by origin. Counted apart from failures, because the beginning of such an
        answer has counted as a success."""

    def length_to_watch(self, plan: Plan, header: Callable[[str], str]) -> int | None:
        """Return the length of an answer to watch, or UNKNOWN_LENGTH; None = do not watch it.

        Not while the client streams a body: a client that breaks off makes the origin break off
        too, and could eject all origins in that way.
        """
        if plan.serving.lb.name not in self._watching:
            return None
        length = promised(header)
        return None if length is None or plan.streams_body else length

    def suspects(self, origin: Origin) -> bool:
        """Whether a whole answer would end a row of cuts."""
        return origin.key in self._cuts

    def ended(self, lb: LoadBalancer, origin: Origin, *, whole: bool) -> None:
        """Record the end of a watched body."""
        if whole:
            self._cuts.pop(origin.key, None)
            return
        in_a_row = self._cuts[origin.key] = self._cuts.get(origin.key, 0) + 1
        self._log(AnswerCut(load_balancer=lb.name, pool=origin.pool, origin=origin.name))
        change = self._memory.cut_off(lb, origin, in_a_row, self._clock())
        if change is not None:
            self._log(change)


def makes_a_difference(lb: LoadBalancer) -> bool:
    """Whether a failure has consequences: it can eject, and another origin can answer."""
    return lb.ejection.base_time > 0 and sum(len(pool.origins) for pool in lb.reachable) > 1


def promised(header: Callable[[str], str]) -> int | None:
    """Return the announced length of an answer, or UNKNOWN_LENGTH; None = not worth watching.

    Server-sent events end whenever a hop closes an idle connection, and browsers reconnect: that
    proves nothing about the origin
    (https://html.spec.whatwg.org/multipage/server-sent-events.html#authoring-notes).
    """
    length = header("content-length")
    if length:
        size = int(length) if length.isascii() and length.isdigit() and len(length) < 16 else 0
        return size if WATCHED_FROM <= size <= WATCHED_TO else None
    if header("content-type").lower().startswith("text/event-stream"):
        return None
    return UNKNOWN_LENGTH
