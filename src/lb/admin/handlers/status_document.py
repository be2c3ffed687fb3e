"""State of everything at one moment, for the status page and the command line."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from lb.base.times import lasting, rfc3339
from lb.health.maintenance import Off, borders, drains, switched_off
from lb.health.snapshot import (
    OFF_STANDS_AS,
    TAKES_NEW,
    EjectionState,
    Snapshot,
    Standing,
    load_balancer_health,
)
from lb.health.verdict import NO_FAILURES
from lb.model import Health
from lb.state.trust import TrustedView

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lb.health.maintenance import SwitchedOff
    from lb.model import Config, LoadBalancer, Origin, OriginKey, Pool
    from lb.object.known import Known, TrafficFailure


class _Moment(NamedTuple):
    """What the parts of the document are made from."""

    by_probes: Snapshot
    """Health as all isolates see it."""
    by_traffic: Snapshot
    """The same with the ejections of isolates."""
    ejections: Mapping[OriginKey, EjectionState]
    known: Known

    @property
    def now(self) -> float:
        return self.by_probes.now


class _Reason(NamedTuple):
    """Reason of a state, its begin and its end; None = not known."""

    why: str = ""
    since: str | None = None
    until: str | None = None


def status_document(config: Config, known: Known, now: float) -> dict[str, Any]:
    """Return the state of load balancers, pools and origins, ready for JSON.

    Times are RFC 3339 in UTC, or null; shares are 0 to 1; names of durations end in their unit.

        at                server time
        version           of the configuration
        probed            end of the latest round of probes; probe_age: seconds since then
        warnings[]        kind ("prober_stalled" or "message"), message
        load_balancers[]  name, description, enabled, health, steering_policy, session_affinity,
                          drain_duration, default_pools[], fallback_pool, other_pools[] (used by
                          places, pool sets, rules or the mirror only), read_only
        pools[]           name, description, enabled, health, state, why, since, until,
                          minimum_origins, available_origins, monitor (name, type, interval; or
                          null), load_balancers[], read_only, and
        pools[].origins[] name, address, enabled, weight, state, why, since, until, takes_new,
                          health, health_since, cause, checked, latency_ms,
                          failed (at, cause: of a recent request; or null),
                          share (part of all requests of the last minutes, null without any),
                          and the other keys of `Known.traffic`
        events[]          the newest first, in Cloudflare's shape

    The state of an origin is a value of lb.health.snapshot.Standing; that of a pool is "disabled",
    "draining" or "maintenance" while it is switched off, else its health. Each isolate ejects for
    itself: an origin is shown as ejected while one of them may have ejected it, according to the
    reported failures. The health of pools and load balancers comes from probes only.
    """
    by_probes = Snapshot(known.shared.origins, {}, now)
    ejections = _ejections(known.failures)
    by_traffic = Snapshot(known.shared.origins, ejections, now)
    moment = _Moment(by_probes, by_traffic, ejections, known)
    users = _users(config)
    probed = known.shared.probed
    return {
        "at": rfc3339(now),
        "version": known.version,
        "probed": _at(probed),
        "probe_age": round(max(now - probed, 0.0), 1) if probed else None,
        "warnings": _warnings(config, known, now),
        "load_balancers": [_load_balancer(lb, moment) for lb in config.load_balancers],
        "pools": [_pool(pool, users[pool.name], moment) for pool in config.pools],
        "events": list(known.events),
    }


def _users(config: Config) -> dict[str, list[LoadBalancer]]:
    """Return the load balancers that use each pool, by its name."""
    users: dict[str, list[LoadBalancer]] = {pool.name: [] for pool in config.pools}
    for lb in config.load_balancers:
        for pool in lb.watched:
            users[pool.name].append(lb)
    return users


def _warnings(config: Config, known: Known, now: float) -> list[dict[str, str]]:
    found = [{"kind": "message", "message": one} for one in known.messages]
    stalled = TrustedView(config, borders(config)).take(known.shared, now)
    if stalled is not None:
        age = lasting(now - known.shared.probed)
        message = f"no probe was made for {age}: what is shown here of health may be out of date"
        found.insert(0, {"kind": "prober_stalled", "message": message})
    return found


def _ejections(failures: Mapping[OriginKey, TrafficFailure]) -> dict[OriginKey, EjectionState]:
    """Return the ejections that isolates have reported; each isolate ejects for itself."""
    return {
        key: EjectionState(failures=1, since=failed.at, until=failed.until)
        for key, failed in failures.items()
        if failed.until
    }


def _load_balancer(lb: LoadBalancer, moment: _Moment) -> dict[str, Any]:
    usual = {pool.name for pool in (*lb.default_pools, lb.fallback_pool)}
    return {
        "name": lb.name,
        "description": lb.description,
        "enabled": lb.enabled,
        "health": load_balancer_health(lb, moment.by_probes).value,
        "steering_policy": lb.steers_by.value,
        "session_affinity": lb.session_affinity.value,
        "drain_duration": max(drains(lb)),
        "default_pools": [pool.name for pool in lb.default_pools],
        "fallback_pool": lb.fallback_pool.name,
        "other_pools": [pool.name for pool in lb.watched if pool.name not in usual],
        "read_only": moment.known.read_only("load_balancers", lb.name),
    }


def _pool(pool: Pool, users: Sequence[LoadBalancer], moment: _Moment) -> dict[str, Any]:
    health = moment.by_probes.view(pool).health
    drain = max((seconds for lb in users for seconds in drains(lb)), default=0)
    off = switched_off(pool, moment.now)
    standing = off and (
        Standing.DRAINING if off.drains(drain, moment.now) else OFF_STANDS_AS[off.why]
    )
    state = health.value if standing is None else standing.value
    reason = _Reason() if off is None else _off(pool, off, drain, moment.now)
    origins = [_origin(one, drain, moment) for one in pool.origins]
    return {
        "name": pool.name,
        "description": pool.description,
        "enabled": pool.enabled,
        "health": health.value,
        **_stands(state, reason),
        "minimum_origins": pool.minimum_origins,
        "available_origins": sum(one["takes_new"] for one in origins) if off is None else 0,
        "monitor": _watch(pool),
        "load_balancers": [lb.name for lb in users],
        "read_only": moment.known.read_only("pools", pool.name),
        "origins": origins,
    }


def _watch(pool: Pool) -> dict[str, Any] | None:
    watch = pool.watched_by
    if watch is None:
        return None
    kind = pool.monitor.type.value if pool.monitor is not None else "group"
    return {"name": watch.name, "type": kind, "interval": watch.interval}


def _origin(origin: Origin, drain: float, moment: _Moment) -> dict[str, Any]:
    known, health = moment.known, moment.by_probes.health(origin)
    standing = moment.by_traffic.standing(origin, drain)
    failed = known.failures.get(origin.key)
    usual = min((seconds for _, seconds in health.latencies), default=None)
    latency = known.latencies.get(origin.key, usual)
    return {
        "name": origin.name,
        "address": origin.address,
        "enabled": origin.enabled,
        "weight": origin.weight,
        **_stands(standing.value, REASONS[standing](origin, drain, moment)),
        "takes_new": TAKES_NEW[standing],
        "health": health.health.value,
        "health_since": _at(health.since),
        "cause": "" if health.cause == NO_FAILURES else health.cause,
        "checked": _at(health.checked),
        "latency_ms": None if latency is None else round(latency * 1000, 1),
        "failed": failed and {"at": rfc3339(failed.at), "cause": failed.cause},
        **known.traffic.get(origin.key, {}),
    }


def _stands(state: str, reason: _Reason) -> dict[str, Any]:
    return {"state": state, **reason._asdict()}


def _available(origin: Origin, _drain: float, moment: _Moment) -> _Reason:
    health = moment.by_probes.health(origin)
    if health.health is not Health.UNKNOWN:
        return _Reason("", _at(health.since))
    latest = "" if health.cause in {"", NO_FAILURES} else f" ({health.cause})"
    return _Reason(f"nothing is known of its health{latest}", _at(health.since))


def _weightless(origin: Origin, _drain: float, moment: _Moment) -> _Reason:
    return _Reason("its weight is 0", _at(moment.by_probes.health(origin).since))


def _unhealthy(origin: Origin, _drain: float, moment: _Moment) -> _Reason:
    health = moment.by_probes.health(origin)
    return _Reason(health.cause, _at(health.since))


def _ejected(origin: Origin, _drain: float, moment: _Moment) -> _Reason:
    state, failed = moment.ejections[origin.key], moment.known.failures[origin.key]
    why = f"a request to it failed: {failed.cause}"
    return _Reason(why, _at(state.since), _at(state.until))


def _switched_off(origin: Origin, drain: float, moment: _Moment) -> _Reason:
    off = switched_off(origin, moment.now)
    if off is None:
        return _Reason()
    reason = _off(origin, off, drain, moment.now)
    return reason if reason.since else reason._replace(since=_noticed(origin, moment.known.events))


def _noticed(origin: Origin, events: Sequence[Mapping[str, Any]]) -> str | None:
    """Return when an origin that is disabled without a time was first seen to be disabled."""
    for event in events:
        for one in event["origins"] if event["pool"]["name"] == origin.pool else ():
            if one["name"] == origin.name and one["changed"]:
                return event["timestamp"] if not one["enabled"] else None
    return None


REASONS: Mapping[Standing, Callable[[Origin, float, _Moment], _Reason]] = {
    Standing.AVAILABLE: _available,
    Standing.NO_WEIGHT: _weightless,
    Standing.EJECTED: _ejected,
    Standing.UNHEALTHY: _unhealthy,
    Standing.DRAINING: _switched_off,
    Standing.MAINTENANCE: _switched_off,
    Standing.DISABLED: _switched_off,
}


def _off(one: Origin | Pool, off: SwitchedOff, drain: float, now: float) -> _Reason:
    """Return why, since when and until when an origin or a pool is switched off or drained."""
    since = _at(off.since) if isfinite(off.since) else None
    if off.drains(drain, now):
        why = f"{off.why.value}, and keeps its sessions"
        return _Reason(why, since, _at(off.since + drain))
    ends = [window.end for window in one.maintenance if window.start <= now < window.end]
    until = max(ends, default=0.0) if off.why is Off.MAINTENANCE else 0.0
    return _Reason("", since, _at(until))


def _at(seconds: float) -> str | None:
    return rfc3339(seconds) if seconds else None
