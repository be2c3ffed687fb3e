"""Adds up what isolates and probes counted, and keeps it: one row, seldom written."""

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
    from lb.model import Config, Origin, OriginKey
    from lb.ports import Log, Sql

STORED_EVERY = 60.0
"""Seconds between two rows that are written, at least."""

REFRESHES = 2
"""The same where isolates hand over more often than usual: twice the time between two of those."""

MOST_ISOLATES = 500
"""Whose numbers are remembered, those that were heard of last."""

ACTIVE = 300.0

LONGEST_TEXT = 200_000
"""Characters from which the row is packed."""

LONGEST_ROW = 1_900_000
"""Characters without which the row would be refused: 2 MB is the most that a row may have
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
    """Counts of an isolate that are not stored yet."""

    number: int
    counted: Totals


class ObjectTotals:
    """The numbers of all isolates, in the one object that keeps them. It may be evicted any time.

    What an isolate hands over is acknowledged when it is stored, and sent again until then. Only
    what is stored is told as a counter, so that none ever goes back. Charts show it at once.
    """

    def __init__(self, config: Config, *, sql: Sql, log: Log, probed: str = "") -> None:
        """`probed` is what `probes_text` returned last."""
        self._config = config
        self._sql = sql
        self._log = log
        self._gap = stored_every(config.state.refresh)
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
        self._forget_others()

    def receive(self, offered: object, now: float) -> int | None:
        """Take what an isolate hands over; return the number of it that is stored.

        None for what is no hand-over at all. The same again changes nothing.
        """
        if not isinstance(offered, dict):
            return None
        isolate, number = offered.get("isolate"), offered.get("number")
        if not isinstance(isolate, str) or not 0 < len(isolate) <= 64 or type(number) is not int:
            return None
        stored = self._isolates.get(isolate, (0, 0.0))[0]
        known = self._received.get(isolate)
        if number > stored and (known is None or known.number != number):
            counted = Totals.from_rows(offered)
            self._received[isolate] = Received(number, counted)
            since = or_else(as_time, offered.get("since"), 0.0) or now
            chart(self._rings, counted, min(since, now), now)
        self.store_if_due(now)
        return self._isolates.get(isolate, (0, 0.0))[0]

    def record_probe(self, origin: Origin, verdict: Verdict, now: float) -> None:
        """Take what a round of probes said of an origin."""
        self._probed[origin.key] = self._probed.get(origin.key, Probed()).after(verdict)
        took = probe_seconds(verdict) if verdict.passed else None
        if took is not None:
            self._rings.add_times(origin.key, PROBE_TIMES, (took, 1), now, now)

    def record_round(self, health: Mapping[OriginKey, OriginHealth], now: float) -> None:
        """Take down how everything stands, after a round of probes."""
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

    def record_alarm(self, wanted: float | None, now: float) -> None:
        """Take down that an alarm went off which was wanted at this time."""
        self._late = max(now - wanted, 0.0) if wanted is not None else None

    def probes_text(self) -> str:
        """Return what must be stored with the health that probes led to."""
        return probed_to_json(self._probed)

    @property
    def latest(self) -> dict[OriginKey, float]:
        """Seconds that the latest probe of each origin took which passed."""
        return {key: one.latest for key, one in self._probed.items() if one.passed}

    def store_if_due(self, now: float) -> None:
        """Add up and store what is new, if the row has not just been written."""
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
        """Return everything in OpenMetrics."""
        self.store_if_due(current.now)
        since = current.now - ACTIVE
        isolates = sum(at >= since for _, at in self._isolates.values())
        handover = Handover(isolates=isolates, stored=self._stored, late=self._late)
        return text_of(families(self._total, self._probed, current, handover))

    def history(self, now: float) -> dict[str, Any]:
        """Return the charts of everything (lb.metrics.history.history)."""
        return self._history(list(self._origins), now)

    def _history(self, origins: list[OriginKey], now: float) -> dict[str, Any]:
        watched = [pool.watched_by for pool in self._config.pools]
        interval = max((one.interval for one in watched if one is not None), default=0)
        names = [lb.name for lb in self._config.load_balancers]
        return history(self._rings, origins, names, now, interval=float(interval))

    def shares(self, now: float) -> dict[OriginKey, float | None]:
        """Return each origin's part of all requests of the last minutes."""
        return shares(self._rings, self._origins, now)

    def charts(self, pools: Collection[str], now: float) -> dict[str, Any]:
        """Return the charts of these pools' origins and of every load balancer, without shares."""
        found = self._history([key for key in self._origins if key[0] in pools], now)
        for one in found["origins"]:
            del one["share"]
        for one in found["load_balancers"]:
            del one["shares"]
        return found

    def _forget_others(self) -> None:
        """Forget load balancers and origins that are configured no more."""
        balancers = {lb.name for lb in self._config.load_balancers} | {""}
        origins = {*self._origins, (OTHER, OTHER), ("", "")}

        def known(lb: str | None, pool: str | None, origin: str | None) -> bool:
            return (lb is None or lb in balancers) and (origin is None or (pool, origin) in origins)

        answers, events = self._total.answers, self._total.events
        for labels in [one for one in answers if not known(*one[:3])]:
            del answers[labels]
        for labels in list(events):
            named = labelled(labels)
            if not known(*(named.get(one) for one in ("load_balancer", "pool", "origin"))):
                del events[labels]

    def _load(self) -> str:
        try:
            found = self._sql(_READ)
            return str(found[0]["value"]) if found else ""
        except Exception as error:  # noqa: BLE001 (whatever the storage says, counting goes on)
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
            # Better no charts than no counters.
            text = packed(json.dumps({**found, "rings": None}, separators=(",", ":")))
        return text


def stored_every(refresh: float) -> float:
    """Return the seconds between two rows, at least, for the time between questions."""
    return min(STORED_EVERY, REFRESHES * refresh)


def packed(text: str) -> str:
    """Return a text for a row; a long one gets shorter."""
    if len(text) < LONGEST_TEXT:
        return text
    return b64encode(zlib.compress(text.encode(), 1)).decode()


def unpacked(text: str) -> str:
    """Return what `packed` was given; "" for what it never returned."""
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
    """Return all that has charts."""
    balancers: set[Subject] = {(lb.name,) for lb in config.load_balancers}
    origins: set[Subject] = {one.key for pool in config.pools for one in pool.origins}
    return balancers | origins | {(*lb, *origin) for lb in balancers for origin in origins}
