"""Ejections: how long an origin that failed real traffic is out, and what is kept of it later."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING

from lb.availability import TAKES_NEW, EjectionState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.availability import Snapshot
    from lb.model import Ejection, LoadBalancer, Origin, Pool

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
    ejections: Mapping[tuple[str, str], EjectionState],
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
