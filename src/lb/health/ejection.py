"""Ejections: origins taken out by failures of real traffic, and for how long."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING

from lb.health.blame import BlamedPaths, Count, Failure, Proof
from lb.health.cut_paths import CUTS_COUNT_FOR
from lb.health.slow_start import slow_starts
from lb.health.snapshot import TAKES_NEW, EjectionState
from lb.log_events import LastOriginKept, OriginEjected, OriginRestored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lb.health.quiet import Suspects
    from lb.health.snapshot import Snapshot
    from lb.model import Config, Ejection, LoadBalancer, Origin, OriginKey, Pool


# Envoy multiplies base_ejection_time by the number of ejections in a row up to max_ejection_time,
# and takes one off that number at each sweep, 10 s apart, that finds the host not ejected
# (https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier).
FORGIVEN_EVERY = 10.0
"""Seconds without an ejection after which one of those in a row is forgiven."""


def ejected(state: EjectionState, settings: Ejection, now: float) -> EjectionState:
    """Return the state of an origin that is ejected at `now`."""
    most = ceil(settings.max_time / settings.base_time)
    times = min(times_in_a_row(state, now) + 1, max(most, 1))
    until = now + seconds_of(settings, times)
    return replace(state, since=now, until=until, times=times, kept=False, paths=frozenset())


def prolonged(
    state: EjectionState, settings: Ejection, started: float, now: float
) -> EjectionState:
    """Return the state of an ejected origin that was tried and failed again.

    One outage is one ejection, however many requests fail in it, and an attempt begun before the
    ejection proves nothing new.
    """
    if started < state.since:
        return state
    until = max(state.until, now + seconds_of(settings, state.times))
    return replace(state, since=now, until=until)


def seconds_of(settings: Ejection, times: int) -> float:
    """Return the length of the `times`-th ejection in a row, in seconds."""
    return max(settings.base_time, min(settings.base_time * times, settings.max_time))


def times_in_a_row(state: EjectionState, now: float) -> int:
    """Return how many ejections in a row still count; time without one forgives them."""
    if not state.times:
        return 0
    return max(state.times - int((now - state.until) // FORGIVEN_EVERY), 0)


def after_success(state: EjectionState, now: float) -> EjectionState:
    """Return the state after a good answer, which ends an ejection."""
    return EjectionState(
        since=state.since, until=min(state.until, now), times=state.times, cut=state.cut
    )


MOST_PATHS = 32
"""Most paths of unproven failures that are kept for an origin; a further one is taken as new."""


def with_failure(state: EjectionState, failure: Failure) -> EjectionState | None:
    """Return the state with a failure more; None = it counts for nothing."""
    count = failure.count
    if count is Count.NOTHING:
        return None
    if count is Count.FAILURE:
        return replace(state, failures=state.failures + 1)
    if count is Count.STATUS:
        return replace(state, statuses=state.statuses + 1)
    if failure.path in state.paths:
        return None
    paths = state.paths if len(state.paths) >= MOST_PATHS else state.paths | {failure.path}
    if count is Count.STATUS_ONCE:
        return replace(state, statuses=state.statuses + 1, paths=paths)
    return replace(state, doubts=state.doubts + 1, paths=paths)


def reached(state: EjectionState, settings: Ejection) -> bool:
    """Whether failures in a row have reached a threshold."""
    return (
        state.failures >= settings.consecutive_failures
        or state.failures + state.doubts > settings.consecutive_failures
        or state.statuses >= settings.consecutive_statuses
    )


def one_short(state: EjectionState, settings: Ejection) -> bool:
    """Whether one failure more would reach the threshold, or has done so without proof."""
    return bool(settings.base_time) and (
        state.failures + state.doubts >= settings.consecutive_failures
    )


def forgotten_at(state: EjectionState, slow_start: float) -> float:
    """Return when the state no longer matters."""
    return state.until + max(state.times * FORGIVEN_EVERY, slow_start)


def may_eject(
    settings: Ejection,
    pool: Pool,
    origin: Origin,
    ejections: Mapping[OriginKey, EjectionState],
    now: float,
) -> bool:
    """Whether max_percent of the pool's enabled origins leaves room; one always may be out."""
    if settings.max_percent >= 100:
        return True
    peers = [one.key for one in pool.origins if one.enabled]
    nobody = EjectionState()
    out = sum(now < ejections.get(key, nobody).until for key in peers if key != origin.key)
    return out < max(1, ceil(len(peers) * settings.max_percent / 100 - 1e-9))


def is_last(lb: LoadBalancer, origin: Origin, snapshot: Snapshot) -> bool:
    """Whether no other origin of the load balancer takes new traffic."""
    return not any(
        TAKES_NEW[snapshot.standing(other)]
        for pool in lb.pools
        if snapshot.view(pool).off is None
        for other in pool.origins
        if other.key != origin.key
    )


CUT_OFF = "answer cut off"

CUT_WITHIN = 1.0
"""Seconds from an answer's start within which most cut-offs happen."""


