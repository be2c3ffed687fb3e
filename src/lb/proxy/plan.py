"""The plan of one request: which origin it tries next, and when it ends."""

from __future__ import annotations

from itertools import chain
from math import ceil
from typing import TYPE_CHECKING

from lb.health.maintenance import back_at
from lb.health.snapshot import is_full
from lb.log_events import Refusal
from lb.proxy.steps import Attempt, Deliver, Refuse, Stop
from lb.proxy.tallies import HIT, MISS, MOVED
from lb.request.edge_answers import written_by_edge
from lb.request.outcomes import Answered
from lb.selection.candidates import CAN_CHOOSE, Why, candidates, harmless, keeps_body, may_keep_body
from lb.selection.shedding import Shed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lb.health.snapshot import Snapshot
    from lb.model import Origin, OriginKey
    from lb.proxy.prepared import PreparedLoadBalancer
    from lb.proxy.steps import Step
    from lb.request.facts import RequestFacts
    from lb.request.outcomes import Judgement, Outcome


RETRY_AFTER = 5
"""Retry-After of a refusal, in seconds, where no better time is known."""

SLOWEST_UPLOAD = 16_384
"""Bytes per second below which an upload counts as stuck."""

LARGEST_BODY = 100_000_000
"""Assumed bytes of a body of unknown length: Cloudflare's limit on most plans
(https://developers.cloudflare.com/workers/platform/limits/#request-limits)."""


