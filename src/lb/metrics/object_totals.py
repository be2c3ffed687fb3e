"""The totals of all isolates and probes in the Durable Object: one row, rarely written."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lb.base.stored_json import as_int, as_text, as_time, document, each, or_else
from lb.health.snapshot import Snapshot, load_balancer_health
from lb.log_events import Trouble
from lb.metrics.charts import chart
from lb.metrics.history import history, shares
from lb.metrics.labels import labelled
from lb.metrics.probes import Probed, probe_seconds, probed_from_json, probed_to_json
from lb.metrics.rings import PROBE_TIMES, Rings
from lb.metrics.text.families import Handover, families
from lb.metrics.text.openmetrics import text_of
from lb.metrics.totals import OTHER, Totals

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from lb.health.verdict import OriginHealth, Verdict
    from lb.metrics.rings import Subject
    from lb.metrics.text.families import CurrentState
    from lb.model import Config, Origin, OriginKey, State
    from lb.ports import Log, Sql

STORED_EVERY = 60.0
"""Shortest time in seconds between two writes of the row."""

REFRESHES = 2
"""The same as a multiple of an explicit `refresh`, for isolates that hand over more often."""

MOST_ISOLATES = 500
"""Most isolates whose latest numbers are kept; the least recently seen one is dropped first."""

ACTIVE = 300.0
"""Seconds since its latest stored hand-over in which an isolate counts as active."""

LONGEST_TEXT = 200_000
"""Length in characters from which the row is compressed."""

LONGEST_ROW = 1_900_000
"""Longest row in characters: a row may have 2 MB
(https://developers.cloudflare.com/durable-objects/platform/limits/)."""

# The key is SQLite's own row number, as in keeper.py.
_TABLE = "CREATE TABLE IF NOT EXISTS metrics (id INTEGER PRIMARY KEY, value TEXT NOT NULL)"
_READ = "SELECT value FROM metrics WHERE id = 0"
_WRITE = (
    "INSERT INTO metrics (id, value) VALUES (0, ?) "
    "ON CONFLICT (id) DO UPDATE SET value = excluded.value"
)


@dataclass(frozen=True, slots=True)
class Received:
    """A hand-over of an isolate that is not stored yet."""

    number: int
    counted: Totals


class ObjectTotals:
    """The totals of all isolates, in the one object that stores them. It may be evicted any time.

    A hand-over is acknowledged once it is stored, and repeated by its isolate until then. Counters
    contain stored counts only, so that they never decrease; charts show new ones at once.
    """

    def __init__(self, config: Config, *, sql: Sql, log: Log, probed: str = "") -> None:
        """`probed` is the latest result of `probes_text`."""
        self._config = config
        self._sql = sql
        self._log = log
        self._gap = stored_every(config.state)
        self._origins = {one.key: one for pool in config.pools for one in pool.origins}
        self._probed = probed_from_json(probed, self._origins)
        self._received: dict[str, Received] = {}
        self._changed = False
        sql(_TABLE)
        found = document(unpacked(self._load()))
        self._total = Totals.from_rows(found.get("counted"))
        self._rings = Rings.from_rows(found.get("rings"))
        self._rings.retain(_subjects(config))
        self._isolates = dict(each(found.get("isolates"), _isolate))
        self._late = or_else(as_time, found.get("late"), None)
        self._stored = or_else(as_time, found.get("stored"), 0.0)
        self._drop_unconfigured()

    def receive(self, offered: object, now: float) -> int | None:
        """Accept a hand-over; return the number of the isolate's latest stored one.

        Returns None for anything else. A repeated hand-over changes nothing.
        """
        if not isinstance(offered, dict):
            return None
        isolate, number = offered.get("isolate"), offered.get("number")
        if not isinstance(isolate, str) or not 0 < len(isolate) <= 64 or type(number) is not int:
            return None
        stored = self._isolates.get(isolate, (0, 0.0))[0]
        pending = self._received.get(isolate)
        if number > stored and (pending is None or pending.number != number):
            counted = Totals.from_rows(offered)
            self._received[isolate] = Received(number, counted)
            since = or_else(as_time, offered.get("since"), 0.0) or now
            chart(self._rings, counted, min(since, now), now)
        self.store_if_due(now)
        return self._isolates.get(isolate, (0, 0.0))[0]

    def record_probe(self, origin: Origin, verdict: Verdict, now: float) -> None:
        """Record the verdict of a round of probes on an origin."""
        self._probed[origin.key] = self._probed.get(origin.key, Probed()).after(verdict)
        took = probe_seconds(verdict) if verdict.passed and verdict.conclusive else None
        if took is not None:
            self._rings.add_times(origin.key, PROBE_TIMES, (took, 1), now, now)

    def record_round(self, health: Mapping[OriginKey, OriginHealth], now: float) -> None:
        """Record the state of all load balancers and origins after a round of probes."""
        snapshot = Snapshot(health, {}, now)
        for lb in self._config.load_balancers:
            self._rings.record_state((lb.name,), load_balancer_health(lb, snapshot).value, now)
        for pool in self._config.pools:
            for origin in pool.origins:
                state = snapshot.health(origin).health.value
                if not snapshot.is_on(pool, origin):
                    state = "disabled"
                self._rings.record_state(origin.key, state, now)
        self._changed = True
        self.store_if_due(now)

    def record_alarm(self, due: float | None, now: float) -> None:
        """Record the delay of an alarm."""
        self._late = max(now - due, 0.0) if due is not None else None

    def probes_text(self) -> str:
        """Return the counts of probes, to be stored with the health."""
        return probed_to_json(self._probed)

    @property
    def latest(self) -> dict[OriginKey, float]:
        """Duration in seconds of the latest passed probe of each origin."""
        return {key: one.latest for key, one in self._probed.items() if one.passed}

    def store_if_due(self, now: float) -> None:
        """Add and store what is new, unless the row was written too recently."""
        if not (self._received or self._changed) or now < self._stored + self._gap:
            return
        for isolate, received in self._received.items():
            self._total.merge(received.counted)
            self._isolates[isolate] = (received.number, now)
        while len(self._isolates) > MOST_ISOLATES:
            del self._isolates[min(self._isolates, key=lambda one: self._isolates[one][1])]
        self._received.clear()
        self._changed = False
        self._stored = now
        self._sql(_WRITE, self._text(now))

    def text(self, current: CurrentState) -> str:
        """Return all metrics in the text format of OpenMetrics."""
        self.store_if_due(current.now)
        since = current.now - ACTIVE
        isolates = sum(at >= since for _, at in self._isolates.values())
        handover = Handover(isolates=isolates, stored=self._stored, late=self._late)
        return text_of(families(self._total, self._probed, current, handover))

    def shares(self, now: float) -> dict[OriginKey, float | None]:
        """Return each origin's part of the requests of the last minutes; None = none."""
        return shares(self._rings, self._origins, now)

    def charts(self, pools: Collection[str], now: float) -> dict[str, Any]:
        """Return the charts of all load balancers and of these pools' origins, without shares."""
        watched = [pool.watched_by for pool in self._config.pools]
        interval = max((one.interval for one in watched if one is not None), default=0)
        origins = [key for key in self._origins if key[0] in pools]
        names = [lb.name for lb in self._config.load_balancers]
        found = history(self._rings, origins, names, now, interval=float(interval))
        for one in found["origins"]:
            del one["share"]
        for one in found["load_balancers"]:
            del one["shares"]
        return found

    def _drop_unconfigured(self) -> None:
        """Drop load balancers and origins that are no longer configured."""
        balancers = {lb.name for lb in self._config.load_balancers} | {""}
        origins = {*self._origins, (OTHER, OTHER), ("", "")}

        def configured(lb: str | None, pool: str | None, origin: str | None) -> bool:
            return (lb is None or lb in balancers) and (origin is None or (pool, origin) in origins)

        answers, events = self._total.answers, self._total.events
        for labels in [one for one in answers if not configured(*one[:3])]:
            del answers[labels]
        for labels in list(events):
            named = labelled(labels)
            if not configured(*(named.get(one) for one in ("load_balancer", "pool", "origin"))):
                del events[labels]

    def _load(self) -> str:
        try:
            found = self._sql(_READ)
            return str(found[0]["value"]) if found else ""
        except Exception as error:  # noqa: BLE001 (counting continues without the stored row)
            self._log(Trouble(message=f"the metrics cannot be read: {type(error).__name__}"))
            return ""

    def _text(self, now: float) -> str:
        found: dict[str, Any] = {
            "stored": now,
            "late": self._late,
            "isolates": [[isolate, *kept] for isolate, kept in self._isolates.items()],
            "counted": self._total.to_rows(),
            "rings": self._rings.to_rows(now),
        }
        text = packed(json.dumps(found, separators=(",", ":")))
        if len(text) > LONGEST_ROW:
            # Counters matter more than charts.
            text = packed(json.dumps({**found, "rings": None}, separators=(",", ":")))
        return text


def stored_every(state: State) -> float:
    """Return the shortest time in seconds between two writes."""
    return min(STORED_EVERY, REFRESHES * (state.refresh or STORED_EVERY))


def packed(text: str) -> str:
    """Return a text for the row, compressed if it is long."""
    if len(text) < LONGEST_TEXT:
        return text
    return b64encode(zlib.compress(text.encode(), 1)).decode()


def unpacked(text: str) -> str:
    """Return the text that `packed` was called with; "" if it is damaged."""
    if text.startswith("{") or not text:
        return text
    try:
        return zlib.decompress(b64decode(text)).decode()
    except (ValueError, zlib.error):
        return ""


def _isolate(row: list[Any]) -> tuple[str, tuple[int, float]]:
    isolate, number, at = row
    return as_text(isolate), (as_int(number), as_time(at))


def _subjects(config: Config) -> set[Subject]:
    """Return all subjects of charts."""
    balancers: set[Subject] = {(lb.name,) for lb in config.load_balancers}
    origins: set[Subject] = {one.key for pool in config.pools for one in pool.origins}
    return balancers | origins | {(*lb, *origin) for lb in balancers for origin in origins}
