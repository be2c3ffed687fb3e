"""What an isolate remembers: health, ejections, and the snapshot that requests read."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING

from lb.availability import EjectionState, Snapshot
from lb.events import OriginEjected, OriginRestored
from lb.health import OriginHealth, observe

if TYPE_CHECKING:
    from lb.events import Event, HealthChanged
    from lb.failover import Judgement
    from lb.health import Verdict
    from lb.model import Config, LoadBalancer, Monitor, Origin

LEASE = 30.0
"""Seconds after which a probe that never reported is taken for lost: the runtime ends background
work at about that age (https://developers.cloudflare.com/workers/runtime-apis/context/#waituntil)."""

MOST_PROBES_AT_ONCE = 20
"""Origins probed behind one response, retries left for: a request has 50 subrequests on the
free plan (https://developers.cloudflare.com/workers/platform/limits/#subrequests)."""


class Memory:
    """Plain data and no I/O: every method takes the time and returns what happened.

    Nothing in here may be an asyncio object: requests of one isolate share it, and a future of
    one request awaited by another hangs.
    """

    def __init__(self, config: Config) -> None:
        self._health: dict[tuple[str, str], OriginHealth] = {}
        self._ejections: dict[tuple[str, str], EjectionState] = {}
        self._snapshot: Snapshot | None = None
        used = {pool.name: pool for lb in config.load_balancers for pool in lb.pools}
        self._pools = used
        self._monitored = [
            (origin, pool.monitor)
            for pool in used.values()
            if pool.monitor is not None and pool.enabled
            for origin in pool.origins
            if origin.enabled
        ]
        self._due_at: dict[tuple[str, str], float] = {}
        self._next_due = 0.0 if self._monitored else float("inf")

    def snapshot(self, now: float) -> Snapshot:
        """Return what is known, made anew only when something changed or time ended something."""
        if self._snapshot is None or now >= self._snapshot.valid_until:
            self._snapshot = Snapshot(dict(self._health), dict(self._ejections), now)
        return self._snapshot

    def record(
        self, lb: LoadBalancer, origin: Origin, judgement: Judgement, started: float, now: float
    ) -> Event | None:
        """Note how an attempt that began at `started` went, and eject or restore its origin."""
        state = self._ejections.get(origin.key)
        if not judgement.failed:
            return self._succeeded(lb, origin, state, started, now) if state else None
        if not judgement.blames_origin:
            return None
        return self._failed(lb, origin, state or EjectionState(), judgement.cause, now)

    def _succeeded(
        self, lb: LoadBalancer, origin: Origin, state: EjectionState, started: float, now: float
    ) -> OriginRestored | None:
        if started < state.since:
            return None  # an answer to a request older than the ejection proves nothing
        del self._ejections[origin.key]
        if now >= state.until:
            return None
        self._snapshot = None
        return OriginRestored(load_balancer=lb.name, pool=origin.pool, origin=origin.name)

    def _failed(
        self, lb: LoadBalancer, origin: Origin, state: EjectionState, cause: str, now: float
    ) -> OriginEjected | None:
        failures, seconds = state.failures + 1, lb.ejection.base_time
        few = failures < lb.ejection.consecutive_failures
        if not seconds or few or not self._may_eject(lb, origin, now):
            self._ejections[origin.key] = replace(state, failures=failures)
            return None
        self._ejections[origin.key] = EjectionState(
            failures=failures, since=now, until=now + seconds
        )
        self._snapshot = None
        if now < state.until:
            return None
        return OriginEjected(
            load_balancer=lb.name,
            pool=origin.pool,
            origin=origin.name,
            cause=cause,
            seconds=seconds,
        )

    def _may_eject(self, lb: LoadBalancer, origin: Origin, now: float) -> bool:
        """At most max_percent of a pool's enabled origins are out at once, and one always may."""
        if lb.ejection.max_percent >= 100:
            return True
        peers = [one.key for one in self._pools[origin.pool].origins if one.enabled]
        nobody = EjectionState()
        out = sum(
            now < self._ejections.get(key, nobody).until for key in peers if key != origin.key
        )
        return out < max(1, ceil(len(peers) * lb.ejection.max_percent / 100 - 1e-9))

    def observe(
        self, origin: Origin, monitor: Monitor, verdict: Verdict, now: float
    ) -> HealthChanged | None:
        """Take a monitor's verdict; the origin is due again an interval from now."""
        before = self._health.get(origin.key, OriginHealth())
        after, changed = observe(origin, monitor, before, verdict, now)
        self._health[origin.key] = after
        if after.health is not before.health:
            self._snapshot = None
        self._due_at[origin.key] = now + monitor.interval
        self._next_due = min(self._next_due, now + monitor.interval)
        return changed

    def due(self, now: float) -> list[tuple[Origin, Monitor]]:
        """Return the origins whose probe is due, and keep them from being returned again meanwhile.

        Costs one comparison while nothing is due.
        """
        if now < self._next_due:
            return []
        due = [
            (origin, monitor)
            for origin, monitor in self._monitored
            if now >= self._due_at.get(origin.key, 0.0)
        ][:MOST_PROBES_AT_ONCE]
        for origin, _ in due:
            self._due_at[origin.key] = now + LEASE
        self._next_due = min(self._due_at.get(origin.key, 0.0) for origin, _ in self._monitored)
        return due
