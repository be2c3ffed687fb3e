"""The Durable Object on CPython: SQLite in memory, an alarm, a clock and scripted origins."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lb.catalog.store import ConfigStore
from lb.config import Invalid, Source
from lb.health.verdict import Verdict
from lb.log_events import Event
from lb.model import Config, Health, Origin, Region, Watch
from lb.notify.message import OutboundRequest
from lb.object.keeper import Keeper
from lb.object.ports import Ports
from lb.object.run import Coordinator
from lb.probing.probe import Answer, HttpProbe, Probe, ProbeFailure, Reply
from lb.request.edge_answers import Writer
from lb.state.shared_view import SharedHealth, from_json

START = 1_790_000_000.0


class Database:
    """The Sql port over sqlite3, with a count of written rows."""

    def __init__(self, script: str = "") -> None:
        """`script` has the initial statements."""
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


class AlarmStore:
    """The Alarms port; an alarm survives evictions, as in the runtime."""

    def __init__(self) -> None:
        self.at: float | None = None
        self.set_to: list[float] = []
        """The times of all alarms that were set, each of which counts as a written row."""
        self.rings = True
        """Whether alarms go off."""
        self.broken = False

    async def get(self) -> float | None:
        if self.broken:
            raise OSError("storage is gone")
        return self.at

    async def set(self, at: float) -> None:
        if self.broken:
            raise OSError("storage is gone")
        self.at = at
        self.set_to.append(at)

    def taken(self, until: float) -> float | None:
        """Unset an alarm that is due by then, and return its time; None = no alarm is due."""
        if not self.rings or self.at is None or self.at > until:
            return None
        at, self.at = self.at, None
        return at


class Bare:
    """The Deployment port without file, secrets or bindings, and the Deliverer port."""

    def source(self) -> Source:
        return Source({}, Invalid(()))

    def secret(self, name: str) -> str:
        del name
        return ""

    def is_bound(self, name: str) -> bool:
        del name
        return False

    async def send(self, request: OutboundRequest) -> int | None:
        raise AssertionError(f"nobody expects {request}")


class Given(Coordinator):
    """The real object, with a configuration that does not come from a document."""

    def __init__(self, ports: Ports, config: Config) -> None:
        super().__init__(ports)
        self._given = config

    def store(self) -> ConfigStore:
        """Return the store, with the given configuration as the valid one."""
        store = super().store()
        if store.effective.config is not self._given:
            store.effective = replace(store.effective, config=self._given)
        return store


@dataclass
class World:
    """The object and its surroundings; an eviction keeps what is stored."""

    config: Config
    now: float = START
    sql: Database = field(default_factory=Database)
    down: set[str] = field(default_factory=set)
    """Names of origins that refuse connections."""
    cached: set[str] = field(default_factory=set)
    """Names of origins in whose place Cloudflare's cache answers."""
    probes: list[tuple[float, str]] = field(default_factory=list)
    """Time (from the start) and origin of each probe."""
    at_once: int = 0
    most_at_once: int = 0
    log: list[Event] = field(default_factory=list)
    votes: Mapping[Region, Mapping[str, bool]] | None = None
    """Votes by region and origin; a missing region cannot be asked."""
    asked_regions: list[tuple[Region, tuple[tuple[str, str], ...]]] = field(default_factory=list)
    takes: Mapping[str, float] = field(default_factory=dict)
    """Seconds until an origin responds to a probe; slower ones must come later in their pools."""
    times: Mapping[Region, Mapping[str, float]] = field(default_factory=dict)
    """Duration of a probe in seconds, by region and origin."""

    alarms: AlarmStore = field(default_factory=AlarmStore)

    def __post_init__(self) -> None:
        self.evict()

    def evict(self, config: Config | None = None) -> None:
        """Lose the object's memory; another configuration may be deployed at the same time."""
        self.config = config or self.config
        ports = Ports(
            sql=self.sql,
            alarms=self.alarms,
            deployment=Bare(),
            prober=self,
            regions=lambda _configuration: self,
            deliverer=Bare(),
            clock=lambda: self.now,
            chance=lambda: 0.5,
            log=self.log.append,
        )
        self.coordinator = Given(ports, self.config)

    @property
    def keeper(self) -> Keeper:
        """The keeper of the current configuration."""
        keeper = self.coordinator.keeper()
        assert keeper is not None
        return keeper

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
        if name in self.down:
            return ProbeFailure.CONNECTION
        return Answer(status=200, writer=Writer.CACHE if name in self.cached else Writer.ORIGIN)

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
        """Run the cron trigger, and then alarms up to so many seconds after the start."""
        asyncio.run(self.coordinator.wake())
        while (at := self.alarms.taken(START + seconds)) is not None:
            self.now = max(self.now, at)
            asyncio.run(self.coordinator.alarm())
            if between:
                between()
        self.now = START + seconds

    def pull(self, **question: Any) -> str:
        """Pull as an isolate does."""
        return asyncio.run(self.coordinator.pull(json.dumps(question)))

    def view(self) -> SharedHealth:
        """The view that a new isolate gets."""
        view = from_json(self.pull())
        assert view is not None
        return view

    def health(self) -> dict[str, Health]:
        """The health of each origin in that view."""
        return {name: one.health for (_, name), one in self.view().origins.items()}
