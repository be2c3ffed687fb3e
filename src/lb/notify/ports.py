"""The ports that tell people what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lb.health.events import HealthEvent
    from lb.notify.message import OutboundRequest


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
