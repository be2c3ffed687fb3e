"""What stands at the disposal of those who answer operators in the Durable Object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lb.catalog.store import ConfigStore
    from lb.object.keeper import Keeper
    from lb.ports import Chance, Clock, Sql


@dataclass(slots=True, kw_only=True)
class HandlerContext:
    """What handlers work with: everything that the Durable Object has."""

    store: ConfigStore
    keeper: Keeper | None
    """None while nothing good is configured."""
    sql: Sql
    clock: Clock
    chance: Chance
