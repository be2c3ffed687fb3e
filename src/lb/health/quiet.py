"""Doubted origins: quiet, or back from an ejection and unproven."""

from __future__ import annotations

from enum import Enum
from math import inf
from typing import TYPE_CHECKING

from lb.log_events import OriginQuiet, OriginRestored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, MutableSequence

    from lb.log_events import Event
    from lb.model import Ejection, LoadBalancer, Origin, OriginKey


# Until the first time-out fires, every request to an origin that hangs waits for it. Requests that
# wait together are evidence sooner than each of them alone.

ENOUGH = 3
"""Waiting requests since the latest answer that make an origin quiet."""

TIMES_SLOWEST = 2.0
"""Suspicious wait, as a multiple of the slowest recent answer."""

FADING = 0.97
"""Factor of the slowest answer's time with each later answer: half of it is left after 23."""

ALONE = 10.0
"""Suspicious wait of a single request, as a multiple of that of several."""

TESTED_EVERY = 1.0
"""Seconds between two requests that test a doubted origin."""

UNSAFE_AFTER = 10.0
"""Seconds of doubt, and since the latest test, after which a request that cannot be sent again
becomes a test: without other requests, an origin would never be tried again."""

PROVEN_FOR = 10.0
"""Seconds for which a good answer outweighs a probe that failed before it."""

FORGOTTEN_AFTER = 60.0
"""Seconds without a request after which silence is no evidence."""


class Doubt(Enum):
    """How a new request treats a doubted origin."""

    AVOID = "avoid"
    """Goes to another origin if there is one."""
    TEST = "test"
    """Goes to this origin as a test."""


class Evidence:
    """Recent evidence about one origin. Times are in seconds."""

    __slots__ = (
        "doubt_from",
        "doubt_to",
        "logged_for",
        "slowest",
        "tested",
        "unanswered",
        "well",
    )

    def __init__(self) -> None:
        self.unanswered: list[float] = []
        """Start of the first requests since the latest answer, ENOUGH of them at most."""
        self.slowest = 0.0
        """Time that the slowest recent answer took to begin."""
        self.doubt_from = inf
        self.doubt_to = inf
        """Doubted in between: from the end of an ejection, or from the failure of the last origin,
        which is not ejected."""
        self.tested = -inf
        """Time of the latest test."""
        self.well = -inf
        """Time of the latest good answer; -inf after a failure."""
        self.logged_for = ""
        """Load balancer for which the origin was logged as quiet; "": it was not."""


def quiet_since(evidence: Evidence, quiet_after: float) -> float:
    """Return when an origin counts as quiet if no answer comes; inf: never.

    Requests sent before the latest answer do not count, however long they wait, since the origin
    answers others. So a report that takes a minute is no evidence while anything else is answered.
    """
    unanswered = evidence.unanswered
    if not unanswered or not quiet_after:
        return inf
    patience = max(quiet_after, TIMES_SLOWEST * evidence.slowest)
    alone = unanswered[0] + ALONE * patience
    if len(unanswered) < ENOUGH:
        return alone
    return min(unanswered[-1] + patience, alone)


def doubted_since(evidence: Evidence, quiet_after: float, now: float) -> float:
    """Return the start of the doubt, for either reason; inf: none."""
    since = quiet_since(evidence, quiet_after)
    if evidence.doubt_from <= now < evidence.doubt_to:
        since = min(since, evidence.doubt_from)
    return since if since <= now else inf


def may_test(evidence: Evidence, since: float, now: float, *, repeatable: bool) -> bool:
    """Whether a request may test an origin that is doubted since `since`.

    Preferably one that is sent again elsewhere if the origin fails, so that no client sees it.
    """
    if repeatable:
        return now >= evidence.tested + TESTED_EVERY
    return now >= max(evidence.tested, since) + UNSAFE_AFTER


def note_answer(evidence: Evidence, seconds: float) -> None:
    """Record an answer that took `seconds` to begin: the origin is not quiet."""
    evidence.unanswered.clear()
    evidence.slowest = max(seconds, evidence.slowest * FADING)


def is_forgotten(evidence: Evidence, now: float) -> bool:
    """Whether an origin's silence is too old to be evidence."""
    unanswered = evidence.unanswered
    return bool(unanswered) and max(unanswered[-1], evidence.tested) < now - FORGOTTEN_AFTER