class Ejections:
    """Ejects and restores origins by the outcome of attempts."""

    def __init__(
        self,
        config: Config,
        pools: Mapping[str, Pool],
        snapshot: Callable[[float], Snapshot],
        stale: Callable[[], None],
        suspects: Suspects,
    ) -> None:
        """`snapshot` returns that of a time; `stale` is called when it must be made anew."""
        self.states: dict[OriginKey, EjectionState] = {}
        self.slow_start = slow_starts(config)
        """Seconds of slow start by pool."""
        self._pools = pools
        self._snapshot = snapshot
        self._stale = stale
        self.suspects = suspects
        self._blamed = BlamedPaths()

    def cut_off(
        self, lb: LoadBalancer, origin: Origin, now: float, *, certain: bool
    ) -> OriginEjected | LastOriginKept | None:
        """Suspect an origin that cut off an answer; eject it if it is `certain` to be at fault."""
        state, settings = self.states.get(origin.key, EjectionState()), lb.ejection
        if now < state.until or not settings.base_time:
            return None  # one outage is one ejection, and this answer may have begun before it
        self.suspects.suspect(origin.key, now, now + CUTS_COUNT_FOR)
        if not certain:
            return None
        failures = max(state.failures, settings.consecutive_failures)
        self.states[origin.key] = state = replace(state, failures=failures)
        return self._eject(lb, origin, state, CUT_OFF, now)

    def delivered(self, key: OriginKey, now: float) -> None:
        """Trust an origin that was suspected of cutting off answers, and does not."""
        state = self.states.get(key)
        if state is None or now >= state.until:
            self.suspects.trust(key, now)

    def succeeded(
        self, lb: LoadBalancer, origin: Origin, state: EjectionState, started: float, now: float
    ) -> OriginRestored | None:
        """Record a good answer to an attempt begun at `started`; `state` is the origin's own."""
        if started < state.since:
            return None  # an answer to a request older than the ejection proves nothing
        # A cut-off answer began well, too: this one is good only after a while.
        trusted = self.suspects.trust(origin.key, now, CUT_WITHIN if state.cut else 0.0)
        for path in state.paths:
            self._blamed.add(path, now)  # the origin was well all the time
        if state.failures or state.statuses or state.doubts or state.kept:
            self.states[origin.key] = after_success(state, now)
        was_out = state.times and state.until <= now and not state.kept
        if trusted and was_out and origin.pool in self.slow_start:
            # Since the ejection it was only tested: it is back, slowly, from now on.
            self.states[origin.key] = state = replace(self.states[origin.key], until=now)
            self._stale()
        if now >= forgotten_at(state, self.slow_start.get(origin.pool, 0.0)):
            del self.states[origin.key]
        if now >= state.until:
            return None
        self._stale()
        return OriginRestored(load_balancer=lb.name, pool=origin.pool, origin=origin.name)

    def failed(
        self, lb: LoadBalancer, origin: Origin, failure: Failure, started: float, now: float
    ) -> OriginEjected | LastOriginKept | None:
        """Record the failure of an attempt begun at `started`, and eject the origin if due."""
        before = self.states.get(origin.key, EjectionState())
        if failure.proof is Proof.SHARED:
            self._blamed.add(failure.path, now)
        state = None if self._is_blamed(failure, now) else with_failure(before, failure)
        if state is None:
            self._absolve(origin, before, now)
            return None
        self.states[origin.key] = state
        settings = lb.ejection
        if now < before.until:
            self.states[origin.key] = state = prolonged(state, settings, started, now)
            self.suspects.suspect(origin.key, state.until)
            self._stale()
            return None
        if not reached(state, settings) or not settings.base_time:
            if state.doubts and one_short(state, settings):
                self.suspects.suspect(origin.key, now)
            else:
                self._absolve(origin, state, now)
            return None
        return self._eject(lb, origin, state, failure.cause, now)

    def in_doubt(self, lb: LoadBalancer, origin: Origin, path: str, now: float) -> None:
        """Suspect an origin whose connection has failed, until the request has come to its end."""
        state = self.states.get(origin.key, EjectionState())
        settings = lb.ejection
        ready = state.failures + state.doubts + 1 >= settings.consecutive_failures
        if settings.base_time and ready and not self._blamed.has(path, now):
            self.suspects.suspect(origin.key, max(now, state.until))

    def _is_blamed(self, failure: Failure, now: float) -> bool:
        return failure.proof is Proof.UNPROVEN and self._blamed.has(failure.path, now)

    def _absolve(self, origin: Origin, state: EjectionState, now: float) -> None:
        """End the suspicion that `in_doubt` began."""
        if not state.doubts and not state.kept and not state.times:
            self.suspects.trust(origin.key, now)

    def _eject(
        self, lb: LoadBalancer, origin: Origin, state: EjectionState, cause: str, now: float
    ) -> OriginEjected | LastOriginKept | None:
        snapshot = self._snapshot(now)
        if is_last(lb, origin, snapshot):
            if state.kept or not TAKES_NEW[snapshot.standing(origin)]:
                return None
            self.states[origin.key] = replace(state, kept=True)
            self.suspects.suspect(origin.key, now)
            return LastOriginKept(
                load_balancer=lb.name, pool=origin.pool, origin=origin.name, cause=cause
            )
        if not may_eject(lb.ejection, self._pools[origin.pool], origin, self.states, now):
            return None
        state = replace(ejected(state, lb.ejection, now), cut=cause == CUT_OFF)
        self.states[origin.key] = state
        self.suspects.suspect(origin.key, state.until)
        self._stale()
        return OriginEjected(
            load_balancer=lb.name,
            pool=origin.pool,
            origin=origin.name,
            cause=cause,
            seconds=state.until - now,
        )
