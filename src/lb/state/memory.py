"""An isolate's own state: health, ejections, and the snapshot that requests read."""

from __future__ import annotations

from collections import deque
from math import inf
from typing import TYPE_CHECKING

from lb.health.blame import Count
from lb.health.ejection import CUT_OFF, Ejections, reached
from lb.health.in_flight import InFlight
from lb.health.maintenance import switches
from lb.health.quiet import Suspects
from lb.health.rounds import Leases, Rounds
from lb.health.slow_start import Past, changes_at, latest_return, share
from lb.health.snapshot import Snapshot
from lb.health.verdict import FailureReport, OriginHealth
from lb.model.identity import identity_of
from lb.model.watched import used_pools
from lb.state.trust import TrustedView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.health.blame import Failure
    from lb.health.verdict import Verdict
    from lb.log_events import (
        Event,
        HealthChanged,
        LastOriginKept,
        OriginEjected,
        OriginRestored,
    )
    from lb.model import Config, LoadBalancer, Origin, OriginKey, Watch
    from lb.state.shared_view import SharedHealth

LEASE = 30.0
"""Seconds after which a probe without a verdict counts as lost: the runtime drops background work
at about that age (https://developers.cloudflare.com/workers/runtime-apis/context/#waituntil)."""

MOST_PROBES_AT_ONCE = 20
"""Origins probed behind one response, with room for retries: a request has 50 subrequests on the
free plan (https://developers.cloudflare.com/workers/platform/limits/#subrequests)."""

PAUSE = 0.25
"""Seconds until the next probes where more are due at once: requests share a thread with probes,
which cost more than they do."""

MOST_REPORTS = 100
"""Most failures of real traffic that are kept for the next report; the oldest go first."""

MOST_NEWS = 100
"""Most events that are kept for the log; the oldest go first."""


