"""What handlers of operators' calls work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lb.model.header_secrets import no_secret

if TYPE_CHECKING:
    from lb.catalog.store import ConfigStore
    from lb.model.header_secrets import Secret
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
    secret: Secret = no_secret
    """Returns a secret of the Worker by its name; "" = there is none."""
