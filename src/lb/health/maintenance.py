"""Switched-off origins and pools: disabled, or in maintenance."""

from __future__ import annotations

from enum import Enum
from itertools import product
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from lb.log_events import OriginEnabledChanged, PoolEnabledChanged
from lb.model import SessionAffinity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lb.model import Config, LoadBalancer, Origin, Pool


class Off(Enum):
    """Reason for being switched off."""

    DISABLED = "disabled"
    MAINTENANCE = "maintenance"


class SwitchedOff(NamedTuple):
    """Reason and start; -inf where only a file says `enabled = false`."""

    why: Off
    since: float

    def drains(self, duration: float, now: float) -> bool:
        """Whether earlier sessions may still go on, for `duration` (drain_duration) seconds.

        https://developers.cloudflare.com/load-balancing/understand-basics/session-affinity/
        """
        return now < self.since + duration


def switched_off(one: Origin | Pool, now: float) -> SwitchedOff | None:
    """Return why an origin or a pool is switched off; None while it is on."""
    if not one.enabled:
        return SwitchedOff(Off.DISABLED, -inf if one.disabled_at is None else one.disabled_at)
    for window in one.maintenance:
        if window.start <= now < window.end:
            return SwitchedOff(Off.MAINTENANCE, window.start)
    return None


def is_on(pool: Pool, origin: Origin, now: float) -> bool:
    """Whether an origin and its pool are both switched on."""
    return switched_off(pool, now) is None and switched_off(origin, now) is None


def back_since(origin: Origin, now: float) -> float:
    """Return the end of an origin's latest maintenance; -inf without one."""
    return max((window.end for window in origin.maintenance if window.end <= now), default=-inf)


def back_at(pools: Iterable[Pool], now: float) -> float | None:
    """Return when maintenance ends for the first origin; None: no origin comes back."""
    ends = (_off_until((pool, origin), now) for pool in pools for origin in pool.origins)
    return min((end for end in ends if end < inf), default=None)


def _off_until(both: tuple[Pool, Origin], now: float) -> float:
    """Return the next time at which an origin and its pool are on; inf: never."""
    if not all(one.enabled for one in both):
        return inf
    windows = [window for one in both for window in one.maintenance]
    moment = now
    while ends := [window.end for window in windows if window.start <= moment < window.end]:
        moment = max(ends)
    return moment


def borders(config: Config) -> tuple[float, ...]:
    """Return every time at which maintenance or a drain begins or ends, sorted."""
    found: set[float] = set()
    for lb in config.load_balancers:
        for pool, drain in product(lb.watched, drains(lb)):
            found.update(_moments(pool, drain))
            for origin in pool.origins:
                found.update(_moments(origin, drain))
    return tuple(sorted(found))


def drains(lb: LoadBalancer) -> set[int]:
    """Return every drain_duration that a load balancer's rules may give a request."""
    kept = lb.session_affinity is not SessionAffinity.NONE
    given = {lb.session_affinity_attributes.drain_duration if kept else 0}
    for rule in lb.rules:
        if rule.overrides:
            given.add(lb.under((rule,)).session_affinity_attributes.drain_duration)
    return given


def switches(
    pools: Iterable[Pool], before: float, after: float
) -> list[PoolEnabledChanged | OriginEnabledChanged]:
    """Return the switches that maintenance made between two times."""
    found: list[PoolEnabledChanged | OriginEnabledChanged] = []
    for pool in pools:
        off = _reason(pool, after)
        if off != _reason(pool, before):
            found.append(PoolEnabledChanged(pool=pool.name, enabled=not off, reason=off))
        for origin in pool.origins:
            off = _reason(origin, after)
            if off != _reason(origin, before):
                found.append(
                    OriginEnabledChanged(
                        pool=pool.name, origin=origin.name, enabled=not off, reason=off
                    )
                )
    return found


def _reason(one: Origin | Pool, now: float) -> str:
    off = switched_off(one, now)
    return "" if off is None else off.why.value


def _moments(one: Origin | Pool, drain: float) -> Iterator[float]:
    if not one.enabled and one.disabled_at is not None:
        yield one.disabled_at + drain
    for window in one.maintenance if one.enabled else ():
        yield from (window.start, window.start + drain, window.end)
