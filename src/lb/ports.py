"""What the drivers await: the runtime stands behind each port in the Worker, a fake in tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from lb.health.events import HealthEvent
    from lb.log_events import Event
    from lb.notify.words import OutboundRequest


class Deliverer(Protocol):
    """Sends notifications."""

    async def send(self, request: OutboundRequest) -> int | None:
        """Send one; return its status, None when nothing answered in time. Never raises."""


class Teller(Protocol):
    """Tells people what happened, through a Deliverer."""

    @property
    def next_at(self) -> float | None:
        """When there is something to do; None while there is nothing."""

    def note(self, event: HealthEvent) -> None:
        """Take an event in."""

    async def tell(self) -> None:
        """Send what is due. Never raises."""

    def to_json(self) -> str:
        """All that must survive, as a text."""


class Clock(Protocol):
    """Seconds since the Unix epoch."""

    def __call__(self) -> float: ...


class Chance(Protocol):
    """Numbers from 0 up to but not including 1."""

    def __call__(self) -> float: ...


class Log(Protocol):
    """Takes note of what happened. Never raises."""

    def __call__(self, event: Event, /) -> None: ...


class Sql(Protocol):
    """The Durable Object's SQLite."""

    def __call__(self, statement: str, *values: str | float | None) -> list[dict[str, Any]]:
        """Run one statement with its `?` filled; return its rows, columns by name."""
