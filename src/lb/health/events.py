"""The status of every pool at one moment, and health events: the changes between two.

An event has the shape of Cloudflare's health events, about one pool and its origins
(GET /user/load_balancing_analytics/events,
https://developers.cloudflare.com/api/resources/load_balancers/). A pool's name stands in for its
id, and `ip` is empty, as a Worker cannot see a name's address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lb.base.times import rfc3339
from lb.health.maintenance import switched_off
from lb.health.snapshot import Snapshot
from lb.health.verdict import NO_FAILURES
from lb.model import Health, PoolHealth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.health.verdict import OriginHealth
    from lb.model import Config, Origin, OriginKey, Pool

_AS_HEALTH: Mapping[PoolHealth, Health] = {
    PoolHealth.HEALTHY: Health.HEALTHY,
    PoolHealth.DEGRADED: Health.HEALTHY,
    PoolHealth.CRITICAL: Health.UNHEALTHY,
    PoolHealth.UNKNOWN: Health.UNKNOWN,
}
"""Cloudflare's events have a pool healthy or not."""
_AS_JSON = {Health.UNKNOWN: None, Health.HEALTHY: True, Health.UNHEALTHY: False}


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginStatus:
    name: str
    address: str
    enabled: bool = True
    health: Health = Health.UNKNOWN
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStatus:
    name: str
    enabled: bool = True
    health: Health = Health.UNKNOWN
    monitored: bool = True
    minimum_origins: int = 1
    origins: tuple[OriginStatus, ...] = ()


Status = dict[str, PoolStatus]
"""Every pool by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthEvent:
    """A pool after a change, and what changed: the pool itself, or some of its origins."""

    at: float
    pool: PoolStatus
    pool_changed: bool
    origins_changed: frozenset[str]


def status_of(config: Config, health: Mapping[OriginKey, OriginHealth], now: float) -> Status:
    """Return every configured pool's status; maintenance counts as disabled."""
    snapshot = Snapshot(health, {}, now)
    return {pool.name: _pool(pool, snapshot) for pool in config.pools}


def _pool(pool: Pool, snapshot: Snapshot) -> PoolStatus:
    view = snapshot.view(pool)
    return PoolStatus(
        name=pool.name,
        enabled=view.off is None,
        health=_AS_HEALTH[view.health] if view.off is None else Health.UNKNOWN,
        monitored=pool.watched_by is not None,
        minimum_origins=pool.minimum_origins,
        origins=tuple(_origin(one, snapshot) for one in pool.origins),
    )


def _origin(origin: Origin, snapshot: Snapshot) -> OriginStatus:
    # State of the origin alone; PoolStatus has the state of its pool.
    health, on = snapshot.health(origin), switched_off(origin, snapshot.now) is None
    return OriginStatus(
        name=origin.name,
        address=origin.address,
        enabled=on,
        health=health.health if on else Health.UNKNOWN,
        cause="" if health.cause == NO_FAILURES else health.cause,
    )


def changes(before: Status, after: Status, now: float) -> list[HealthEvent]:
    """Return an event for each pool of `after` in which something changed.

    A new pool or origin counts as enabled and of unknown health before, so that being new is no
    event.
    """
    found = []
    for pool in after.values():
        was = before.get(pool.name, PoolStatus(name=pool.name))
        origins = {one.name: one for one in was.origins}
        changed = frozenset(
            one.name
            for one in pool.origins
            if _differs(one, origins.get(one.name, OriginStatus(name="", address="")))
        )
        if changed or _differs(pool, was):
            found.append(
                HealthEvent(
                    at=now,
                    pool=pool,
                    pool_changed=_differs(pool, was),
                    origins_changed=changed,
                )
            )
    return found


def _differs(one: OriginStatus | PoolStatus, was: OriginStatus | PoolStatus) -> bool:
    return one.enabled is not was.enabled or one.health is not was.health


def as_json(event: HealthEvent) -> dict[str, Any]:
    """Return the event as Cloudflare's API has it, without an id. Unknown health is null."""
    pool = event.pool
    return {
        "timestamp": rfc3339(event.at),
        "pool": {
            "id": pool.name,
            "name": pool.name,
            "healthy": _AS_JSON[pool.health],
            "changed": event.pool_changed,
            "minimum_origins": pool.minimum_origins,
        },
        "origins": [
            {
                "name": one.name,
                "address": one.address,
                "ip": "",
                "enabled": one.enabled,
                "healthy": _AS_JSON[one.health],
                "changed": one.name in event.origins_changed,
                "failure_reason": one.cause or NO_FAILURES,
            }
            for one in pool.origins
        ],
    }
