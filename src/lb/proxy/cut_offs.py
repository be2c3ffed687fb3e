"""Truncated responses: which bodies are watched, and when a cut counts as a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.health.cut_paths import Blame, CutPaths
from lb.log_events import AnswerCut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lb.model import LoadBalancer, Origin, OriginKey
    from lb.ports import Clock, Log
    from lb.proxy.plan import Plan
    from lb.state.memory import Memory

    Header = Callable[[str], str]

WATCHED_FROM = 14_600
"""Smallest body of which each one is watched, in bytes. A shorter one fits into the first ten
segments of a connection (RFC 6928), so it usually comes with its headers; and watching costs CPU
time (docs/decisions/cut-off-answers.md)."""

SAMPLE_SECONDS = 0.1
"""Seconds in which one shorter body of each origin is watched."""

QUIET_SAMPLE_SECONDS = 0.05
"""The same, while there are fewer than BUSY_RATE bodies a second."""

BUSY_RATE = 200
"""Shorter bodies per second, not watched, from which samples are rarer: CPU time is scarce then."""

SAMPLE_ORIGINS = 3
"""Most origins of which shorter bodies are watched in that time; it bounds the cost per second."""

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
        self._cuts = CutPaths()
        """Counted apart from failures, because the beginning of such an answer has counted as a
        success."""
        self._sampled: set[OriginKey] = set()
        """Origins of which a short body is watched in the current sample."""
        self._sample_began = 0.0
        self._sample_lasts = QUIET_SAMPLE_SECONDS
        self._skipped = 0
        """Short bodies in the current sample that are not watched."""

    def length_to_watch(self, plan: Plan, origin: Origin, header: Header, now: float) -> int | None:
        """Return the length of an answer to watch, or UNKNOWN_LENGTH; None = do not watch it.

        Not while the client streams a body: a client that breaks off makes the origin break off
        too, and could eject all origins in that way.
        """
        if plan.serving.lb.name not in self._watching:
            return None
        length = promised(header)
        if length is None or plan.streams_body:
            return None
        if (
            UNKNOWN_LENGTH < length < WATCHED_FROM
            and not self._samples(origin.key, now)
            and not (self._cuts.paths and self.concerns(plan.serving.lb, origin, plan.path, now))
        ):
            return None
        return length

    def _samples(self, key: OriginKey, now: float) -> bool:
        """Whether to watch a short body: the first one of its origin in a sample."""
        sampled = self._sampled
        elapsed = now - self._sample_began
        if not 0 <= elapsed < self._sample_lasts:
            busy = self._skipped > BUSY_RATE * elapsed
            self._sample_lasts = SAMPLE_SECONDS if busy else QUIET_SAMPLE_SECONDS
            self._sample_began, self._skipped = now, 0
            sampled.clear()
        elif key in sampled or len(sampled) >= SAMPLE_ORIGINS:
            self._skipped += 1
            return False
        sampled.add(key)
        return True

    def concerns(self, lb: LoadBalancer, origin: Origin, path: str, now: float) -> bool:
        """Whether it would prove something if an answer arrived whole."""
        return bool(self._cuts.paths) and self._cuts.concerns(lb, origin, path, now)

    def ended(self, lb: LoadBalancer, origin: Origin, path: str, *, whole: bool) -> None:
        """Record the end of a watched body."""
        now = self._clock()
        if whole:
            if self._cuts.whole(lb, origin, path, now):
                self._memory.delivered(origin.key, now)
            return
        self._log(AnswerCut(load_balancer=lb.name, pool=origin.pool, origin=origin.name))
        blame, cleared = self._cuts.cut(lb, origin, path, now)
        for key in cleared:
            self._memory.delivered(key, now)
        if blame is not Blame.PATH:
            certain = blame is Blame.ORIGIN
            change = self._memory.cut_off(lb, origin, now, certain=certain)
            if change is not None:
                self._log(change)


def makes_a_difference(lb: LoadBalancer) -> bool:
    """Whether a failure has consequences: it can eject, and another origin can answer."""
    return lb.ejection.base_time > 0 and sum(len(pool.origins) for pool in lb.reachable) > 1


def promised(header: Header) -> int | None:
    """Return the announced length of an answer, or UNKNOWN_LENGTH; None = not worth watching.

    Server-sent events end whenever a hop closes an idle connection, and browsers reconnect: that
    proves nothing about the origin
    (https://html.spec.whatwg.org/multipage/server-sent-events.html#authoring-notes).
    """
    length = header("content-length")
    if length:
        size = int(length) if length.isascii() and length.isdigit() and len(length) < 16 else 0
        return size if 0 < size <= WATCHED_TO else None
    if header("content-type").lower().startswith("text/event-stream"):
        return None
    return UNKNOWN_LENGTH
