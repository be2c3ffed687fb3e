"""Who can take traffic at one moment, asked of one place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from itertools import accumulate
from math import inf
from typing import TYPE_CHECKING

from lb.hashing import hash64
from lb.health import OriginHealth
from lb.model import Health

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.model import Origin, Pool


class Standing(Enum):
    """Why an origin does or does not take traffic."""

    AVAILABLE = "available"
    NO_WEIGHT = "weight 0"
    EJECTED = "ejected"
    UNHEALTHY = "unhealthy"
    DISABLED = "disabled"


TAKES_NEW: Mapping[Standing, bool] = {
    Standing.AVAILABLE: True,
    Standing.NO_WEIGHT: False,
    Standing.EJECTED: False,
    Standing.UNHEALTHY: False,
    Standing.DISABLED: False,
}

# Weight 0 means no new traffic, and affinity overrides weights:
# https://developers.cloudflare.com/load-balancing/understand-basics/traffic-steering/origin-level-steering/
TAKES_PINNED: Mapping[Standing, bool] = {**TAKES_NEW, Standing.NO_WEIGHT: True}

_NOTHING_KNOWN = OriginHealth()


@dataclass(frozen=True, slots=True, kw_only=True)
class EjectionState:
    """What real traffic said of an origin lately."""

    failures: int = 0
    """In a row, up to now."""
    since: float = -inf
    until: float = -inf
    """The origin is ejected from `since` until `until`."""


class Snapshot:
    """Health and ejections at one moment; whatever it answers holds until `valid_until`.

    A pool's view is made when it is first asked for, so that a change costs what the pools
    in use cost, however many are configured.
    """

    def __init__(
        self,
        health: Mapping[tuple[str, str], OriginHealth],
        ejections: Mapping[tuple[str, str], EjectionState],
        now: float,
    ) -> None:
        self._health = health
        self._ejections = ejections
        self._now = now
        self._views: dict[str, PoolView] = {}
        self.valid_until = min((e.until for e in ejections.values() if e.until > now), default=inf)

    def health(self, origin: Origin) -> OriginHealth:
        return self._health.get(origin.key, _NOTHING_KNOWN)

    def standing(self, origin: Origin) -> Standing:
        """Say whether and why an origin can take traffic: the one place that is asked.

        An origin of unknown health is available: no request waits for a first probe, and a
        failure is made good by the next origin in the same request.
        """
        if not origin.enabled:
            return Standing.DISABLED
        if self.health(origin).health is Health.UNHEALTHY:
            return Standing.UNHEALTHY
        ejection = self._ejections.get(origin.key)
        if ejection is not None and self._now < ejection.until:
            return Standing.EJECTED
        return Standing.AVAILABLE if origin.weight > 0 else Standing.NO_WEIGHT

    def view(self, pool: Pool) -> PoolView:
        view = self._views.get(pool.name)
        if view is None:
            view = self._views[pool.name] = PoolView(pool, self)
        return view


class PoolView:
    """One pool at one moment, with the tables that choosing among its origins needs."""

    def __init__(self, pool: Pool, snapshot: Snapshot) -> None:
        self.pool = pool
        standings = [(origin, snapshot.standing(origin)) for origin in pool.origins]
        self.origins = tuple(origin for origin, standing in standings if TAKES_NEW[standing])
        """Those that take new traffic, in the order of the configuration."""
        up = sum(TAKES_PINNED[standing] for _, standing in standings)
        self.available = pool.enabled and up >= max(pool.minimum_origins, 1)
        """Whether it takes traffic at all: minimum_origins is Cloudflare's health threshold."""

    @cached_property
    def cumulative(self) -> tuple[float, ...]:
        """Running sums of the weights of `origins`."""
        return tuple(accumulate(origin.weight for origin in self.origins))

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """What stands for each of `origins` in a hash."""
        return tuple(hash64(*origin.key) for origin in self.origins)
