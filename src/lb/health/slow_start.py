"""Slow start: which returns of an origin begin it, and the share of its weight until it is over.

As Envoy's, with its least share of 10 % and an aggression of 1
(https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/slow_start):
share = max(10 %, time since the start / slow_start), in steps of a tenth, so that a pool's tables
are made at most ten times and not for every request.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, NamedTuple

from lb.health.maintenance import back_since
from lb.health.snapshot import TAKES_NEW, Snapshot, Standing
from lb.model.watched import used_pools

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lb.health.snapshot import EjectionState
    from lb.health.verdict import OriginHealth
    from lb.model import Config, Origin, Pool

STEPS = 10
_ROUNDING = 1e-6
"""Fraction of a step, so that rounding puts no time one step too early."""

InService = dict[tuple[str, str, str], float]
"""Origins that the configuration lets take traffic, by pool, name and URL, and the time at which a
change of the configuration brought each one back; 0 = no change has."""


class Past(NamedTuple):
    """What is known of an origin's returns."""

    origin: Origin
    health: OriginHealth | None
    ejection: EjectionState | None
    returned: float
    """Time of its return by a change of the configuration; -inf = none."""


def _by_probes(past: Past, now: float) -> float:
    """Return when probes found the origin healthy again; a first verdict is no return."""
    del now
    return past.health.recovered or -inf if past.health is not None else -inf


def _after_ejection(past: Past, now: float) -> float:
    ejection = past.ejection
    return ejection.until if ejection is not None and ejection.until <= now else -inf


def _after_maintenance(past: Past, now: float) -> float:
    return back_since(past.origin, now)


def _by_configuration(past: Past, now: float) -> float:
    del now
    return past.returned


def _never(past: Past, now: float) -> float:
    del past, now
    return -inf


# Since when an origin is back that stood elsewhere before it took traffic. None = it was not there,
# or had another address. An origin of unknown health and a silent one are available: neither a
# first verdict nor an answer after silence brings back what never was out.
BACK_SINCE: Mapping[Standing | None, Callable[[Past, float], float]] = {
    Standing.AVAILABLE: _never,
    Standing.NO_WEIGHT: _by_configuration,
    Standing.EJECTED: _after_ejection,
    Standing.UNHEALTHY: _by_probes,
    Standing.DRAINING: _by_configuration,
    Standing.MAINTENANCE: _after_maintenance,
    Standing.DISABLED: _by_configuration,
    None: _by_configuration,
}

_WAYS = tuple(dict.fromkeys(BACK_SINCE.values()))


def latest_return(past: Past, now: float) -> float:
    """Return when an origin last came back; the past = it never did."""
    return max(since(past, now) for since in _WAYS)


def slow_starts(config: Config) -> dict[str, float]:
    """Return the longest slow_start of each pool's load balancers, in seconds.

    A pool of one origin is left out: a share of its traffic is all of it.
    """
    longest: dict[str, float] = {}
    for lb in config.load_balancers:
        for pool in lb.watched:
            if lb.ejection.slow_start and len(pool.origins) > 1:
                longest[pool.name] = max(longest.get(pool.name, 0.0), lb.ejection.slow_start)
    return longest


def in_service(config: Config, before: InService, now: float, *, changed: bool) -> InService:
    """Return the origins of pools with slow start that the configuration lets take traffic.

    `changed`: whether the configuration is another one than that of `before`. An origin that is in
    service now and was not is back since now; if the configuration is the same, maintenance has
    ended, whose end is known. If none of a pool was in service, they all begin together, so each
    has its full share.
    """
    pools = used_pools(config)
    found: InService = {}
    for name in slow_starts(config):
        others = any(pool == name for pool, _, _ in before)
        for origin in _in_service(pools[name], now):
            key = (*origin.key, origin.url)
            found[key] = before.get(key, now if changed and others else 0.0)
    return found


def _in_service(pool: Pool, now: float) -> list[Origin]:
    configured = Snapshot({}, {}, now)
    return [
        origin
        for origin in pool.origins
        if configured.is_on(pool, origin) and TAKES_NEW[configured.standing(origin)]
    ]


def share(start: float, seconds: float, now: float) -> float:
    """Return the share at `now` of an origin that came back at `start`."""
    return max(_step(start, seconds, now), 1) / STEPS


def changes_at(start: float, seconds: float, now: float) -> float:
    """Return when the share of an origin that came back at `start` grows next."""
    return start + max(_step(start, seconds, now) + 1, 2) * seconds / STEPS


def _step(start: float, seconds: float, now: float) -> int:
    return min(int((now - start) * STEPS / seconds + _ROUNDING), STEPS)
