"""Which origins are doubted at this moment, from what is heard of requests, or is not."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from lb.log_events import OriginQuiet, OriginRestored
from lb.quiet import (
    ENOUGH,
    PROVEN_FOR,
    Signs,
    doubted_since,
    heard,
    is_forgotten,
    may_test,
    quiet_since,
)

if TYPE_CHECKING:
    from collections.abc import Callable, MutableSequence

    from lb.log_events import Event
    from lb.model import LoadBalancer, Origin

Key = tuple[str, str]
"""`Origin.key`."""


class Doubts:
    """Plain data of one isolate; what other isolates hear is not known here."""

    def __init__(self, news: MutableSequence[Event]) -> None:
        """`news` takes what is to be logged."""
        self.now = 0.0
        """When the latest request began."""
        self._news = news
        self._signs: dict[Key, Signs] = {}

    def sent(self, key: Key, now: float) -> None:
        """Take note of an attempt, unless its client may still be sending its body."""
        signs = self._signs.get(key)
        if signs is None:
            signs = self._signs[key] = Signs()
        elif signs.unanswered and is_forgotten(signs, now):
            signs.unanswered.clear()
        if len(signs.unanswered) < ENOUGH:
            signs.unanswered.append(now)

    def answered(self, key: Key, seconds: float, now: float, *, well: bool) -> None:
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

    def failed(self, key: Key, started: float, *, silent: bool) -> None:
        """Take note of an attempt's end; `silent`: nothing was heard in all its time."""
        signs = self._signs.get(key)
        if signs is None:
            return
        signs.well = -inf
        if not silent:
            self.dropped(key, started)

    def dropped(self, key: Key, started: float) -> None:
        """Take note of an attempt that was given up for another's sake: it says nothing."""
        signs = self._signs.get(key)
        if signs is not None and started in signs.unanswered:
            signs.unanswered.remove(started)

    def doubt(self, key: Key, since: float) -> None:
        """Doubt an origin from then on until it is trusted."""
        signs = self._signs.get(key)
        if signs is not None:
            signs.doubt_from, signs.doubt_to, signs.told = since, inf, ""

    def trust(self, key: Key, now: float, after: float = 0.0) -> None:
        """Doubt an origin no more, from so many seconds after `now`."""
        signs = self._signs.get(key)
        if signs is not None and signs.doubt_to == inf:
            signs.doubt_to = now + after

    def proven(self, origin: Origin) -> bool:
        """Whether an origin has answered well lately, whatever else is said of it."""
        signs = self._signs.get(origin.key)
        return signs is not None and self.now - signs.well <= PROVEN_FOR

    def avoids(self, lb: LoadBalancer, origin: Origin, repeatable: Callable[[], bool]) -> bool:
        """Whether a new request should rather go elsewhere; if not, it counts as a test.

        `repeatable` says whether the request could be sent again if the origin failed.
        """
        signs, settings = self._signs.get(origin.key), lb.ejection
        if signs is None or (not signs.unanswered and signs.doubt_from == inf):
            return False
        if not settings.base_time:
            return False
        now = self.now
        since = doubted_since(signs, settings.quiet_after, now)
        if since > now:
            return False
        if not signs.told and quiet_since(signs, settings.quiet_after) <= now:
            signs.told = lb.name
            self._news.append(
                OriginQuiet(
                    load_balancer=lb.name,
                    pool=origin.pool,
                    origin=origin.name,
                    seconds=now - signs.unanswered[0],
                )
            )
        if may_test(signs, since, now, repeatable=repeatable()):
            signs.tested = now
            return False
        return True
