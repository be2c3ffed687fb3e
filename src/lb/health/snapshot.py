"""Which pools and origins can take traffic at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from itertools import accumulate
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING

from lb.base.hashing import hash64
from lb.health.hash_slots import Slots
from lb.health.in_flight import InFlight
from lb.health.maintenance import Off, is_on, switched_off
from lb.health.verdict import OriginHealth
from lb.model import Health, PoolHealth

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lb.health.quiet import Suspects
    from lb.model import LoadBalancer, Origin, OriginKey, Pool


class Standing(Enum):
    """Why an origin takes traffic, or none."""

    AVAILABLE = "available"
    NO_WEIGHT = "weight 0"
    EJECTED = "ejected"
    UNHEALTHY = "unhealthy"
    DRAINING = "draining"
    """Switched off, and serving the sessions that it has."""
    MAINTENANCE = "maintenance"
    DISABLED = "disabled"


TAKES_NEW: Mapping[Standing, bool] = {
    Standing.AVAILABLE: True,
    Standing.NO_WEIGHT: False,
    Standing.EJECTED: False,
    Standing.UNHEALTHY: False,
    Standing.DRAINING: False,
    Standing.MAINTENANCE: False,
    Standing.DISABLED: False,
}

WORDS: Mapping[Standing, str] = {
    Standing.AVAILABLE: "takes traffic",
    Standing.NO_WEIGHT: "takes nothing new, as its weight is 0, and keeps the sessions it has",
    Standing.EJECTED: "takes nothing for a while, as requests to it failed",
    Standing.UNHEALTHY: "takes nothing, as its monitor found it unhealthy",
    Standing.DRAINING: "is switched off, and keeps the sessions it has for drain_duration",
    Standing.MAINTENANCE: "takes nothing, as it is in maintenance",
    Standing.DISABLED: "takes nothing, as it is disabled",
}

# Weight 0 means no new traffic, and affinity overrides weights:
# https://developers.cloudflare.com/load-balancing/understand-basics/traffic-steering/origin-level-steering/
# A disabled origin keeps its sessions for drain_duration:
# https://developers.cloudflare.com/load-balancing/understand-basics/session-affinity/
TAKES_PINNED: Mapping[Standing, bool] = {
    **TAKES_NEW,
    Standing.NO_WEIGHT: True,
    Standing.DRAINING: True,
}

# With sessions by hash, a new session cannot be distinguished from an old one.
TAKES_HASHED: Mapping[Standing, bool] = {**TAKES_NEW, Standing.DRAINING: True}

# How an origin counts in its pool's health: up, down, or not at all.
COUNTS_AS_UP: Mapping[Standing, bool | None] = {
    Standing.AVAILABLE: True,
    Standing.NO_WEIGHT: True,
    Standing.EJECTED: False,
    Standing.UNHEALTHY: False,
    # Only its own sessions see it: a drain must not move those of other origins.
    Standing.DRAINING: True,
    Standing.MAINTENANCE: None,
    Standing.DISABLED: None,
}

OFF_STANDS_AS: Mapping[Off, Standing] = {
    Off.DISABLED: Standing.DISABLED,
    Off.MAINTENANCE: Standing.MAINTENANCE,
}

_NOTHING_KNOWN = OriginHealth()
_FULL_SHARES: Mapping[OriginKey, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class EjectionState:
    """An origin's failures of real traffic, and its ejection."""

    failures: int = 0
    """Failures in a row of connections and time-outs, up to now."""
    statuses: int = 0
    """Answers in a row with a status of retry_on, up to now."""
    doubts: int = 0
    """Failed connections in a row that no other origin has proved."""
    paths: frozenset[str] = frozenset()
    """Paths of the failures that no other origin has proved."""
    since: float = -inf
    until: float = -inf
    """The origin is ejected from `since` until `until`."""
    times: int = 0
    """Ejections in a row, counted at the start of the latest one and including it."""
    cut: bool = False
    """Whether it was ejected for cutting off answers."""
    kept: bool = False
    """Whether it was logged that only being the last origin kept it from ejection."""