class Doubts:
    """The doubted origins of one isolate: plain data, from its own requests alone."""

    def __init__(self, news: MutableSequence[Event]) -> None:
        """`news` takes the events to log."""
        self.now = 0.0
        """Start of the latest request."""
        self._news = news
        self._evidence: dict[OriginKey, Evidence] = {}

    def sent(self, key: OriginKey, now: float) -> None:
        """Record an attempt. Not for one whose client may still be sending its body."""
        evidence = self._evidence.get(key)
        if evidence is None:
            evidence = self._evidence[key] = Evidence()
        elif evidence.unanswered and is_forgotten(evidence, now):
            evidence.unanswered.clear()
        if len(evidence.unanswered) < ENOUGH:
            evidence.unanswered.append(now)

    def answered(self, key: OriginKey, seconds: float, now: float, *, well: bool) -> None:
        """Record an answer that began `seconds` after its attempt; `well`: a good one."""
        evidence = self._evidence.get(key)
        if evidence is None:
            return
        note_answer(evidence, seconds)
        evidence.well = now if well else -inf
        if evidence.logged_for:
            pool, origin = key
            self._news.append(
                OriginRestored(load_balancer=evidence.logged_for, pool=pool, origin=origin)
            )
            evidence.logged_for = ""

    def failed(self, key: OriginKey, started: float, *, silent: bool) -> None:
        """Record an attempt's failure; `silent`: it timed out without a sign of the origin."""
        evidence = self._evidence.get(key)
        if evidence is None:
            return
        evidence.well = -inf
        if not silent:
            self.dropped(key, started)

    def dropped(self, key: OriginKey, started: float) -> None:
        """Record an attempt that was aborted for another one's answer: no evidence."""
        evidence = self._evidence.get(key)
        if evidence is not None and started in evidence.unanswered:
            evidence.unanswered.remove(started)

    def doubt(self, key: OriginKey, since: float) -> None:
        """Doubt an origin from `since` until `trust`."""
        evidence = self._evidence.get(key)
        if evidence is not None:
            evidence.doubt_from, evidence.doubt_to, evidence.logged_for = since, inf, ""

    def trust(self, key: OriginKey, now: float, after: float = 0.0) -> None:
        """End the doubt `after` seconds from `now`."""
        evidence = self._evidence.get(key)
        if evidence is not None and evidence.doubt_to == inf:
            evidence.doubt_to = now + after

    def proven(self, origin: Origin) -> bool:
        """Whether an origin has answered well within PROVEN_FOR seconds."""
        evidence = self._evidence.get(origin.key)
        return evidence is not None and self.now - evidence.well <= PROVEN_FOR

    def of(
        self, settings: Ejection, origin: Origin, repeatable: Callable[[], bool]
    ) -> Doubt | None:
        """Return how a new request treats an origin; None = as any other.

        `repeatable`: whether the request can be sent again if the origin fails.
        """
        evidence = self._evidence.get(origin.key)
        if evidence is None or (not evidence.unanswered and evidence.doubt_from == inf):
            return None
        if not settings.base_time:
            return None
        now = self.now
        since = doubted_since(evidence, settings.quiet_after, now)
        if since > now:
            return None
        return (
            Doubt.TEST if may_test(evidence, since, now, repeatable=repeatable()) else Doubt.AVOID
        )

    def tested(self, lb: LoadBalancer, origin: Origin, now: float) -> None:
        """Record that a request was sent to a doubted origin as a test."""
        self.noticed(lb, (origin,), now)
        evidence = self._evidence.get(origin.key)
        if evidence is not None:
            evidence.tested = now

    def noticed(self, lb: LoadBalancer, origins: Iterable[Origin], now: float) -> None:
        """Log each of the origins that is quiet, once until its next answer."""
        for origin in origins:
            evidence = self._evidence.get(origin.key)
            if (
                evidence is None
                or evidence.logged_for
                or quiet_since(evidence, lb.ejection.quiet_after) > now
            ):
                continue
            evidence.logged_for = lb.name
            self._news.append(
                OriginQuiet(
                    load_balancer=lb.name,
                    pool=origin.pool,
                    origin=origin.name,
                    seconds=now - evidence.unanswered[0],
                )
            )
