"""What the Durable Object awaits and asks of its runtime and its deployment."""

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
        """Return when it is set to go off; None: it is not set."""

    async def set(self, at: float) -> None:
        """Set it, in place of whatever was set. Costs a row written."""


class Deployment(Protocol):
    """What was deployed with the Worker."""

    def source(self) -> Source:
        """Return the file, or the variables in its place. Logs every problem."""

    def secret(self, name: str) -> str:
        """Return the value of a secret; "" without one."""

    def is_bound(self, name: str) -> bool:
        """Whether there is a binding of this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything that the object works with."""

    sql: Sql
    alarms: Alarms
    deployment: Deployment
    prober: Prober
    regions: Callable[[str], Regions]
    """Makes the probers of other regions, given the configuration as text; "": the deployment's."""
    deliverer: Deliverer
    clock: Clock
    chance: Chance
    log: Log
    log_fault: Callable[[str, BaseException], None]
    """Logs what failed, and the error. Never raises."""
