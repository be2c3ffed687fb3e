"""What handlers of operators' calls work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lb.catalog.store import ConfigStore
    from lb.object.keeper import Keeper
    from lb.ports import Chance, Clock, Sql


@dataclass(slots=True, kw_only=True)
class HandlerContext:
    """The parts of the Durable Object that handlers use."""

    store: ConfigStore
    keeper: Keeper | None
    """None while no stored configuration is valid."""
    sql: Sql
    clock: Clock
    chance: Chance
