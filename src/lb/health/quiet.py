"""Doubts: origins that have gone quiet, or are back from an ejection and unproven."""

from __future__ import annotations

from enum import Enum
from math import inf
from typing import TYPE_CHECKING

from lb.log_events import OriginQuiet, OriginRestored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, MutableSequence

    from lb.log_events import Event
    from lb.model import Ejection, LoadBalancer, Origin, OriginKey


# A time-out is a blunt instrument: until the first one fires, everything that is sent to an origin
# that hangs waits for it. But requests that wait together tell more than each of them alone.

ENOUGH = 3
"""Requests that were sent since the latest answer and wait for longer than usual."""

TIMES_SLOWEST = 2.0
"""Longer than usual is longer than so many times the slowest answer of late."""

FADING = 0.97
"""What is left of the slowest answer's time with each later answer: half of it after 23."""

ALONE = 10.0
"""A single request is enough if it waits so many times as long as several would have to."""

TESTED_EVERY = 1.0
"""Seconds between two requests that test a doubted origin."""

UNSAFE_AFTER = 10.0
"""Seconds of doubt, and since the latest test, after which a request that cannot be sent again
becomes a test: where there are no others, an origin would never be tried again."""

PROVEN_FOR = 10.0
"""Seconds for which a good answer is better evidence than a probe that failed before it."""

FORGOTTEN_AFTER = 60.0
"""Seconds after which silence says nothing any more, as nobody has asked."""


class Doubt(Enum):
    """How a new request treats a doubted origin."""

    AVOID = "avoid"
    """It goes elsewhere if it can."""
    TEST = "test"
    """It goes there and finds out."""


class Signs:
    """What an isolate has heard of one origin lately. Times are in seconds."""

    __slots__ = ("doubt_from", "doubt_to", "slowest", "tested", "told", "unanswered", "well")

    def __init__(self) -> None:
        self.unanswered: list[float] = []
        """When the first requests since the latest answer were sent, ENOUGH of them at most."""
        self.slowest = 0.0
        """How long the slowest answer of late took to begin."""
        self.doubt_from = inf
        self.doubt_to = inf
        """An ejected origin is doubted from the one, which is the ejection's end, to the other;
        and so is one that failed and was not ejected, as it was the last one."""
        self.tested = -inf
        """When a doubted origin was last tested."""
        self.well = -inf
        """When it last answered well, if it has not failed since."""
        self.told = ""
        """The load balancer for which it was logged that the origin is quiet."""


def quiet_since(signs: Signs, quiet_after: float) -> float:
    """Return from when an origin counts as quiet if nothing comes from it; inf: it does not.

    Requests that were sent before the latest answer do not count, however long they wait: the
    origin has shown since then that it answers others. So a report that takes a minute says
    nothing as long as anything else is answered.
    """
    unanswered = signs.unanswered
    if not unanswered or not quiet_after:
        return inf
    patience = max(quiet_after, TIMES_SLOWEST * signs.slowest)
    alone = unanswered[0] + ALONE * patience
    if len(unanswered) < ENOUGH:
        return alone
    return min(unanswered[-1] + patience, alone)


def doubted_since(signs: Signs, quiet_after: float, now: float) -> float:
    """Return since when an origin is doubted, for either reason; inf: it is not."""
    since = quiet_since(signs, quiet_after)
    if signs.doubt_from <= now < signs.doubt_to:
        since = min(since, signs.doubt_from)
    return since if since <= now else inf


def may_test(signs: Signs, since: float, now: float, *, repeatable: bool) -> bool:
    """Whether a request may go to an origin that is doubted since then: one now and then.

    It should be one that is sent again elsewhere if the origin fails, so that nobody is hurt.
    """
    if repeatable:
        return now >= signs.tested + TESTED_EVERY
    return now >= max(signs.tested, since) + UNSAFE_AFTER


def heard(signs: Signs, seconds: float) -> None:
    """Take note of an answer that took so long to begin: whatever was, the origin is there."""
    signs.unanswered.clear()
    signs.slowest = max(seconds, signs.slowest * FADING)


