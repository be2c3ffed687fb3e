"""The Durable Object of a later version on CPython, with an earlier version's stored state."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from lb.admin.calls import Answer, Call
from lb.admin.handlers.context import HandlerContext
from lb.admin.handlers.table import answer
from lb.catalog.store import ConfigStore
from lb.config import Source, source_in_toml
from lb.log_events import Event
from lb.model import Config
from lb.notify.message import OutboundRequest
from lb.object.keeper import Keeper
from lb.object.ports import Ports
from lb.object.run import Coordinator
from lb.probing.probe import Answer as Replied
from lb.probing.probe import HttpProbe
from support.state import AlarmStore, Database
from support.stored import Stored


@dataclass
class Successor:
    """The object a moment after the state was written; it also implements most of its ports."""

    stored: Stored
    script: str = ""
    """SQL that changes the rows before they are read."""
    down: set[str] = field(init=False)
    """URLs of probes that get status 500."""
    probed: list[str] = field(default_factory=list)
    delivered: list[OutboundRequest] = field(default_factory=list)
    log: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now = self.stored.at
        at = self.stored.known["addresses"]
        self.down = {f"{at['two']}/health", f"{at['three']}/deep"}
        self.sql = Database(self.stored.text("object.sql") + self.script)
        self.alarm_store = AlarmStore()
        self.coordinator = Coordinator(
            Ports(
                sql=self.sql,
                alarms=self.alarm_store,
                deployment=self,
                prober=self,
                regions=lambda _configuration: self,
                deliverer=self,
                clock=lambda: self.now,
                chance=lambda: 0.5,
                log=self.log.append,
            )
        )

    def source(self) -> Source:
        """Return the deployed file."""
        return source_in_toml(self.stored.text("loadbalancer.toml"))

    def secret(self, name: str) -> str:
        """Return a variable's value."""
        return str(self.stored.known["variables"].get(name) or "")

    def is_bound(self, name: str) -> bool:
        """Return False: there are no bindings."""
        del name
        return False

    @property
    def store(self) -> ConfigStore:
        return self.coordinator.store()

    @property
    def keeper(self) -> Keeper:
        keeper = self.coordinator.keeper()
        assert keeper is not None
        return keeper

    @property
    def config(self) -> Config:
        assert self.store.effective.config is not None
        return self.store.effective.config

    async def ask(self, region: object, asked: object) -> Any:
        """Return no votes: regions cannot be asked."""
        del region, asked
        return {}

    async def send(self, sent: Any) -> Any:
        """Let probes end as they did before, and let every sink accept its delivery."""
        if isinstance(sent, OutboundRequest):
            self.delivered.append(sent)
            return 204
        assert isinstance(sent, HttpProbe)
        self.probed.append(sent.url)
        return Replied(status=500 if sent.url in self.down else 200)

    def alarms(self, until: float) -> None:
        """Let alarms go off up to this time."""
        asyncio.run(self.coordinator.wake())
        while (at := self.alarm_store.taken(until)) is not None:
            self.now = max(self.now, at)
            asyncio.run(self.coordinator.alarm())
        self.now = until

    def call(self, method: str, path: str, **fields: Any) -> Answer:
        """Send a call to the desk."""

        def answered(store: ConfigStore, keeper: Keeper | None) -> Answer:
            context = HandlerContext(
                store=store,
                keeper=keeper,
                sql=self.sql,
                clock=lambda: self.now,
                chance=lambda: 0.5,
            )
            return answer(context, Call(method=method, path=path, **fields))

        return asyncio.run(self.coordinator.operate(answered))
