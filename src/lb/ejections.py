"""Which origins real traffic has taken out, and for how long: plain data of one isolate."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lb.availability import TAKES_NEW, EjectionState
from lb.ejection import after_success, ejected, forgotten_at, is_last, may_eject, prolonged
from lb.log_events import LastOriginKept, OriginEjected, OriginRestored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lb.availability import Snapshot
    from lb.doubts import Doubts
    from lb.model import Config, LoadBalancer, Origin, Pool

CUT_OFF = "answer cut off"

CUT_WITHIN = 1.0
"""Seconds after an answer's beginning by which most of those that are cut off have been."""

Key = tuple[str, str]
"""`Origin.key`."""


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
        self.states: dict[Key, EjectionState] = {}
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
