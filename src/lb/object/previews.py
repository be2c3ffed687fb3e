"""Previews: monitors that are tried out on pools, behind the answer, and what came of it."""

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
"""Origins probed in one alarm: see lb.keeper.MOST_PROBES_AT_ONCE."""

_TABLE = """CREATE TABLE IF NOT EXISTS previews (
  id TEXT PRIMARY KEY,
  at REAL NOT NULL,
  waiting INTEGER NOT NULL,
  document TEXT NOT NULL,
  found TEXT NOT NULL
)"""


class Previews:
    """Kept in SQLite, so that an eviction between the answer and the probes loses none."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        sql(_TABLE)

    def add(
        self, one: str, document: Mapping[str, Any], names: Mapping[str, str], now: float
    ) -> None:
        """Take a preview in: a good document with one monitor; `names` has its pools by their ids.

        Those that are an hour old go, and the oldest where there are too many.
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
        """Return what a preview has found so far, by pool id; None where there is no such one."""
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
        """Whether there is something to probe."""
        return bool(self._sql("SELECT id FROM previews WHERE waiting = 1 LIMIT 1"))

    def take(self) -> tuple[str, dict[str, Any]] | None:
        """Return the preview that has waited longest, and its document; None while none waits.

        It waits no more from now on: one that brings the object down is not tried again and again.
        """
        rows = self._sql("SELECT id, document FROM previews WHERE waiting = 1 ORDER BY at LIMIT 1")
        for row in rows:
            self._sql("UPDATE previews SET waiting = 0 WHERE id = ?", row["id"])
            return row["id"], json.loads(row["document"])["document"]
        return None

    def keep(self, one: str, found: Mapping[str, Any]) -> None:
        """Keep the results of a preview, by pool."""
        self._sql("UPDATE previews SET found = ? WHERE id = ?", json.dumps(found), one)


def pools_in(document: Mapping[str, Any]) -> Sequence[Pool]:
    """Return the pools of a preview; none of a document that is bad by now."""
    config = parse(document, lenient=True)
    return config.pools if isinstance(config, Config) else ()


def due_in(pools: Iterable[Pool]) -> list[tuple[Origin, Watch]]:
    """Return what a preview probes, as far as one alarm reaches."""
    due: list[tuple[Origin, Watch]] = [
        (origin, pool.monitor)
        for pool in pools
        for origin in pool.origins
        if origin.enabled and pool.monitor is not None
    ]
    return due[:MOST_AT_ONCE]


def results(pools: Iterable[Pool], found: Mapping[OriginKey, Verdict]) -> dict[str, dict[str, Any]]:
    """Return what the verdicts come to, by pool."""
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
