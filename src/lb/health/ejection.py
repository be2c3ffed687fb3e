"""Ejections: which origins real traffic has taken out, and for how long."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING

from lb.health.snapshot import TAKES_NEW, EjectionState
from lb.log_events import LastOriginKept, OriginEjected, OriginRestored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lb.health.quiet import Doubts
    from lb.health.snapshot import Snapshot
    from lb.model import Config, Ejection, LoadBalancer, Origin, OriginKey, Pool


# Envoy multiplies base_ejection_time by the number of ejections in a row up to max_ejection_time,
# and takes one off that number at each sweep, 10 s apart, that finds the host not ejected
# (https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier).
FORGIVEN_EVERY = 10.0
"""Seconds without an ejection that make up for one."""


def ejected(state: EjectionState, settings: Ejection, failures: int, now: float) -> EjectionState:
    """Return the state of an origin that is ejected now."""
    most = ceil(settings.max_time / settings.base_time)
    times = min(times_in_a_row(state, now) + 1, max(most, 1))
    until = now + seconds_of(settings, times)
    return EjectionState(failures=failures, since=now, until=until, times=times)


def prolonged(
    state: EjectionState, settings: Ejection, started: float, failures: int, now: float
) -> EjectionState:
    """Return the state of an origin that was tried while it was ejected, and failed again.

    One outage is one ejection, however many requests meet it; and an attempt that began before
    it tells nothing new.
    """
    if started < state.since:
        return state
    until = max(state.until, now + seconds_of(settings, state.times))
    return replace(state, failures=failures, since=now, until=until)


def seconds_of(settings: Ejection, times: int) -> float:
    """Return how long the ejection lasts that is the `times`-th in a row."""
    return max(settings.base_time, min(settings.base_time * times, settings.max_time))


def times_in_a_row(state: EjectionState, now: float) -> int:
    """Return how many ejections still count; they are forgiven while the origin is good."""
    if not state.times:
        return 0
    return max(state.times - int((now - state.until) // FORGIVEN_EVERY), 0)


def after_success(state: EjectionState, now: float) -> EjectionState:
    """Return the state of an origin that answered well: an ejection under way ends."""
    return replace(state, failures=0, until=min(state.until, now), kept=False)


def forgotten_at(state: EjectionState, slow_start: float) -> float:
    """Return when nothing of the state matters any more."""
    return state.until + max(state.times * FORGIVEN_EVERY, slow_start)


def may_eject(
    settings: Ejection,
    pool: Pool,
    origin: Origin,
    ejections: Mapping[OriginKey, EjectionState],
    now: float,
) -> bool:
    """At most max_percent of a pool's enabled origins are out at once, and one always may."""
    if settings.max_percent >= 100:
        return True
    peers = [one.key for one in pool.origins if one.enabled]
    nobody = EjectionState()
    out = sum(now < ejections.get(key, nobody).until for key in peers if key != origin.key)
    return out < max(1, ceil(len(peers) * settings.max_percent / 100 - 1e-9))


def is_last(lb: LoadBalancer, origin: Origin, snapshot: Snapshot) -> bool:
    """Whether no other origin of the load balancer takes traffic."""
    return not any(
        TAKES_NEW[snapshot.standing(other)]
        for pool in lb.pools
        if snapshot.view(pool).off is None
        for other in pool.origins
        if other.key != origin.key
    )


CUT_OFF = "answer cut off"

CUT_WITHIN = 1.0
"""Seconds after an answer's beginning by which most of those that are cut off have been."""


class Ejections:
    """What follows for an origin from how attempts at it went."""

    def __init__(
        self,
        config: Config,
        pools: Mapping[str, Pool],
        snapshot: Callable[[float], Snapshot],
        stale: Callable[[], None],
        doubts: Doubts,
    ) -> None:
        """`snapshot` says how all origins stand; `stale` hears that it has to be made anew."""
        self.states: dict[OriginKey, EjectionState] = {}
        self.slow_start = _slow_starts(config)
        """Seconds by pool, where it means anything."""
        self._pools = pools
        self._snapshot = snapshot
        self._stale = stale
        self.doubts = doubts

    def cut_off(
        self, lb: LoadBalancer, origin: Origin, in_a_row: int, now: float
    ) -> OriginEjected | LastOriginKept | None:
        """Note an answer that an origin cut off, the `in_a_row`-th one."""
        state = self.states.get(origin.key, EjectionState())
        if now < state.until:
            return None  # one outage is one ejection, and this answer may have begun before it
        failures = max(state.failures, in_a_row - 1)
        self.states[origin.key] = replace(state, failures=failures)
        return self.failed(lb, origin, CUT_OFF, now, now)

    def succeeded(
        self, lb: LoadBalancer, origin: Origin, state: EjectionState, started: float, now: float
    ) -> OriginRestored | None:
        """Note a good answer of an origin that has a state, to an attempt begun at `started`."""
        if started < state.since:
            return None  # an answer to a request older than the ejection proves nothing
        # An answer that was cut off began well, too: it takes a while until this one has not been.
        self.doubts.trust(origin.key, now, CUT_WITHIN if state.cut else 0.0)
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
        """Note that an attempt begun at `started` failed, and eject its origin if that is due."""
        state = self.states.get(origin.key, EjectionState())
        settings, failures = lb.ejection, state.failures + 1
        if now < state.until:
            self.states[origin.key] = state = prolonged(state, settings, started, failures, now)
            self.doubts.doubt(origin.key, state.until)
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
            self.doubts.doubt(origin.key, now)
            return LastOriginKept(
                load_balancer=lb.name, pool=origin.pool, origin=origin.name, cause=cause
            )
        if not may_eject(settings, self._pools[origin.pool], origin, self.states, now):
            return None
        state = replace(ejected(state, settings, failures, now), cut=cause == CUT_OFF)
        self.states[origin.key] = state
        self.doubts.doubt(origin.key, state.until)
        self._stale()
        return OriginEjected(
            load_balancer=lb.name,
            pool=origin.pool,
            origin=origin.name,
            cause=cause,
            seconds=state.until - now,
        )


def _slow_starts(config: Config) -> dict[str, float]:
    """Return slow_start by pool, where it means anything: the longest of its load balancers'."""
    longest: dict[str, float] = {}
    for lb in config.load_balancers:
        for pool in lb.watched:
            if lb.ejection.slow_start and len(pool.origins) > 1:
                longest[pool.name] = max(longest.get(pool.name, 0.0), lb.ejection.slow_start)
    return longest
