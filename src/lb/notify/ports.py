"""Ports of notifications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lb.health.events import HealthEvent
    from lb.notify.message import OutboundRequest


class Deliverer(Protocol):
    """Sends requests to sinks."""

    async def send(self, request: OutboundRequest) -> int | None:
        """Send a request; return the status, None = no answer in time. Never raises."""


class Teller(Protocol):
    """Sends messages about health events through a Deliverer."""

    @property
    def next_at(self) -> float | None:
        """Earliest time at which `tell` has work; None = no work is pending."""

    def note(self, event: HealthEvent) -> None:
        """Record an event."""

    async def tell(self) -> None:
        """Send the messages that are due. Never raises."""

    def to_json(self) -> str:
        """Return the state to store, as JSON."""