def is_forgotten(signs: Signs, now: float) -> bool:
    """Whether the silence of an origin is too old to mean anything."""
    unanswered = signs.unanswered
    return bool(unanswered) and max(unanswered[-1], signs.tested) < now - FORGOTTEN_AFTER


class Doubts:
    """Plain data of one isolate; what other isolates hear is not known here."""

    def __init__(self, news: MutableSequence[Event]) -> None:
        """`news` takes what is to be logged."""
        self.now = 0.0
        """When the latest request began."""
        self._news = news
        self._signs: dict[OriginKey, Signs] = {}

    def sent(self, key: OriginKey, now: float) -> None:
        """Take note of an attempt, unless its client may still be sending its body."""
        signs = self._signs.get(key)
        if signs is None:
            signs = self._signs[key] = Signs()
        elif signs.unanswered and is_forgotten(signs, now):
            signs.unanswered.clear()
        if len(signs.unanswered) < ENOUGH:
            signs.unanswered.append(now)

    def answered(self, key: OriginKey, seconds: float, now: float, *, well: bool) -> None:
        """Take note of an answer, which began so many seconds after its attempt."""
        signs = self._signs.get(key)
        if signs is None:
            return
        heard(signs, seconds)
        signs.well = now if well else -inf
        if signs.told:
            pool, origin = key
            self._news.append(OriginRestored(load_balancer=signs.told, pool=pool, origin=origin))
            signs.told = ""

    def failed(self, key: OriginKey, started: float, *, silent: bool) -> None:
        """Take note of an attempt's end; `silent`: nothing was heard in all its time."""
        signs = self._signs.get(key)
        if signs is None:
            return
        signs.well = -inf
        if not silent:
            self.dropped(key, started)

    def dropped(self, key: OriginKey, started: float) -> None:
        """Take note of an attempt that was given up for another's sake: it says nothing."""
        signs = self._signs.get(key)
        if signs is not None and started in signs.unanswered:
            signs.unanswered.remove(started)

    def doubt(self, key: OriginKey, since: float) -> None:
        """Doubt an origin from then on until it is trusted."""
        signs = self._signs.get(key)
        if signs is not None:
            signs.doubt_from, signs.doubt_to, signs.told = since, inf, ""

    def trust(self, key: OriginKey, now: float, after: float = 0.0) -> None:
        """Doubt an origin no more, from so many seconds after `now`."""
        signs = self._signs.get(key)
        if signs is not None and signs.doubt_to == inf:
            signs.doubt_to = now + after

    def proven(self, origin: Origin) -> bool:
        """Whether an origin has answered well lately, whatever else is said of it."""
        signs = self._signs.get(origin.key)
        return signs is not None and self.now - signs.well <= PROVEN_FOR

    def of(
        self, settings: Ejection, origin: Origin, repeatable: Callable[[], bool]
    ) -> Doubt | None:
        """Return how a new request treats an origin; None = as any other.

        `repeatable` says whether the request could be sent again if the origin failed.
        """
        signs = self._signs.get(origin.key)
        if signs is None or (not signs.unanswered and signs.doubt_from == inf):
            return None
        if not settings.base_time:
            return None
        now = self.now
        since = doubted_since(signs, settings.quiet_after, now)
        if since > now:
            return None
        return Doubt.TEST if may_test(signs, since, now, repeatable=repeatable()) else Doubt.AVOID

    def tested(self, lb: LoadBalancer, origin: Origin, now: float) -> None:
        """Note that a request was sent to a doubted origin to test it."""
        self.noticed(lb, (origin,), now)
        signs = self._signs.get(origin.key)
        if signs is not None:
            signs.tested = now

    def noticed(self, lb: LoadBalancer, origins: Iterable[Origin], now: float) -> None:
        """Log each doubted origin that has gone quiet, once until it is heard of again."""
        for origin in origins:
            signs = self._signs.get(origin.key)
            if signs is None or signs.told or quiet_since(signs, lb.ejection.quiet_after) > now:
                continue
            signs.told = lb.name
            self._news.append(
                OriginQuiet(
                    load_balancer=lb.name,
                    pool=origin.pool,
                    origin=origin.name,
                    seconds=now - signs.unanswered[0],
                )
            )
