"""Ejections: origins taken out by failures of real traffic, and for how long."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING

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


def ejected(state: EjectionState, settings: Ejection, failures: int, now: float) -> EjectionState:
    """Return the state of an origin that is ejected at `now`."""
    most = ceil(settings.max_time / settings.base_time)
    times = min(times_in_a_row(state, now) + 1, max(most, 1))
    until = now + seconds_of(settings, times)
    return EjectionState(failures=failures, since=now, until=until, times=times)


def prolonged(
    state: EjectionState, settings: Ejection, started: float, failures: int, now: float
) -> EjectionState:
    """Return the state of an ejected origin that was tried and failed again.

    One outage is one ejection, however many requests fail in it, and an attempt begun before the
    ejection proves nothing new.
    """
    if started < state.since:
        return state
    until = max(state.until, now + seconds_of(settings, state.times))
    return replace(state, failures=failures, since=now, until=until)


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
    return replace(state, failures=0, until=min(state.until, now), kept=False)


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
        self.slow_start = _slow_starts(config)
        """Seconds of slow start by pool."""
        self._pools = pools
        self._snapshot = snapshot
        self._stale = stale
        self.suspects = suspects

    def cut_off(
        self, lb: LoadBalancer, origin: Origin, in_a_row: int, now: float
    ) -> OriginEjected | LastOriginKept | None:
        """Record an answer that an origin cut off, the `in_a_row`-th one."""
        state = self.states.get(origin.key, EjectionState())
        if now < state.until:
            return None  # one outage is one ejection, and this answer may have begun before it
        failures = max(state.failures, in_a_row - 1)
        self.states[origin.key] = replace(state, failures=failures)
        return self.failed(lb, origin, CUT_OFF, now, now)

    def succeeded(
        self, lb: LoadBalancer, origin: Origin, state: EjectionState, started: float, now: float
    ) -> OriginRestored | None:
        """Record a good answer to an attempt begun at `started`; `state` is the origin's own."""
        if started < state.since:
            return None  # an answer to a request older than the ejection proves nothing
        # A cut-off answer began well, too: this one is good only after a while.
        self.suspects.trust(origin.key, now, CUT_WITHIN if state.cut else 0.0)
        if state.failures or state.kept:
            self.states[origin.key] = after_success(state, now)
        if now >= forgotten_at(state, self.slow_start.get(origin.pool, 0.0)):
            del self.states[origin.key]
        if now >= state.until:
            return None
        self._stale()
        return OriginRestored(load_balancer=lb.name, pool=origin.pool, origin=origin.name)

    def failed(
        self,
        lb: LoadBalancer,
        origin: Origin,
        cause: str,
        started: float,
        now: float,
    ) -> OriginEjected | LastOriginKept | None:
        """Record the failure of an attempt begun at `started`, and eject the origin if due."""
        state = self.states.get(origin.key, EjectionState())
        settings, failures = lb.ejection, state.failures + 1
        if now < state.until:
            self.states[origin.key] = state = prolonged(state, settings, started, failures, now)
            self.suspects.suspect(origin.key, state.until)
            self._stale()
            return None
        self.states[origin.key] = state = replace(state, failures=failures)
        if failures < settings.consecutive_failures or not settings.base_time:
            return None
        snapshot = self._snapshot(now)
        if is_last(lb, origin, snapshot):
            if state.kept or not TAKES_NEW[snapshot.standing(origin)]:
                return None
            self.states[origin.key] = replace(state, kept=True)
            self.suspects.suspect(origin.key, now)
            return LastOriginKept(
                load_balancer=lb.name, pool=origin.pool, origin=origin.name, cause=cause
            )
        if not may_eject(settings, self._pools[origin.pool], origin, self.states, now):
            return None
        state = replace(ejected(state, settings, failures, now), cut=cause == CUT_OFF)
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


def _slow_starts(config: Config) -> dict[str, float]:
    """Return the longest slow_start of each pool's load balancers, in seconds.

    A pool of one origin is left out: a share of its traffic is all of it.
    """
    longest: dict[str, float] = {}
    for lb in config.load_balancers:
        for pool in lb.watched:
            if lb.ejection.slow_start and len(pool.origins) > 1:
                longest[pool.name] = max(longest.get(pool.name, 0.0), lb.ejection.slow_start)
    return longest