class Memory:
    """Plain data and no I/O: every method takes the time, and returns what happened.

    Requests of one isolate share it, so nothing in it may be an asyncio object: a future of one
    request, awaited by another, hangs.
    """

    def __init__(self, config: Config, before: Memory | None = None) -> None:
        """`before`: the memory of the configuration that served until now."""
        self.reports: deque[FailureReport] = deque(maxlen=MOST_REPORTS)
        """Failures of real traffic, to be reported to the Durable Object."""
        self.news: deque[Event] = deque(maxlen=MOST_NEWS)
        """Events without a request, to be logged behind the next response."""
        self.in_flight = InFlight()
        """Requests under way, without those of load balancers with a single origin."""
        self.suspects = Suspects(self.news)
        self._config = config
        self._fingerprint = ""
        self._leases = Leases(LEASE)
        self._rounds = Rounds(config, self._leases, most=MOST_PROBES_AT_ONCE)
        self._snapshot: Snapshot | None = None
        self._returned: Mapping[OriginKey, float] = {}
        """Times at which changes of the configuration brought origins back."""
        self._pools = used_pools(config)
        self._ejections = Ejections(config, self._pools, self.snapshot, self._stale, self.suspects)
        self._switches_noted = inf
        self._view = TrustedView(config, self._rounds.borders)
        self._next_due = 0.0 if self._rounds.watched else inf
        if before is not None:
            self._take_over(before)

    def _take_over(self, before: Memory) -> None:
        """Take over the state of origins whose address has not changed.

        Attempts that are under way report to the memory that they began with, so both share what
        is counted meanwhile.
        """
        self.reports, self.news = before.reports, before.news
        self.in_flight, self.suspects = before.in_flight, before.suspects
        self._ejections.suspects = self.suspects
        urls = {one.key: one.url for pool in before._pools.values() for one in pool.origins}
        still_there = [
            origin.key
            for pool in self._pools.values()
            for origin in pool.origins
            if urls.get(origin.key) == origin.url
        ]
        self._rounds.take_over(before._rounds, still_there)
        for key in still_there:
            if key in before._ejections.states:
                self._ejections.states[key] = before._ejections.states[key]

    def snapshot(self, now: float) -> Snapshot:
        """Return the snapshot that requests share, made anew when something changed or expired."""
        self.suspects.now = now
        if self._snapshot is None or now >= self._snapshot.valid_until:
            self._snapshot = self._made(now)
            if self._rounds.borders:
                self._note_switches(now)
        return self._snapshot

    def succeeded(
        self, lb: LoadBalancer, origin: Origin, started: float, now: float
    ) -> OriginRestored | None:
        """Record a good answer to an attempt begun at `started`; it may restore the origin."""
        state = self._ejections.states.get(origin.key)
        return self._ejections.succeeded(lb, origin, state, started, now) if state else None

    def failed(
        self, lb: LoadBalancer, origin: Origin, failure: Failure, started: float, now: float
    ) -> OriginEjected | LastOriginKept | None:
        """Record the failure of an attempt begun at `started`; it may eject the origin."""
        change = self._ejections.failed(lb, origin, failure, started, now)
        if failure.count is not Count.NOTHING:
            self._report(origin, failure.cause, now)
        return change

    def gives_up(self, lb: LoadBalancer, origin: Origin) -> bool:
        """Whether an origin has failed as often as ejects, even if ejections are off."""
        state = self._ejections.states.get(origin.key)
        return state is not None and reached(state, lb.ejection)

    def in_doubt(self, lb: LoadBalancer, origin: Origin, path: str, now: float) -> None:
        """Suspect an origin whose connection has failed, while the request is tried elsewhere."""
        self._ejections.in_doubt(lb, origin, path, now)

    def cut_off(
        self, lb: LoadBalancer, origin: Origin, now: float, *, certain: bool
    ) -> OriginEjected | LastOriginKept | None:
        """Record that an origin cut off an answer; `certain`: its path is not to blame."""
        change = self._ejections.cut_off(lb, origin, now, certain=certain)
        self._report(origin, CUT_OFF, now)
        return change

    def delivered(self, key: OriginKey, now: float) -> None:
        """Record that an origin does not cut off answers, of which it was suspected."""
        self._ejections.delivered(key, now)

    def _report(self, origin: Origin, cause: str, now: float) -> None:
        """Keep a failure for the Durable Object, with the ejection that it led to."""
        state = self._ejections.states.get(origin.key)
        until = state.until if state is not None and now < state.until else 0.0
        self.reports.append(
            FailureReport(pool=origin.pool, origin=origin.name, cause=cause, at=now, until=until)
        )

    def take_reports(self) -> list[FailureReport]:
        """Return the failures since the last call."""
        taken = list(self.reports)
        self.reports.clear()
        return taken

    def take_news(self) -> list[Event]:
        """Return the news since the last call."""
        taken = list(self.news)
        self.news.clear()
        return taken

    def observe(
        self, origin: Origin, monitor: Watch, verdict: Verdict, now: float
    ) -> HealthChanged | None:
        """Take a monitor's verdict; the origin is due again an interval after the probe began.

        While the shared view is trusted, it overrules verdicts on the origins that it names.
        """
        if not self._leases.ended(origin.key):
            self._rounds.asked[origin.key] = now
        shared = self._view.shared
        if shared is not None and self._view.trusted and origin.key in shared.origins:
            return None
        self._next_due = min(self._next_due, self._rounds.due_at(origin, monitor))
        seen = self._rounds.observe(origin, monitor, verdict, now)
        self._note(seen.before, seen.after)
        self.news.extend(seen.monitors)
        return seen.health

    def adopt(self, shared: SharedHealth, now: float) -> None:
        """Take the shared view, and add news when trust in it is lost or restored.

        While it is fresh, the isolate sends no probes. From a stale one, only health that is newer
        than the isolate's own is taken. Origins that it does not name keep their health. A view of
        another configuration is ignored.
        """
        self._fingerprint = self._fingerprint or identity_of(self._config)
        if shared.fingerprint != self._fingerprint or not self._view.is_news(shared):
            return
        trusted, held = self._view.trusted, self._view.shared
        change = self._view.take(shared, now)
        if change is not None:
            self.news.append(change)
        if shared.returned != self._returned:
            self._returned = shared.returned
            self._stale()
        same = trusted and held is not None and held.version == shared.version
        if not same:
            for key, health in shared.origins.items():
                known = self._rounds.health.get(key)
                if key[0] not in self._pools or known == health:
                    continue
                if self._view.trusted or known is None or known.checked < health.checked:
                    self._rounds.health[key] = health
                    self._note(known or OriginHealth(), health)
        if self._rounds.watched:
            self._next_due = self._view.ends(now) if self._view.trusted else 0.0

    def due(self, now: float) -> list[tuple[Origin, Watch]]:
        """Return the origins whose probe is due, each once until its verdict or lease ends.

        Costs one comparison while nothing is due. While a shared view is trusted, nothing is.
        """
        if now < self._next_due:
            return []
        if self._view.trusted and self._rounds.switched_on(now):
            if now < self._view.ends(now):
                self._next_due = self._view.ends(now)
                return []
            stalled = self._view.lose(now)
            if stalled is not None:
                self.news.append(stalled)
        due = self._rounds.due(now)
        next_at = self._rounds.next_at(now)
        if next_at <= now:
            next_at = now + PAUSE
        self._next_due = min(next_at, self._rounds.next_border(now))
        return due

    def _note(self, before: OriginHealth, after: OriginHealth) -> None:
        """Drop the snapshot where requests must see a change."""
        if (before.health, before.recovered, before.latencies) != (
            after.health,
            after.recovered,
            after.latencies,
        ):
            self._snapshot = None

    def _stale(self) -> None:
        self._snapshot = None

    def _made(self, now: float) -> Snapshot:
        until = self._rounds.next_border(now)
        shares = {}
        for pool, seconds in self._ejections.slow_start.items():
            for origin in self._pools[pool].origins:
                start = latest_return(self._past_of(origin), now)
                if now < start + seconds:
                    shares[origin.key] = share(start, seconds, now)
                    until = min(until, changes_at(start, seconds, now))
        return Snapshot(
            dict(self._rounds.health),
            dict(self._ejections.states),
            now,
            shares=shares,
            until=until,
            in_flight=self.in_flight,
            suspects=self.suspects,
        )

    def _past_of(self, origin: Origin) -> Past:
        key = origin.key
        return Past(
            origin,
            self._rounds.health.get(key),
            self._ejections.states.get(key),
            self._returned.get(key, -inf),
        )

    def _note_switches(self, now: float) -> None:
        """Add news of what maintenance has switched."""
        before, self._switches_noted = self._switches_noted, now
        if self._rounds.next_border(before) <= now:
            self.news += switches(self._pools.values(), before, now)
