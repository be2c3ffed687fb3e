"""The admin side of the Durable Object on CPython: SQLite in memory, a file, a clock."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from lb.admin.calls import Answer, Call
from lb.admin.handlers.context import HandlerContext
from lb.admin.handlers.table import answer
from lb.catalog.store import ConfigStore
from lb.config import source_in_toml
from support.state import START, Database, World

FILE = """
[[monitors]]
name = "web"
type = "https"

[[pools]]
name = "primary"
monitor = "web"
origins = [{ name = "server-1", address = "one.example.com" }]

[[pools]]
name = "replica"
monitor = "web"
origins = [{ name = "server-2", address = "two.example.com", weight = 0.5 }]

[[load_balancers]]
name = "service.example.com"
default_pools = ["primary", "replica"]
fallback_pool = "primary"
session_affinity = "cookie"
"""


def context_of(world: World) -> HandlerContext:
    """Return the context of a World's keeper, beside the configuration of FILE."""
    store = ConfigStore(Database(), source_in_toml(FILE))
    return HandlerContext(
        store=store,
        keeper=world.keeper,
        sql=world.sql,
        clock=lambda: world.now,
        chance=lambda: 0.5,
    )


@dataclass
class Office:
    """A Durable Object for operators; it can be evicted, and a new file deployed."""

    file: str = FILE
    now: float = START
    sql: Database = field(default_factory=Database)
    author: str = "admin token"
    secrets: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = self.evicted()

    def evicted(self) -> ConfigStore:
        """Restart from the stored state."""
        self.store = ConfigStore(self.sql, source_in_toml(self.file))
        return self.store

    @property
    def context(self) -> HandlerContext:
        return HandlerContext(
            store=self.store,
            keeper=None,
            sql=self.sql,
            clock=lambda: self.now,
            chance=lambda: 0.5,
            secret=self.secrets.get,
        )

    def call(self, method: str, path: str, body: object = None, **also: Any) -> Answer:
        """Send a call to the handlers."""
        path, _, query = path.partition("?")
        text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        fields: dict[str, Any] = {"author": self.author, "may_write": True, **also}
        return answer(
            self.context, Call(method=method, path=path, query=query, body=text, **fields)
        )

    def answer_text(self, text: str) -> str:
        """Respond to a call as the Durable Object does, with JSON as input and output."""
        return answer(self.context, Call.from_json(text)).to_json()

    def result(self, method: str, path: str, body: object = None, **also: Any) -> Any:
        """Send a call that succeeds; return its result."""
        reply = self.call(method, path, body, **also)
        assert reply.status == 200, reply.body
        return json.loads(reply.body)["result"]

    def errors(self, method: str, path: str, body: object = None, **also: Any) -> list[Any]:
        """Send a call that is refused; return its errors."""
        reply = self.call(method, path, body, **also)
        assert reply.status >= 400, reply.body
        found: list[Any] = json.loads(reply.body)["errors"]
        return found
