"""Suspected origins: silent ones, and those that are unproven after an ejection."""

from __future__ import annotations

from enum import Enum
from math import inf
from typing import TYPE_CHECKING

from lb.log_events import OriginQuiet, OriginRestored
from lb.request.outcomes import Evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, MutableSequence

    from lb.log_events import Event
    from lb.model import Ejection, LoadBalancer, Origin, OriginKey


# Until its first time-out, every request to a hanging origin waits for it. Several requests that
# wait at the same time reveal it much sooner (docs/decisions/quiet-origins.md).

MIN_UNANSWERED = 3
"""Requests since the latest answer, all of them waiting for suspiciously long."""

SLOWEST_FACTOR = 2.0
"""Suspicious wait, as a multiple of the slowest recent answer."""

SLOWEST_DECAY = 0.97
"""Factor on the time of the slowest answer with each later one; it halves after 23 answers."""

LONE_FACTOR = 10.0
"""Suspicious wait of a single request, as a multiple of that of several."""

TEST_INTERVAL = 1.0
"""Seconds between two requests that test a suspected origin."""

UNSAFE_TEST_AFTER = 10.0
"""Seconds of suspicion, and since the latest test, after which a request that cannot be sent again
becomes a test. Without it, an origin that gets no other requests would never be tried again."""

PROVEN_FOR = 10.0
"""Seconds for which a good answer outweighs a failed probe before it."""

SILENCE_FORGOTTEN_AFTER = 60.0
"""Seconds without a new request after which silence proves nothing."""


class Treatment(Enum):
    """How a new request treats a suspected origin."""

    AVOID = "avoid"
    """It goes elsewhere if it can."""
    TEST = "test"
    """It goes there, to find out."""


class Observations:
    """Recent observations of one origin. Times are in seconds since the Unix epoch."""

    __slots__ = (
        "good_at",
        "logged_by",
        "slowest",
        "suspect_from",
        "suspect_to",
        "tested_at",
        "unanswered",
    )

    def __init__(self) -> None:
        self.unanswered: list[float] = []
        """Start times of the first MIN_UNANSWERED requests since the latest answer."""
        self.slowest = 0.0
        """Seconds to the headers of the slowest recent answer."""
        self.suspect_from = inf
        self.suspect_to = inf
        """Suspicion after an ejection, from its end on; and after a failure of the last available
        origin, which is never ejected."""
        self.tested_at = -inf
        """Time of the latest test."""
        self.good_at = -inf
        """Time of the latest good answer; -inf = a failure has followed it."""
        self.logged_by = ""
        """Load balancer that has logged the origin as silent."""


def silent_since(evidence: Observations, quiet_after: float) -> float:
    """Return the time from which an origin counts as silent if no answer comes; inf = never.

    Requests that were sent before the latest answer do not count, however long they wait: the
    origin has answered others since. So a report that takes a minute proves nothing as long as
    anything else is answered.
    """
    unanswered = evidence.unanswered
    if not unanswered or not quiet_after:
        return inf
    patience = max(quiet_after, SLOWEST_FACTOR * evidence.slowest)
    alone = unanswered[0] + LONE_FACTOR * patience
    if len(unanswered) < MIN_UNANSWERED:
        return alone
    return min(unanswered[-1] + patience, alone)


def suspected_since(evidence: Observations, quiet_after: float, now: float) -> float:
    """Return the time since which an origin is suspected, for either reason; inf = it is not."""
    since = silent_since(evidence, quiet_after)
    if evidence.suspect_from <= now < evidence.suspect_to:
        since = min(since, evidence.suspect_from)
    return since if since <= now else inf


def may_test(evidence: Observations, since: float, now: float, *, repeatable: bool) -> bool:
    """Whether a request may test an origin that has been suspected since `since`.

    Requests that are sent again elsewhere after a failure are preferred: their clients see none.
    """
    if repeatable:
        return now >= evidence.tested_at + TEST_INTERVAL
    return now >= max(evidence.tested_at, since) + UNSAFE_TEST_AFTER


def add_answer(evidence: Observations, seconds: float) -> None:
    """Add an answer whose headers came after so many seconds. It ends any silence."""
    evidence.unanswered.clear()
    evidence.slowest = max(seconds, evidence.slowest * SLOWEST_DECAY)


def is_outdated(evidence: Observations, now: float) -> bool:
    """Whether the silence of an origin is too old to prove anything."""
    unanswered = evidence.unanswered
    if not unanswered:
        return False
    return max(unanswered[-1], evidence.tested_at) < now - SILENCE_FORGOTTEN_AFTER