class Plan:
    """One request's way through the origins: `start()`, then `after()` each outcome.

    No I/O, no clock and no chance of its own, so that every driver takes the same decisions,
    whether it awaits or not.
    """

    def __init__(
        self,
        serving: PreparedLoadBalancer,
        snapshot: Snapshot,
        facts: RequestFacts,
        rand: Callable[[], float],
        now: float,
    ) -> None:
        self.serving = serving
        self._snapshot = snapshot
        self._facts = facts
        self.started = now
        self.attempts = 0
        """Number of attempts so far."""
        self._tried: list[OriginKey] = []
        self._attempt: Attempt | None = None
        self._beside: Attempt | None = None
        """A second attempt in flight at the same time."""
        self._held: Deliver | None = None
        self.stopped: Stop | None = None
        has_body = facts.has_body
        self.keeps_body = has_body and keeps_body(serving, facts)
        """Whether the driver reads the body before it sends it, so that it can send it again."""
        self.peeks_body = has_body and not self.keeps_body and may_keep_body(serving, facts)
        """Whether the driver reads the start of the body first, to see whether it is short."""
        self.streams_body = has_body and not self.keeps_body
        """Whether the body is passed on while the client sends it."""
        affinity = serving.affinity
        self.pinned = None if affinity is None else affinity.pinned(facts)
        """The origin of the request's session."""
        self._pin_full = self.pinned is not None and is_full(self.pinned, snapshot)
        self.shed = Shed(serving.shedding, facts) if serving.shedding else None
        """The pools that have shed the request."""
        self.suspected: list[Origin] = []
        """Suspected origins that the request has avoided so far."""
        self._candidates: Iterator[tuple[Origin, Why]] = candidates(
            serving, snapshot, facts, rand, self.pinned, self.shed, self.suspected
        )

    def start(self) -> Attempt | Refuse:
        """Return the first attempt; a refusal if there is no origin to try."""
        first = None if self._pin_full and self.serving.held else next(self._candidates, None)
        if first is None:
            return self._refuse(Refusal.ALL_FULL) if self._is_full() else self._all_off()
        self._attempt = self._made(first[0], first[1], self.started)
        return self._attempt

    def after(self, outcome: Outcome, judgement: Judgement, now: float) -> Step:
        """Return the step that follows the outcome of the latest attempt."""
        attempt = self._attempt
        if attempt is None:
            raise RuntimeError("after() was called before start()")
        self._hold(attempt, outcome, judgement)
        if judgement.failed:
            following = self._next(attempt, judgement, now)
            if isinstance(following, Attempt):
                self._attempt = following
                return following
            self.stopped = following
            return self._last()
        return self._held or self._last()

    @property
    def path(self) -> str:
        """The path of the request, without its query."""
        return self._facts.path

    @property
    def hedged(self) -> bool:
        """Whether a second attempt may be made while the first one is in flight.

        Not for a session: its origin is slow, but has not failed.
        """
        return (
            self.serving.hedges is not None
            and self._facts.method in {"GET", "HEAD"}
            and not self.streams_body
            and not self.keeps_body
            and not self._facts.header("upgrade")
            and self._attempt is not None
            and not self._in_session(self._attempt.origin)
        )

    def hedge(self, now: float) -> Attempt | None:
        """Return a second attempt beside the first one, which is slow; None = no hedging now.

        Its origin takes new traffic anyway; suspected origins and the last resort are no use here.
        """
        before, hedges = self._attempt, self.serving.hedges
        if before is None or hedges is None or not hedges.allows() or self._limit(now) is not None:
            return None
        for origin, why in self._candidates:
            if why not in CAN_CHOOSE:
                self._candidates = chain(((origin, why),), self._candidates)
                break
            if self.serving.across_pools or origin.pool == before.origin.pool:
                self._beside = self._made(origin, why, now)
                return self._beside
        return None

    def first_of_two(
        self, attempt: Attempt, outcome: Outcome, judgement: Judgement
    ) -> Deliver | None:
        """Return the step after the outcome of one of two attempts in flight.

        A good answer is delivered; None = wait for the outcome of the other attempt.
        """
        if attempt is self._attempt:
            self._attempt = self._beside
        self._hold(attempt, outcome, judgement)
        return None if judgement.failed else self._held

    def untried(self) -> list[tuple[Origin, Why]]:
        """Return the remaining candidates. The plan cannot continue after this."""
        return list(self._candidates)

    def _hold(self, attempt: Attempt, outcome: Outcome, judgement: Judgement) -> None:
        """Keep an answer, failed or not: it is delivered if no better one follows."""
        if isinstance(outcome, Answered):
            cookie = None if judgement.failed else self.cookie_from(attempt.origin, self._snapshot)
            self._held = Deliver(attempt.origin, outcome, cookie)

    def _last(self) -> Deliver | Refuse:
        """Return the last step when no attempt follows.

        An error page of Cloudflare's edge, for an origin or tunnel that it cannot reach, gives way
        to the operator's maintenance page.
        """
        held, page = self._held, self.serving.lb.maintenance_page
        if held is None or (page is not None and written_by_edge(held.answer.header)):
            return self._refuse(self._no_answer())
        return held

    def _no_answer(self) -> Refusal:
        everyone = all(one.key in self._tried for one in self.serving.resort(self._snapshot))
        return Refusal.NO_ORIGIN_ANSWERED if everyone else Refusal.NOT_SENT_ON

    def _all_off(self) -> Refuse:
        back = back_at(self.serving.lb.pools, self.started)
        wait = RETRY_AFTER if back is None else max(ceil(back - self.started), 1)
        return self._refuse(Refusal.NO_ORIGIN_ENABLED, wait)

    def _refuse(self, refusal: Refusal, wait: int = RETRY_AFTER) -> Refuse:
        lb = self.serving.lb
        return Refuse(
            503, refusal, wait, fixed=lb.maintenance_page, headers=lb.response_headers.set
        )

    def _made(self, origin: Origin, why: Why, now: float) -> Attempt:
        self.attempts += 1
        self._tried.append(origin.key)
        return Attempt(origin, self.attempts, self._timeout(origin, now - self.started), why, now)

    def _timeout(self, origin: Origin, elapsed: float) -> float:
        """Return the seconds that an attempt may take until the headers of the answer.

        first_byte_timeout is there to fail over: an attempt that no other can follow has until the
        deadline. A streamed body is sent first. Where the driver cannot see when it has been sent,
        the time of a slow client is added.
        """
        failover, facts = self.serving.lb.failover, self._facts
        timeout = failover.deadline - elapsed
        if self.streams_body and not self.peeks_body:
            length = LARGEST_BODY if facts.content_length is None else facts.content_length
            return timeout + max(length / SLOWEST_UPLOAD, failover.body_timeout)
        if timeout > failover.first_byte_timeout and self._may_follow(origin):
            return failover.first_byte_timeout
        return timeout

    def _may_follow(self, origin: Origin) -> bool:
        """Whether another attempt may follow one at `origin` that has no answer in time."""
        serving = self.serving
        if self.attempts >= serving.lb.failover.tries or self.streams_body:
            return False
        if not harmless(serving, self._facts):
            return False
        if serving.held and self._in_session(origin):
            return False
        tried, snapshot = self._tried, self._snapshot
        for other in serving.resort(snapshot):  # a loop costs less than a generator
            if (
                other.key not in tried
                and (serving.across_pools or other.pool == origin.pool)
                and not (serving.limited and is_full(other, snapshot))
            ):
                return True
        return False

    def _barrier(self, judgement: Judgement) -> Stop | None:
        """Return what forbids sending the request again: harm, or a body that is gone."""
        attempt = self._attempt
        if attempt is not None and self.serving.held and self._in_session(attempt.origin):
            return Stop.HELD
        if not (judgement.unreached or harmless(self.serving, self._facts)):
            return Stop.HARMFUL
        return Stop.BODY_GONE if self.streams_body else None

    def _next(self, before: Attempt, judgement: Judgement, now: float) -> Attempt | Stop:
        stop = self._barrier(judgement) or self._limit(now)
        if stop is not None:
            return stop
        # Without failover_across_pools, in the same pool:
        # https://developers.cloudflare.com/load-balancing/understand-basics/adaptive-routing/
        for origin, why in self._candidates:
            if self.serving.across_pools or origin.pool == before.origin.pool:
                return self._made(origin, why, now)
        return Stop.NO_ORIGIN

    def _limit(self, now: float) -> Stop | None:
        """Return the limit that forbids another attempt, whatever the outcomes before it."""
        failover, budget = self.serving.lb.failover, self.serving.budget
        if self.attempts >= failover.tries:
            return Stop.TRIES
        if now - self.started >= failover.deadline:
            return Stop.DEADLINE
        return Stop.BUDGET if budget is not None and not budget.allows(now) else None

    def _is_full(self) -> bool:
        """Whether any origin has reached max_requests."""
        serving = self.serving
        return serving.limited and any(
            is_full(origin, self._snapshot) for pool in serving.lb.pools for origin in pool.origins
        )

    def _in_session(self, origin: Origin) -> bool:
        """Whether an origin is the one of the request's session."""
        affinity = self.serving.affinity
        return affinity is not None and affinity.holds(self._facts, origin, self.pinned)

    def session(self, attempt: Attempt) -> int:
        """Return HIT, MISS or MOVED: what an answer to this attempt means for the session."""
        if self.pinned is None:
            return HIT if attempt.why is Why.KEY else MISS
        return HIT if attempt.origin is self.pinned else MOVED

    def cookie_from(
        self, origin: Origin, snapshot: Snapshot, *, gives_up: bool = False
    ) -> str | None:
        """Return the Set-Cookie header for a good answer of this origin; None = no cookie.

        `snapshot`: as it is after the failures of this request. `gives_up`: whether the origin of
        the session has failed as often as ejects, even if ejections are off.
        """
        affinity, pinned = self.serving.affinity, self.pinned
        if affinity is None or pinned is origin:
            return None
        # Momentary load moves no session.
        if self._pin_full:
            return None
        if pinned is not None and (
            (not gives_up and self._stays(snapshot, pinned))
            or self.serving.comes_back(snapshot, pinned)
        ):
            return None
        return affinity.cookie(origin, https=self._facts.https or self.serving.lb.https_redirect)

    def _stays(self, snapshot: Snapshot, pinned: Origin) -> bool:
        """Whether a session keeps its origin, which has failed this request alone."""
        pool = self.serving.pools[pinned.pool]
        return pinned.key in self._tried and snapshot.keeps_session(
            pool, pinned, self.serving.keeping
        )
