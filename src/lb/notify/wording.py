"""The text of a message: what is down, since when, why, and what serves now."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from lb.base.times import for_people, lasting
from lb.model import Health
from lb.selection.serving_now import serving_now

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lb.health.events import PoolStatus
    from lb.health.snapshot import Snapshot
    from lb.model import Config, LoadBalancer, Pool
    from lb.selection.serving_now import Serving

MOST_LISTED = 20
"""Most pools and origins that a message lists."""
_MOST_NAMES = 3


class Target(NamedTuple):
    """The subject of an outage: a pool, with "" as the origin, or an origin."""

    pool: str
    origin: str = ""

    def __str__(self) -> str:
        return f"{self.origin} in pool {self.pool}" if self.origin else f"pool {self.pool}"


class Condition(Enum):
    """Condition of a target in a message."""

    DOWN = "down"
    UP = "up"
    DISABLED = "disabled"
    UNMONITORED = "unmonitored"
    GONE = "gone"
    UNKNOWN = "unknown"


IS_BAD: Mapping[Condition, bool | None] = {
    Condition.DOWN: True,
    Condition.UP: False,
    # An operator took it out of service: its outage is over.
    Condition.DISABLED: False,
    Condition.UNMONITORED: False,
    Condition.GONE: False,
    # No change: the first probe has no result yet, or a restart lost the health.
    Condition.UNKNOWN: None,
}

_BY_HEALTH: Mapping[Health, Condition] = {
    Health.UNKNOWN: Condition.UNKNOWN,
    Health.HEALTHY: Condition.UP,
    Health.UNHEALTHY: Condition.DOWN,
}

_NOW: Mapping[Condition, str] = {
    Condition.DOWN: "down",
    Condition.UP: "healthy",
    Condition.DISABLED: "disabled",
    Condition.UNMONITORED: "not monitored any more",
    Condition.GONE: "not configured any more",
    Condition.UNKNOWN: "of unknown health",
}


class Outage(NamedTuple):
    """The time in which one target was down."""

    target: Target
    since: float
    cause: str
    until: float | None = None
    condition: Condition = Condition.DOWN


def condition_of(target: Target, status: Mapping[str, PoolStatus]) -> tuple[Condition, str]:
    """Return the condition of a target, and the cause if it is down."""
    pool = status.get(target.pool)
    if pool is None:
        return Condition.GONE, ""
    origin = next((one for one in pool.origins if one.name == target.origin), None)
    if target.origin and origin is None:
        return Condition.GONE, ""
    if not pool.enabled or (origin is not None and not origin.enabled):
        return Condition.DISABLED, ""
    if not pool.monitored:
        return Condition.UNMONITORED, ""
    condition = _BY_HEALTH[pool.health if origin is None else origin.health]
    if condition is not Condition.DOWN:
        return condition, ""
    return condition, _too_few(pool) if origin is None else origin.cause


def _too_few(pool: PoolStatus) -> str:
    enabled = [one for one in pool.origins if one.enabled]
    up = sum(one.health is not Health.UNHEALTHY for one in enabled)
    return f"{up} of {len(enabled)} origins healthy, and it needs {max(pool.minimum_origins, 1)}"


def start_title(outages: Sequence[Outage]) -> str:
    """`server-1 in pool primary is down`."""
    subject, many = _subject([outage.target for outage in outages])
    return f"{subject} {'are' if many else 'is'} down"


def end_title(outages: Sequence[Outage], now: float) -> str:
    """`server-1 in pool primary is healthy again after 12 minutes`."""
    subject, many = _subject([outage.target for outage in outages])
    lasted = lasting(_end(outages, now) - min(outage.since for outage in outages))
    conditions = {outage.condition for outage in outages}
    if conditions == {Condition.UP}:
        return f"{subject} {'are' if many else 'is'} healthy again after {lasted}"
    if len(conditions) == 1:
        word = _NOW[conditions.pop()]
        return f"{subject} {'are' if many else 'is'} {word}, after {lasted} down"
    return f"{subject}: the incident is over after {lasted}"


def _end(outages: Iterable[Outage], now: float) -> float:
    return max(now if outage.until is None else outage.until for outage in outages)


def _subject(targets: Sequence[Target]) -> tuple[str, bool]:
    """Return the subject of a sentence, and whether it is plural."""
    pools = [target for target in targets if not target.origin]
    origins = [target for target in targets if target.origin]
    if len(targets) == 1:
        return _capital(str(targets[0])), False
    # The outages of its origins are the cause, and the lines below name them.
    if len(pools) == 1 and all(one.pool == pools[0].pool for one in origins):
        return _capital(str(pools[0])), False
    where = {one.pool for one in origins}
    if not pools and len(where) == 1:
        return f"{len(origins)} origins of pool {where.pop()}", True
    counts = [
        f"{len(group)} {word}{'' if len(group) == 1 else 's'}"
        for group, word in ((pools, "pool"), (origins, "origin"))
        if group
    ]
    return " and ".join(counts), True


def _capital(text: str) -> str:
    return f"P{text[1:]}" if text.startswith("pool ") else text


def start_lines(outages: Sequence[Outage]) -> list[str]:
    """Return a line for each target: since when it is down, and why."""
    lines = [
        f"{_capital(str(one.target))}: down since {for_people(one.since)}{_because(one.cause)}."
        for one in outages[:MOST_LISTED]
    ]
    return lines + _more(outages)


def end_lines(outages: Sequence[Outage], now: float) -> list[str]:
    """Return a line for each target: its condition now, how long it was down, and why."""
    lines = []
    for one in outages[:MOST_LISTED]:
        until = now if one.until is None else one.until
        was = f"it was down for {lasting(until - one.since)}{_because(one.cause)}"
        name = _capital(str(one.target))
        lines.append(f"{name}: {_NOW[one.condition]} since {for_people(until)}; {was}.")
    return lines + _more(outages)


def _because(cause: str) -> str:
    return f" ({cause})" if cause else ""


def _more(outages: Sequence[Outage]) -> list[str]:
    more = len(outages) - MOST_LISTED
    return [f"... and {more} more."] if more > 0 else []


def serving_lines(config: Config, snapshot: Snapshot, pools: Iterable[str]) -> list[str]:
    """Return what serves now, a line for each load balancer with one of these pools."""
    concerned = set(pools)
    lines = [
        _serving(lb, snapshot)
        for lb in config.load_balancers
        if lb.enabled and any(pool.name in concerned for pool in lb.reachable)
    ]
    more = len(lines) - MOST_LISTED
    return lines[:MOST_LISTED] + ([f"... and {more} more load balancers."] if more > 0 else [])


def _serving(lb: LoadBalancer, snapshot: Snapshot) -> str:
    each = serving_now(lb, snapshot)
    pools = {pool.name: pool for one in each for pool in one.pools}
    resorts = dict.fromkeys(_resort(one) for one in each if not one.all_placed)
    name = "Every host" if lb.name == "*" else lb.name
    if not pools:
        other = "other " if any(snapshot.view(one.fallback_pool).available for one in each) else ""
        return f"{name}: no {other}pool is healthy; {_listed(list(resorts))}."
    by = _listed([f"pool {pool.name} ({_origins(pool, snapshot)})" for pool in pools.values()])
    rest = [f"; for places without a healthy pool, {_listed(list(resorts))}"] if resorts else []
    return f"{name}: requests are served by {by}{''.join(rest)}."


def _resort(serving: Serving) -> str:
    """Return what the last resort is, for the requests that steering leaves without a pool."""
    origin, takes = serving.resort, serving.resort_takes_traffic
    if origin is None:
        return "requests are refused, as everything is switched off"
    if origin.pool != serving.fallback_pool.name:
        return f"requests go to {origin.name} in pool {origin.pool}{'' if takes else ' anyway'}"
    if takes:
        return f"requests go to {origin.name} in the fallback pool {origin.pool}"
    return f"requests go to the fallback pool {origin.pool} anyway"


def _origins(pool: Pool, snapshot: Snapshot) -> str:
    return _listed([one.name for one in snapshot.view(pool).origins]) or "no origin"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    shown = [*names[:_MOST_NAMES], *([f"{more} more"] if more > 0 else [])]
    return " and ".join(part for part in (", ".join(shown[:-1]), *shown[-1:]) if part)
