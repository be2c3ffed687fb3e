"""The keeper of shared health on CPython: SQLite in memory, a clock, and scripted origins."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lb.health.verdict import Verdict
from lb.log_events import Event
from lb.model import Config, Health, Origin, Region, Watch
from lb.model.identity import identity_of
from lb.object.keeper import Keeper
from lb.probing.probe import Answer, HttpProbe, Probe, ProbeFailure, Reply
from lb.state.shared_view import SharedHealth, from_json

START = 1_790_000_000.0


class Database:
    """The Sql port over sqlite3; counts the rows that are written."""

    def __init__(self, script: str = "") -> None:
        """Begin with what a script makes."""
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        self._connection.executescript(script)
        self._connection.row_factory = sqlite3.Row
        self.broken = False

    @property
    def written(self) -> int:
        return self._connection.total_changes

    def __call__(self, statement: str, *values: str | float | None) -> list[dict[str, Any]]:
        if self.broken:
            raise sqlite3.OperationalError("disk I/O error")
        return [dict(row) for row in self._connection.execute(statement, values)]


@dataclass
class World:
    """Everything around a keeper, which may be evicted and comes back with what was stored."""

    config: Config
    now: float = START
    sql: Database = field(default_factory=Database)
    down: set[str] = field(default_factory=set)
    """Names of origins that refuse connections."""
    probes: list[tuple[float, str]] = field(default_factory=list)
    """When which origin was probed."""
    at_once: int = 0
    most_at_once: int = 0
    log: list[Event] = field(default_factory=list)
    votes: Mapping[Region, Mapping[str, bool]] | None = None
    """What each region says of the origins that it can be asked about."""
    asked_regions: list[tuple[Region, tuple[tuple[str, str], ...]]] = field(default_factory=list)
    takes: Mapping[str, float] = field(default_factory=dict)
    """Seconds until an origin answers a probe; the slower ones must come later in their pools."""
    times: Mapping[Region, Mapping[str, float]] = field(default_factory=dict)
    """Seconds that each region says a probe takes."""

    def __post_init__(self) -> None:
        self.evict()

    def evict(self, config: Config | None = None) -> None:
        """Forget the keeper's memory; perhaps a new version of the Worker comes with it."""
        self.config = config or self.config
        self.keeper = Keeper(
            self.config,
            identity_of(self.config),
            sql=self.sql,
            prober=self,
            clock=lambda: self.now,
            log=self.log.append,
            regions=self if self.votes is not None else None,
        )

    async def send(self, probe: Probe) -> Reply:
        """The Prober port."""
        assert isinstance(probe, HttpProbe)
        name = probe.url.partition("://")[2].partition(".")[0]
        self.probes.append((self.now - START, name))
        answered = self.now + self.takes.get(name, 0.0)
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        self.now = max(self.now, answered)
        return ProbeFailure.CONNECTION if name in self.down else Answer(status=200)

    async def ask(
        self, region: Region, asked: Sequence[tuple[Origin, Watch]]
    ) -> Mapping[tuple[str, str], Verdict]:
        """The Regions port."""
        origins = tuple(origin.key for origin, _ in asked)
        self.asked_regions.append((region, origins))
        says = (self.votes or {}).get(region, {})
        times = self.times.get(region, {})
        return {
            key: Verdict(passed=True, latencies=(("", times.get(key[1], 0.0)),))
            if says[key[1]]
            else Verdict(passed=False, cause=f"seen from {region.value}")
            for key in origins
            if key[1] in says
        }

    def run_until(self, seconds: float, *, between: Callable[[], None] | None = None) -> None:
        """Let alarms go off until so many seconds after the start."""
        while (at := self.keeper.next_at) is not None and at <= START + seconds:
            self.now = max(self.now, at)
            asyncio.run(self.alarm())
            if between:
                between()
        self.now = START + seconds

    async def alarm(self) -> None:
        await self.keeper.alarm()

    def pull(self, **question: Any) -> str:
        """Ask as an isolate does."""
        return self.keeper.pull(json.dumps(question))

    def view(self) -> SharedHealth:
        """What an isolate that knows nothing gets."""
        view = from_json(self.pull())
        assert view is not None
        return view

    def health(self) -> dict[str, Health]:
        """The health of each origin, as isolates see it."""
        return {name: one.health for (_, name), one in self.view().origins.items()}
