"""The log of health events in SQLite: one row an event, 30 days and 10,000 events at most."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lb.health.events import as_json

if TYPE_CHECKING:
    from lb.health.events import HealthEvent
    from lb.ports import Sql

KEPT_SECONDS = 30 * 86_400
KEPT_EVENTS = 10_000
PRUNED_AT_ONCE = 100
"""Rows deleted in one pruning at most: a deleted row counts as written."""
PER_PAGE = 25
"""Cloudflare's default for lists."""
MOST_PER_PAGE = 1000

# No index but the key: each would be one more row written for every event
# (https://developers.cloudflare.com/durable-objects/platform/pricing/#sqlite-storage-backend),
# and a scan of 10,000 rows is quick. Ids grow with time, and none is used twice, as the newest row
# is never pruned.
_TABLE = """CREATE TABLE IF NOT EXISTS events (
  id INTEGER PRIMARY KEY,
  at REAL NOT NULL,
  pool TEXT NOT NULL,
  pool_healthy INTEGER NOT NULL,
  event TEXT NOT NULL
)"""

_CHANGED_ORIGIN = """EXISTS (
  SELECT 1 FROM json_each(events.event, '$.origins') AS origin
  WHERE json_extract(origin.value, '$.changed') AND {}
)"""
_UNKNOWN = -1
"""Unknown health in a column, where NULL would have to cross from JavaScript."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Filter of events: Cloudflare's parameters. Times are in seconds; None: any."""

    since: float | None = None
    until: float | None = None
    pool_id: str | None = None
    pool_name: str | None = None
    pool_healthy: bool | None = None
    origin_name: str | None = None
    """Events in which this origin changed."""
    origin_healthy: bool | None = None
    """Events in which an origin (that of origin_name, if given) changed to this."""
    page: int = 1
    per_page: int = PER_PAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of events, newest first, and Cloudflare's result_info."""

    events: tuple[dict[str, Any], ...]
    page: int
    per_page: int
    total_count: int

    @property
    def total_pages(self) -> int:
        return -(-self.total_count // self.per_page)


class EventLog:
    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        sql(_TABLE)

    def append(self, event: HealthEvent) -> None:
        """Store an event, and prune some old ones."""
        document = as_json(event)
        healthy = document["pool"]["healthy"]
        self._sql(
            "INSERT INTO events (at, pool, pool_healthy, event) VALUES (?, ?, ?, ?)",
            event.at,
            event.pool.name,
            _UNKNOWN if healthy is None else int(healthy),
            json.dumps(document, separators=(",", ":")),
        )
        self.prune(event.at)

    def prune(self, now: float) -> int:
        """Delete a batch of events beyond the limits, oldest first; return their number."""
        oldest = self._sql("SELECT id, at FROM events ORDER BY id LIMIT ?", PRUNED_AT_ONCE)
        if not oldest:
            return 0
        newest = self._sql("SELECT max(id) AS id FROM events")[0]["id"]
        gone = [
            row["id"]
            for row in oldest
            if row["id"] != newest
            and (row["at"] < now - KEPT_SECONDS or row["id"] <= newest - KEPT_EVENTS)
        ]
        if gone:
            self._sql("DELETE FROM events WHERE id <= ?", gone[-1])
        return len(gone)

    def latest(self, most: int) -> list[dict[str, Any]]:
        """Return the newest events, newest first. Reads no more rows than it returns."""
        rows = self._sql("SELECT id, event FROM events ORDER BY id DESC LIMIT ?", most)
        return [_document(row) for row in rows]

    @property
    def count(self) -> int:
        """Number of events so far, pruned ones included."""
        return int(self._sql("SELECT coalesce(max(id), 0) AS id FROM events")[0]["id"])

    def query(self, query: Query) -> Page:
        """Return one page of the events that match."""
        where, values = _where(query)
        page, per_page = max(query.page, 1), min(max(query.per_page, 1), MOST_PER_PAGE)
        total = self._sql(f"SELECT count(*) AS total FROM events WHERE {where}", *values)  # noqa: S608 (`where` is made of the literals below)
        rows = self._sql(
            f"SELECT id, event FROM events WHERE {where} ORDER BY id DESC"  # noqa: S608
            f" LIMIT {per_page:d} OFFSET {(page - 1) * per_page:d}",
            *values,
        )
        return Page(
            events=tuple(_document(row) for row in rows),
            page=page,
            per_page=per_page,
            total_count=int(total[0]["total"]),
        )


def _document(row: dict[str, Any]) -> dict[str, Any]:
    return {"id": row["id"], **json.loads(row["event"])}


def _where(query: Query) -> tuple[str, list[str | float | None]]:
    """Return a query's condition in SQL, and its values."""
    origin = [
        (condition, value)
        for condition, value in (
            ("json_extract(origin.value, '$.name') = ?", query.origin_name),
            ("json_extract(origin.value, '$.healthy') = ?", _flag(query.origin_healthy)),
        )
        if value is not None
    ]
    event = [
        (condition, value)
        for condition, value in (
            ("at >= ?", query.since),
            ("at <= ?", query.until),
            ("pool = ?", query.pool_id),
            ("pool = ?", query.pool_name),
            ("pool_healthy = ?", _flag(query.pool_healthy)),
        )
        if value is not None
    ]
    parts = [condition for condition, _ in event]
    if origin:
        parts.append(_CHANGED_ORIGIN.format(" AND ".join(condition for condition, _ in origin)))
    return " AND ".join(parts) or "TRUE", [value for _, value in (*event, *origin)]


def _flag(healthy: bool | None) -> int | None:  # noqa: FBT001 (a value, no switch)
    return None if healthy is None else int(healthy)