class Snapshot:
    """Health and ejections at one moment; every answer holds until `valid_until`.

    A pool's view is made on first use, so that a change costs as much as the pools in use,
    however many are configured.
    """

    def __init__(  # noqa: PLR0913 (the parts of a moment)
        self,
        health: Mapping[OriginKey, OriginHealth],
        ejections: Mapping[OriginKey, EjectionState],
        now: float,
        *,
        shares: Mapping[OriginKey, float] = _FULL_SHARES,
        until: float = inf,
        in_flight: InFlight | None = None,
        suspects: Suspects | None = None,
    ) -> None:
        """`shares`: weights in slow start. `until`: when anything but ejections changes."""
        self.now = now
        self.in_flight = InFlight() if in_flight is None else in_flight
        """Requests under way. Live, like `suspects`; everything else stays as it was made."""
        self.suspects = suspects
        self.shares = shares
        self._health = health
        self._ejections = ejections
        self._views: dict[str, PoolView] = {}
        self._session_views: dict[tuple[str, Keeping], PoolView] = {}
        ends = (one.until for one in ejections.values() if one.until > now)
        self.valid_until = min(until, min(ends, default=inf))

    def health(self, origin: Origin) -> OriginHealth:
        return self._health.get(origin.key, _NOTHING_KNOWN)

    def is_on(self, pool: Pool, origin: Origin) -> bool:
        """Whether an origin and its pool are both switched on."""
        return is_on(pool, origin, self.now)

    def standing(self, origin: Origin, drain: float = 0.0) -> Standing:
        """Return why an origin takes traffic, or none: the one place that decides.

        An origin of unknown health is available: no request waits for a first probe, and after
        a failure the same request tries the next origin. `drain`: the load balancer's
        drain_duration.
        """
        off = switched_off(origin, self.now)
        if off is not None and not off.drains(drain, self.now):
            return OFF_STANDS_AS[off.why]
        if self.health(origin).health is Health.UNHEALTHY:
            return Standing.UNHEALTHY
        ejection = self._ejections.get(origin.key)
        if ejection is not None and self.now < ejection.until:
            return Standing.EJECTED
        if off is not None:
            return Standing.DRAINING
        return Standing.AVAILABLE if origin.weight > 0 else Standing.NO_WEIGHT

    def view(self, pool: Pool) -> PoolView:
        view = self._views.get(pool.name)
        if view is None:
            view = self._views[pool.name] = PoolView(pool, self)
        return view

    def sessions(self, pool: Pool, keeping: Keeping) -> PoolView:
        """Return a pool as its sessions see it."""
        view = self._session_views.get((pool.name, keeping))
        if view is None:
            view = self._session_views[pool.name, keeping] = PoolView(pool, self, keeping)
        return view

    def keeps_session(self, pool: Pool, origin: Origin, keeping: Keeping) -> bool:
        """Whether a client that is pinned to an origin may stay there."""
        return origin.key in self.sessions(pool, keeping).keepers


def is_full(origin: Origin, snapshot: Snapshot) -> bool:
    """Whether an origin's max_requests are under way."""
    most = origin.max_requests
    return most > 0 and snapshot.in_flight.outstanding(origin.key) >= most


@dataclass(frozen=True, slots=True, eq=False)  # it is looked up by each request
class Keeping:
    """How long sessions stay on an origin that takes no new traffic."""

    drain: float = 0.0
    """The load balancer's drain_duration."""
    ejected: bool = False
    """Whether sessions stay on an ejected origin."""

    def standing(self, snapshot: Snapshot, origin: Origin) -> Standing:
        """Return an origin's standing for sessions."""
        standing = snapshot.standing(origin, self.drain)
        if self.ejected and standing is Standing.EJECTED:
            return Standing.AVAILABLE if origin.weight > 0 else Standing.NO_WEIGHT
        return standing