class Suspects:
    """The suspected origins of one isolate; plain data, not shared with other isolates."""

    def __init__(self, news: MutableSequence[Event]) -> None:
        """`news` takes the events to log."""
        self.now = 0.0
        """Time of the latest request."""
        self._news = news
        self._evidence: dict[OriginKey, Observations] = {}

    def sent(self, key: OriginKey, now: float) -> None:
        """Add the start of an attempt. Not for streamed bodies: the client may be what is slow."""
        evidence = self._evidence.get(key)
        if evidence is None:
            evidence = self._evidence[key] = Observations()
        elif evidence.unanswered and is_outdated(evidence, now):
            evidence.unanswered.clear()
        if len(evidence.unanswered) < MIN_UNANSWERED:
            evidence.unanswered.append(now)

    def note(
        self, key: OriginKey, evidence: Evidence, started: float, seconds: float, now: float
    ) -> None:
        """Take the end of an attempt that began at `started`.

        `seconds`: what the origin took for its answer; 0 = unknown.
        """
        if evidence is Evidence.GOOD or evidence is Evidence.STATUS:
            self.answered(key, seconds, now, well=evidence is Evidence.GOOD)
        elif evidence is Evidence.NONE:
            self.dropped(key, started)
        else:
            self.failed(key, started, silent=evidence is Evidence.TIMEOUT)

    def answered(self, key: OriginKey, seconds: float, now: float, *, well: bool) -> None:
        """Add an answer, `seconds` after its attempt began; `well`: it counts as no failure."""
        evidence = self._evidence.get(key)
        if evidence is None:
            return
        add_answer(evidence, seconds)
        evidence.good_at = now if well else -inf
        if evidence.logged_by:
            pool, origin = key
            lb = evidence.logged_by
            self._news.append(OriginRestored(load_balancer=lb, pool=pool, origin=origin))
            evidence.logged_by = ""

    def failed(self, key: OriginKey, started: float, *, silent: bool) -> None:
        """Add an attempt without an answer; `silent`: it ended by its time-out."""
        evidence = self._evidence.get(key)
        if evidence is None:
            return
        evidence.good_at = -inf
        if not silent:
            self.dropped(key, started)

    def dropped(self, key: OriginKey, started: float) -> None:
        """Remove an attempt that was aborted in favour of another: it proves nothing."""
        evidence = self._evidence.get(key)
        if evidence is not None and started in evidence.unanswered:
            evidence.unanswered.remove(started)

    def suspect(self, key: OriginKey, since: float, until: float = inf) -> None:
        """Suspect an origin from `since` on, until `trust` or the time `until`."""
        evidence = self._evidence.get(key)
        if evidence is not None:
            evidence.suspect_from, evidence.suspect_to, evidence.logged_by = since, until, ""

    def trust(self, key: OriginKey, now: float, after: float = 0.0) -> bool:
        """End the suspicion of an origin, `after` seconds from now.

        False = there was none, or one with an end of its own.
        """
        evidence = self._evidence.get(key)
        if evidence is None:
            return False
        before, evidence.suspect_to = evidence.suspect_to, min(evidence.suspect_to, now + after)
        return before == inf and evidence.suspect_from <= now

    def proven(self, origin: Origin) -> bool:
        """Whether an origin has answered well within `PROVEN_FOR`, and has not failed since."""
        evidence = self._evidence.get(origin.key)
        return evidence is not None and self.now - evidence.good_at <= PROVEN_FOR

    def treatment(
        self, settings: Ejection, origin: Origin, repeatable: Callable[[], bool]
    ) -> Treatment | None:
        """Return how a new request treats an origin; None = the origin is not suspected.

        `repeatable` returns whether the request could be sent again if the origin failed.
        """
        evidence = self._evidence.get(origin.key)
        if evidence is None or (not evidence.unanswered and evidence.suspect_from == inf):
            return None
        if not settings.base_time:
            return None
        now = self.now
        since = suspected_since(evidence, settings.quiet_after, now)
        if since > now:
            return None
        if may_test(evidence, since, now, repeatable=repeatable()):
            return Treatment.TEST
        return Treatment.AVOID

    def tested(self, lb: LoadBalancer, origin: Origin, now: float) -> None:
        """Record a test: a request that is sent to a suspected origin."""
        self.log_silent(lb, (origin,), now)
        evidence = self._evidence.get(origin.key)
        if evidence is not None:
            evidence.tested_at = now

    def log_silent(self, lb: LoadBalancer, origins: Iterable[Origin], now: float) -> None:
        """Log each origin that is silent, once until it answers."""
        for origin in origins:
            evidence = self._evidence.get(origin.key)
            if (
                evidence is None
                or evidence.logged_by
                or silent_since(evidence, lb.ejection.quiet_after) > now
            ):
                continue
            evidence.logged_by = lb.name
            self._news.append(
                OriginQuiet(
                    load_balancer=lb.name,
                    pool=origin.pool,
                    origin=origin.name,
                    seconds=now - evidence.unanswered[0],
                )
            )
