"""The health that isolates share: due probes, their verdicts, and the row that is stored."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any

from lb.base.stored_json import as_text, as_time, each
from lb.health.events import changes, status_of
from lb.health.rounds import PROBES_IN_AN_ALARM, Rounds
from lb.health.slow_start import in_service, slow_starts
from lb.health.verdict import OriginHealth, code_of, differ
from lb.log_events import Trouble
from lb.metrics.object_totals import ObjectTotals
from lb.metrics.text.families import CurrentState
from lb.model import Health
from lb.object.event_log import EventLog
from lb.object.failure_reports import FailureReports
from lb.object.known import Known, TrafficFailure
from lb.object.stored import StoredRow, row_from_json, row_to_json
from lb.state.pull import health_answer, read_question
from lb.state.pull_times import next_pull, refresh_of
from lb.state.shared_view import NOTHING_SHARED, SharedHealth

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.health.events import Status
    from lb.health.verdict import Verdict
    from lb.model import Config, Origin, OriginKey, Region, Watch
    from lb.notify.ports import Teller
    from lb.ports import Clock, Log, Sql

MOST_REPORTS = 100
"""Failure reports that are read in one call."""

EVENTS_SHOWN = 25

TOGETHER = 0.5
"""Seconds within which due probes join one round: each round is a row written."""

# The key is SQLite's own row number: any other key would be an index, which counts as one more row
# written (https://developers.cloudflare.com/durable-objects/platform/pricing/).
_TABLE = "CREATE TABLE IF NOT EXISTS kept (id INTEGER PRIMARY KEY, value TEXT NOT NULL)"
_READ = "SELECT value FROM kept WHERE id = ?"
_WRITE = (
    "INSERT INTO kept (id, value) VALUES (?, ?) "
    "ON CONFLICT (id) DO UPDATE SET value = excluded.value"
)
_HEALTH_ROW = 0


class Keeper:
    """The health of one configuration, for all isolates: plain data and one row in SQLite.

    The object may be evicted between any two calls. What must survive that is in the row, which is
    written once a round; the rest, such as failure reports, may be lost.
    """

    def __init__(  # noqa: PLR0913 (one for each port)
        self,
        config: Config,
        fingerprint: str,
        *,
        sql: Sql,
        clock: Clock,
        log: Log,
        teller: Callable[[str], Teller] | None = None,
    ) -> None:
        self._sql = sql
        self._clock = clock
        self._log = log
        self._config = config
        self._fingerprint = fingerprint
        self._pools = {pool.name: pool for pool in config.pools}
        self._refresh = refresh_of(config)
        self._slow_starts = slow_starts(config)
        self._reports = FailureReports()
        self._rounds = Rounds(config, self._reports, most=PROBES_IN_AN_ALARM, together=TOGETHER)
        self._shared_latencies: dict[OriginKey, tuple[tuple[str, float], ...]] = {}
        """Latencies at the latest version of the shared view."""
        self._failures: dict[OriginKey, TrafficFailure] = {}
        self._codes: dict[OriginKey, int] = {}
        sql(_TABLE)
        self._events = EventLog(sql)
        kept = self._load()
        self.totals = ObjectTotals(config, sql=sql, log=log, probed=kept.probed)
        """Counts of isolates and of probes."""
        self._stored = ""
        self.teller = teller(kept.notifications) if teller else None
        """Sends notifications; None without any."""
        known = kept.shared or NOTHING_SHARED
        for key, (origin, _) in self._rounds.watched.items():
            if asked := kept.asked.get((*key, origin.url)):
                self._rounds.asked[key] = asked
                if key in known.origins:
                    self._rounds.restore(key, known.origins[key])
        self._version, self._probed = known.version, known.probed
        self._noted = kept.noted or clock()
        then = status_of(config, self._rounds.health, self._noted)
        self._status = _as_it_was(then, kept.disabled)
        another = known.fingerprint != fingerprint
        self._in_service = in_service(config, kept.in_service, clock(), changed=another)
        if another:
            self._changed()
        if self._in_service != kept.in_service:
            self.store()

    @property
    def next_at(self) -> float | None:
        """When the next round must begin; None: nothing to do."""
        # Maintenance switches without a probe.
        at = min(self._rounds.next_at(self._clock()), self._rounds.next_border(self._noted))
        if self.teller is not None and self.teller.next_at is not None:
            at = min(at, self.teller.next_at)
        return None if at == inf else at

    def shared(self) -> SharedHealth:
        """Return the view that isolates share."""
        return SharedHealth(
            version=self._version,
            fingerprint=self._fingerprint,
            probed=self._probed,
            origins=dict(self._rounds.health),
            returned=self._returned(),
        )

    @property
    def config(self) -> Config:
        return self._config

    def remember(self, before: Keeper) -> None:
        """Take over what is in the memory of the previous configuration's keeper alone."""
        self._failures = {
            key: failed for key, failed in before._failures.items() if key in self._rounds.watched
        }

    def known(self) -> Known:
        """Return what operators are shown, beside the configuration."""
        return Known(
            shared=self.shared(),
            failures=self._failures,
            latencies=self.totals.latest,
            codes=self._codes,
            events=self._events.latest(EVENTS_SHOWN),
        )

    def pull(self, text: str) -> str:
        """Answer an isolate: the shared view, or the time of the latest round if it has the view.

        The question has the isolate's version, its failure reports and its counts
        (lb.state.pull). Further lines acknowledge the counts and say when to ask again.
        """
        asked, now = read_question(text), self._clock()
        self._take_reports(asked.reports)
        stored = self.totals.receive(asked.counts, now)
        fixed = self._config.state.refresh is not None
        again = next_pull(self._rounds.next_changes(now), self._refresh, now, fixed=fixed)
        return health_answer(asked, self.shared(), stored, again)

    def current_state(self, version: int) -> CurrentState:
        """Return the gauges of the metrics; `version` is the configuration's."""
        return CurrentState(
            config=self._config,
            health=self._rounds.health,
            now=self._clock(),
            round_at=self._probed,
            events=self._events.count,
            version=version,
        )

    def begin_round(self) -> list[tuple[Origin, Watch]]:
        """Return the origins that an alarm going off now has to probe."""
        now = self._clock()
        self.totals.record_alarm(self.next_at, now)
        return self._rounds.due(now)

    def check_regions(self, origin: Origin) -> tuple[Region, ...]:
        """Return the regions that an origin is probed from; none: from here."""
        return self._pools[origin.pool].check_regions

    def take(self, origin: Origin, watch: Watch, verdict: Verdict) -> None:
        """Take a round's verdict on an origin."""
        now = self._clock()
        seen = self._rounds.observe(origin, watch, verdict, now)
        self.totals.record_probe(origin, seen.verdict, now)
        self._codes[origin.key] = code_of(verdict)
        for change in (seen.health, *seen.monitors):
            if change is not None:
                self._log(change)
        shared = self._shared_latencies.get(origin.key, ())
        if seen.health is not None or differ(shared, seen.after.latencies):
            self._changed()
            self._shared_latencies[origin.key] = seen.after.latencies

    def end_round(self, *, probed: bool) -> None:
        """Log, count and store a round's results; `probed`: whether anything was due."""
        now = self._clock()
        if probed:
            self._probed = now
        self._note_changes(now)
        self.totals.record_round(self._rounds.health, now)
        self.store()

    def store(self) -> None:
        """Write the row, if it has changed."""
        self._in_service = in_service(self._config, self._in_service, self._clock(), changed=False)
        text = row_to_json(
            StoredRow(
                shared=self.shared(),
                asked={
                    (*key, origin.url): self._rounds.asked.get(key, 0.0)
                    for key, (origin, _) in self._rounds.watched.items()
                },
                noted=self._noted,
                disabled=_disabled_in(self._status),
                in_service=self._in_service,
                notifications=self.teller.to_json() if self.teller is not None else "",
                probed=self.totals.probes_text(),
            )
        )
        if text != self._stored:
            self._sql(_WRITE, _HEALTH_ROW, text)
            self._stored = text

    def _note_changes(self, now: float) -> None:
        """Pass on the changes of health and configuration since the last call."""
        status = status_of(self._config, self._rounds.health, now)
        for event in changes(self._status, status, now):
            self._events.append(event)
            if self.teller is not None:
                self.teller.note(event)
        self._status, self._noted = status, now

    def _returned(self) -> dict[OriginKey, float]:
        """Return when the configuration brought origins back whose slow start is not over."""
        slow, now = self._slow_starts, self._clock()
        return {
            (pool, origin): since
            for (pool, origin, _), since in self._in_service.items()
            if now < since + slow[pool]
        }

    def _changed(self) -> None:
        # At least the time, so that no version comes twice, even after a loss of the storage.
        self._version = max(self._version + 1, int(self._clock()))

    def _take_reports(self, reports: list[list[Any]]) -> None:
        """Make origins due that failed real traffic after their latest probe.

        An unhealthy origin waits for its interval.
        """
        for key, failure in each(reports[:MOST_REPORTS], _reported):
            if key not in self._rounds.watched:
                continue
            before = self._failures.get(key, failure)
            self._failures[key] = failure._replace(until=max(failure.until, before.until))
            known = self._rounds.health.get(key, OriginHealth()).health
            new = failure.at > self._rounds.asked.get(key, 0.0)
            if new and known is not Health.UNHEALTHY:
                self._reports.add(key)

    def _load(self) -> StoredRow:
        """Return the stored row; an empty one if it cannot be read."""
        try:
            found = self._sql(_READ, _HEALTH_ROW)
            return row_from_json(str(found[0]["value"])) if found else StoredRow()
        except Exception as error:  # noqa: BLE001 (whatever the storage says, probing goes on)
            self._log(Trouble(message=f"the stored health cannot be read: {type(error).__name__}"))
            return StoredRow()


def _reported(row: list[Any]) -> tuple[OriginKey, TrafficFailure]:
    pool, origin, cause, at, *ejected = row
    until = as_time(ejected[0]) if ejected else 0.0
    return (as_text(pool), as_text(origin)), TrafficFailure(as_time(at), as_text(cause), until)


def _disabled_in(status: Status) -> frozenset[tuple[str, ...]]:
    pools = {(pool.name,) for pool in status.values() if not pool.enabled}
    origins = {
        (pool.name, one.name) for pool in status.values() for one in pool.origins if not one.enabled
    }
    return frozenset(pools | origins)


def _as_it_was(status: Status, disabled: frozenset[tuple[str, ...]]) -> Status:
    """Return a status in which these pools and origins are the disabled ones."""
    return {
        name: replace(
            pool,
            enabled=(name,) not in disabled,
            origins=tuple(
                replace(one, enabled=(name, one.name) not in disabled) for one in pool.origins
            ),
        )
        for name, pool in status.items()
    }
