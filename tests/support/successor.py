"""The Durable Object of a later version on CPython, with what an earlier one has stored."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from lb.admin.calls import Answer, Call
from lb.admin.handlers.context import HandlerContext
from lb.admin.handlers.table import answer
from lb.catalog.store import ConfigStore
from lb.config import source_in_toml
from lb.log_events import Event
from lb.model import Config
from lb.model.identity import identity_of
from lb.notify.message import OutboundRequest
from lb.notify.run import Notifier
from lb.notify.secrets import prepare
from lb.object.keeper import Keeper
from lb.probing.probe import Answer as Replied
from lb.probing.probe import HttpProbe
from support.state import Database
from support.stored import Stored


@dataclass
class Successor:
    """Finds what was stored, a moment after it was; it is the Prober and the Deliverer as well."""

    stored: Stored
    script: str = ""
    """What happens to the rows before they are read."""
    down: set[str] = field(init=False)
    """Which URLs of probes are answered with 500."""
    probed: list[str] = field(default_factory=list)
    delivered: list[OutboundRequest] = field(default_factory=list)
    log: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now = self.stored.at
        at = self.stored.known["addresses"]
        self.down = {f"{at['two']}/health", f"{at['three']}/deep"}
        self.sql = Database(self.stored.text("object.sql") + self.script)
        self.store = ConfigStore(self.sql, source_in_toml(self.stored.text("loadbalancer.toml")))
        ready = prepare(self.config, self.stored.known["variables"].get, lambda _name: False)
        self.keeper = Keeper(
            self.config,
            identity_of(self.config),
            sql=self.sql,
            prober=self,
            clock=lambda: self.now,
            log=self.log.append,
            teller=lambda kept: Notifier(
                self.config,
                ready,
                kept,
                deliverer=self,
                clock=lambda: self.now,
                chance=lambda: 0.5,
                log=self.log.append,
            ),
        )

    @property
    def config(self) -> Config:
        assert self.store.effective.config is not None
        return self.store.effective.config

    async def send(self, sent: Any) -> Any:
        """Let probes end as they did before, and every sink take what it gets."""
        if isinstance(sent, OutboundRequest):
            self.delivered.append(sent)
            return 204
        assert isinstance(sent, HttpProbe)
        self.probed.append(sent.url)
        return Replied(status=500 if sent.url in self.down else 200)

    def alarms(self, until: float) -> None:
        """Let alarms go off until then."""
        while (at := self.keeper.next_at) is not None and at <= until:
            self.now = max(self.now, at)
            asyncio.run(self.keeper.alarm())
        self.now = until

    def call(self, method: str, path: str, **fields: Any) -> Answer:
        """Send a call to the desk."""
        context = HandlerContext(
            store=self.store,
            keeper=self.keeper,
            sql=self.sql,
            clock=lambda: self.now,
            chance=lambda: 0.5,
        )
        return answer(context, Call(method=method, path=path, **fields))
