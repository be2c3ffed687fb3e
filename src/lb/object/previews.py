"""Previews: monitors tried out on pools behind the API's answer, and their results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lb.config import parse
from lb.model import Config

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lb.health.verdict import Verdict
    from lb.model import Origin, OriginKey, Pool, Watch
    from lb.ports import Sql

KEPT_SECONDS = 3600
MOST_KEPT = 50
MOST_AT_ONCE = 12
"""Origins probed in one alarm: see lb.health.rounds.PROBES_IN_AN_ALARM."""

_TABLE = """CREATE TABLE IF NOT EXISTS previews (
  id TEXT PRIMARY KEY,
  at REAL NOT NULL,
  waiting INTEGER NOT NULL,
  document TEXT NOT NULL,
  found TEXT NOT NULL
)"""


class Previews:
    """A table in SQLite, so that an eviction between answer and probes loses no preview."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        sql(_TABLE)

    def add(
        self, one: str, document: Mapping[str, Any], names: Mapping[str, str], now: float
    ) -> None:
        """Store a preview: a valid document with one monitor, and pool names by pool id.

        Deletes previews that are an hour old, and the oldest beyond MOST_KEPT.
        """
        self._sql("DELETE FROM previews WHERE at < ?", now - KEPT_SECONDS)
        newest = "SELECT id FROM previews ORDER BY at DESC LIMIT ?"
        self._sql(f"DELETE FROM previews WHERE id NOT IN ({newest})", MOST_KEPT - 1)  # noqa: S608 (a literal)
        text = json.dumps({"document": document, "names": names})
        self._sql(
            "INSERT INTO previews (id, at, waiting, document, found) VALUES (?, ?, 1, ?, '{}')",
            one,
            now,
            text,
        )

    def result(self, one: str, now: float) -> dict[str, Any] | None:
        """Return a preview's results so far, by pool id; None: no such preview."""
        rows = self._sql(
            "SELECT document, found FROM previews WHERE id = ? AND at >= ?", one, now - KEPT_SECONDS
        )
        if not rows:
            return None
        asked, found = json.loads(rows[0]["document"]), json.loads(rows[0]["found"])
        return {
            each: found.get(name, {"healthy": None, "origins": []})
            for each, name in asked["names"].items()
        }

    @property
    def waiting(self) -> bool:
        """Whether a preview waits for its probes."""
        return bool(self._sql("SELECT id FROM previews WHERE waiting = 1 LIMIT 1"))

    def take(self) -> tuple[str, dict[str, Any]] | None:
        """Return id and document of the preview that waits longest; None: none waits.

        Marks it as done at once, so that a preview that brings the object down is not repeated.
        """
        rows = self._sql("SELECT id, document FROM previews WHERE waiting = 1 ORDER BY at LIMIT 1")
        for row in rows:
            self._sql("UPDATE previews SET waiting = 0 WHERE id = ?", row["id"])
            return row["id"], json.loads(row["document"])["document"]
        return None

    def keep(self, one: str, found: Mapping[str, Any]) -> None:
        """Store a preview's results, by pool name."""
        self._sql("UPDATE previews SET found = ? WHERE id = ?", json.dumps(found), one)


def pools_in(document: Mapping[str, Any]) -> Sequence[Pool]:
    """Return a preview's pools; none if its document is no longer valid."""
    config = parse(document, lenient=True)
    return config.pools if isinstance(config, Config) else ()


def due_in(pools: Iterable[Pool]) -> list[tuple[Origin, Watch]]:
    """Return the origins that a preview probes: as many as fit into one alarm."""
    due: list[tuple[Origin, Watch]] = [
        (origin, pool.monitor)
        for pool in pools
        for origin in pool.origins
        if origin.enabled and pool.monitor is not None
    ]
    return due[:MOST_AT_ONCE]


def results(pools: Iterable[Pool], found: Mapping[OriginKey, Verdict]) -> dict[str, dict[str, Any]]:
    """Return the results of the verdicts, by pool name."""
    return {pool.name: _result(pool, found) for pool in pools}


def _result(pool: Pool, found: Mapping[OriginKey, Verdict]) -> dict[str, Any]:
    probed = [(origin, found[origin.key]) for origin in pool.origins if origin.key in found]
    passed = sum(verdict.passed for _, verdict in probed)
    return {
        "healthy": passed >= pool.minimum_origins,
        "origins": [
            {
                origin.address: {
                    "healthy": verdict.passed,
                    "cause": verdict.cause,
                    "status": verdict.status,
                    "seconds": verdict.duration,
                }
            }
            for origin, verdict in probed
        ],
    }
