"""Previews: monitors that are tried out on pools, behind the answer, and what came of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lb.config import parse
from lb.model import Config
from lb.probing.run import probe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lb.health.verdict import Verdict
    from lb.model import Origin, OriginKey, Pool, Watch
    from lb.ports import Clock, Sql
    from lb.probing.ports import Prober

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

    async def run(self, prober: Prober, clock: Clock) -> None:
        """Carry out the preview that has waited longest."""
        rows = self._sql("SELECT id, document FROM previews WHERE waiting = 1 ORDER BY at LIMIT 1")
        for row in rows:
            # First of all: one that brings the object down is not tried again and again.
            self._sql("UPDATE previews SET waiting = 0 WHERE id = ?", row["id"])
            found = await _tried(json.loads(row["document"])["document"], prober, clock)
            text = json.dumps(found)
            self._sql("UPDATE previews SET found = ? WHERE id = ?", text, row["id"])


async def _tried(
    document: Mapping[str, Any], prober: Prober, clock: Clock
) -> dict[str, dict[str, Any]]:
    config = parse(document, lenient=True)
    if not isinstance(config, Config):
        return {}
    due = [
        (origin, pool.monitor)
        for pool in config.pools
        for origin in pool.origins
        if origin.enabled and pool.monitor is not None
    ]
    said: dict[OriginKey, Verdict] = {}

    def take(origin: Origin, _watch: Watch, verdict: Verdict) -> None:
        said[origin.key] = verdict

    await probe(due[:MOST_AT_ONCE], prober, clock, take)
    return {pool.name: _told(pool, pool.origins, said) for pool in config.pools}


def _told(
    pool: Pool, origins: Sequence[Origin], said: Mapping[OriginKey, Verdict]
) -> dict[str, Any]:
    probed = [(origin, said[origin.key]) for origin in origins if origin.key in said]
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
