"""Tells what there is to tell: has what is due delivered, and takes note of how that went."""

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
"""Messages that one sink gets in one go: what is left goes with the next alarm, so that no sink
keeps the probes waiting for more than this many times its time-out."""


class Notifier:
    """What a keeper calls after each round of probes; `kept` is what `to_json` returned last."""

    def __init__(  # noqa: PLR0913 (one for each port)
        self,
        config: Config,
        ready: Ready,
        kept: str,
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
        self._outbox = Outbox(config, ready.active, clock(), from_json(kept))

    @property
    def next_at(self) -> float | None:
        """When there is something to do; None while there is nothing."""
        return self._outbox.next_at

    def note(self, event: HealthEvent) -> None:
        """Take a change in."""
        self._outbox.note(event, self._clock())

    async def tell(self) -> None:
        """Send what is due, to all sinks side by side. Never raises."""
        for _ in range(ROUNDS):
            due = self._outbox.due(self._clock())
            if not due:
                return
            await asyncio.gather(*(self._deliver(one) for one in due))

    def to_json(self) -> str:
        """All that must survive, as a text. There is no secret in it."""
        return to_json(self._outbox.kept)

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
        except Exception as error:  # noqa: BLE001 (a fault in here must not end the probing)
            # The kind alone: the words of an error could hold the request, and so the secret.
            self._log(Trouble(message=f"notification {name}: {type(error).__name__}"))
            return None