NO_SESSIONS = Keeping()


class PoolView:
    """A pool at one moment, with the tables for choosing among its origins."""

    def __init__(self, pool: Pool, snapshot: Snapshot, keeping: Keeping = NO_SESSIONS) -> None:
        off = switched_off(pool, snapshot.now)
        drained = off is not None and off.drains(keeping.drain, snapshot.now)
        self.pool = pool
        self.off = None if drained else off
        self._standings = [(origin, keeping.standing(snapshot, origin)) for origin in pool.origins]
        self.health = _health(pool, snapshot, self._standings)
        self.available = self.off is None and self.health is not PoolHealth.CRITICAL
        """Whether it takes traffic."""
        taking = TAKES_NEW if keeping is NO_SESSIONS else TAKES_HASHED
        self.origins = tuple(origin for origin, standing in self._standings if taking[standing])
        """Origins that may be chosen, in the order of the configuration."""
        self.in_flight = snapshot.in_flight
        self._shares = snapshot.shares

    @cached_property
    def keepers(self) -> frozenset[OriginKey]:
        """Keys of the origins that keep sessions; empty while the pool takes no traffic."""
        if not self.available:
            return frozenset()
        return frozenset(
            origin.key for origin, standing in self._standings if TAKES_PINNED[standing]
        )

    @cached_property
    def weights(self) -> tuple[float, ...]:
        """Weights of `origins`, multiplied by their share in slow start."""
        shares = self._shares
        return tuple(origin.weight * shares.get(origin.key, 1.0) for origin in self.origins)

    @cached_property
    def cumulative(self) -> tuple[float, ...]:
        """Running sums of `weights`."""
        return tuple(accumulate(self.weights))

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """Hash of each of `origins`."""
        return tuple(hash64(*origin.key) for origin in self.origins)

    @cached_property
    def slots(self) -> Slots:
        """Table in which a client's origin is looked up."""
        return Slots(self.pool.origins)

    def weight_of(self, origin: Origin) -> float:
        """Return an origin's weight; 0 if it is not one of `origins`."""
        return self._weight_by_key.get(origin.key, 0.0)

    @cached_property
    def _weight_by_key(self) -> Mapping[OriginKey, float]:
        return {one.key: weight for one, weight in zip(self.origins, self.weights, strict=True)}


def _health(
    pool: Pool, snapshot: Snapshot, standings: Iterable[tuple[Origin, Standing]]
) -> PoolHealth:
    """Return a pool's health. minimum_origins is Cloudflare's health threshold.

    Switched-off origins do not count; origins of unknown health count as up.
    https://developers.cloudflare.com/load-balancing/understand-basics/health-details/
    """
    counted = [
        (origin, up) for origin, standing in standings if (up := COUNTS_AS_UP[standing]) is not None
    ]
    available = [origin for origin, up in counted if up]
    if len(available) < pool.minimum_origins:
        return PoolHealth.CRITICAL
    if len(available) < len(counted):
        return PoolHealth.DEGRADED
    if all(snapshot.health(origin).health is Health.UNKNOWN for origin in available):
        return PoolHealth.UNKNOWN
    return PoolHealth.HEALTHY


def load_balancer_health(lb: LoadBalancer, snapshot: Snapshot) -> PoolHealth:
    """Return a load balancer's health; critical: no default pool takes traffic.

    A switched-off pool does not count, unless all are.
    https://developers.cloudflare.com/load-balancing/understand-basics/health-details/
    """
    views = [snapshot.view(pool) for pool in lb.default_pools]
    if not any(view.available for view in views):
        return PoolHealth.CRITICAL
    if any(view.health is PoolHealth.CRITICAL for view in views if view.off is None):
        return PoolHealth.DEGRADED
    return PoolHealth.HEALTHY
