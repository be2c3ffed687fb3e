"""Delivers messages that are due, and records the results."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lb.log_events import Trouble
from lb.notify.outbox import Outbox
from lb.notify.sinks import SINKS
from lb.notify.stored import from_json, to_json

if TYPE_CHECKING:
    from lb.health.events import HealthEvent
    from lb.model import Config
    from lb.notify.outbox import Delivery
    from lb.notify.ports import Deliverer
    from lb.notify.secrets import Ready
    from lb.ports import Chance, Clock, Log

ROUNDS = 3
"""Most messages to a sink in one alarm; the rest follows with the next one. So a sink delays the
probes by at most this many timeouts."""


class Notifier:
    """The Teller of the Durable Object. `stored` is the latest result of `to_json`, or ""."""

    def __init__(  # noqa: PLR0913 (one for each port)
        self,
        config: Config,
        ready: Ready,
        stored: str,
        *,
        deliverer: Deliverer,
        clock: Clock,
        chance: Chance,
        log: Log,
    ) -> None:
        self._settings = {one.name: one for one in ready.active}
        self._secrets = ready.secrets
        self._deliverer = deliverer
        self._clock = clock
        self._chance = chance
        self._log = log
        self._outbox = Outbox(config, ready.active, clock(), from_json(stored))

    @property
    def next_at(self) -> float | None:
        """Earliest time at which `tell` has work; None = no work is pending."""
        return self._outbox.next_at

    def note(self, event: HealthEvent) -> None:
        """Record a change of health."""
        self._outbox.note(event, self._clock())

    async def tell(self) -> None:
        """Send the messages that are due, to all sinks concurrently. Never raises."""
        for _ in range(ROUNDS):
            due = self._outbox.due(self._clock())
            if not due:
                return
            await asyncio.gather(*(self._deliver(one) for one in due))

    def to_json(self) -> str:
        """Return the state to store, as JSON. It contains no secret."""
        return to_json(self._outbox.state)

    async def _deliver(self, delivery: Delivery) -> None:
        status = await self._send(delivery)
        if status is not None and 200 <= status < 300:
            self._outbox.delivered(delivery.id)
            return
        cause = "no answer" if status is None else f"status {status}"
        notice = self._outbox.failed(delivery.id, cause, self._clock(), self._chance)
        if notice is not None:
            self._log(notice)

    async def _send(self, delivery: Delivery) -> int | None:
        name = delivery.message.notification
        try:
            settings = self._settings[name]
            request = SINKS[settings.type].render(delivery.message, settings, self._secrets[name])
            return await self._deliverer.send(request)
        except Exception as error:  # noqa: BLE001 (a fault in here must not stop the probes)
            # The type only: the message of an error may contain the request, and so the secret.
            self._log(Trouble(message=f"notification {name}: {type(error).__name__}"))
            return None
