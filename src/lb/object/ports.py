"""Ports of the Durable Object to its runtime and its deployment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.config import Source
    from lb.notify.ports import Deliverer
    from lb.ports import Chance, Clock, Log, Sql
    from lb.probing.ports import Prober, Regions


class Alarms(Protocol):
    """The object's one alarm. Times are in seconds since the Unix epoch."""

    async def get(self) -> float | None:
        """Return the time that it is set to; None: not set."""

    async def set(self, at: float) -> None:
        """Set it to a time, in place of any other. Counts as a row written."""


class Deployment(Protocol):
    """The Worker's deployment: its configuration, secrets and bindings."""

    def source(self) -> Source:
        """Return the file, or the variables in its place. Logs every problem."""

    def secret(self, name: str) -> str:
        """Return the value of a secret; "" without one."""

    def is_bound(self, name: str) -> bool:
        """Whether there is a binding of this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """All ports of the object."""

    sql: Sql
    alarms: Alarms
    deployment: Deployment
    prober: Prober
    regions: Callable[[str], Regions]
    """Makes the probers of other regions from a configuration's text; "": the deployment's."""
    deliverer: Deliverer
    clock: Clock
    chance: Chance
    log: Log
