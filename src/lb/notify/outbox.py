"""What there is to tell, to whom, and when: a machine over health and time, kept as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lb.base.hashing import hash64
from lb.health.events import status_of
from lb.health.verdict import OriginHealth
from lb.log_events import Notice
from lb.model import AlertFilter, Health
from lb.notify.incident import Incident, Phase, Signal
from lb.notify.message import Affected, Message, Telling
from lb.notify.wording import (
    IS_BAD,
    MOST_LISTED,
    Story,
    Target,
    condition_of,
    end_lines,
    end_title,
    serving_lines,
    start_lines,
    start_title,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lb.health.events import HealthEvent, Status
    from lb.model import Config, Notification, OriginKey

MOST_WAITING = 50
"""Messages that wait for one sink; beyond it the oldest is dropped, and counted."""
FIRST_RETRY = 10.0
LONGEST_RETRY = 3600.0
GIVEN_UP_AFTER = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message on its way."""

    id: str
    message: Message
    attempts: int = 0
    not_before: float = 0.0


@dataclass(slots=True, kw_only=True)
class SinkState:
    """What is kept for one notification."""

    incidents: list[Incident] = field(default_factory=list)
    waiting: list[Delivery] = field(default_factory=list)
    """In order; only the first is sent, so that an end never comes before its start."""
    dropped: int = 0


@dataclass(slots=True, kw_only=True)
class OutboxState:
    """All that an outbox remembers: plain data, equal to what comes back from its JSON."""

    status: Status = field(default_factory=dict)
    """As the latest events left it."""
    sinks: dict[str, SinkState] = field(default_factory=dict)


class Outbox:
    """`active` are the notifications that can be sent; what is kept of others is forgotten."""

    def __init__(
        self,
        config: Config,
        active: Iterable[Notification],
        now: float,
        kept: OutboxState | None = None,
    ) -> None:
        self._config = config
        self._notifications = {one.name: one for one in active}
        self._filters = {pool.name: pool.notification_filter for pool in config.pools}
        kept = kept or OutboxState()
        self.kept = OutboxState(
            # The configuration may be another one than when this was kept.
            status=status_of(config, _health_in(kept.status), now),
            sinks={name: kept.sinks.get(name, SinkState()) for name in self._notifications},
        )

    def note(self, event: HealthEvent, now: float) -> None:
        """Take a change in. Every change must come here: what is known is made of them."""
        if event.pool.name in self._filters:
            self.kept.status[event.pool.name] = event.pool
        self._review(now)

    def due(self, now: float) -> list[Delivery]:
        """Return what is to be sent now, one message a sink at most."""
        self._review(now)
        for name, notification in self._notifications.items():
            self._advance(notification, self.kept.sinks[name], now)
        heads = [
            _with_dropped(sink.waiting[0], sink.dropped)
            for sink in self.kept.sinks.values()
            if sink.waiting
        ]
        return [head for head in heads if head.not_before <= now]

    @property
    def next_at(self) -> float | None:
        """When `due` may have something next."""
        times = [sink.waiting[0].not_before for sink in self.kept.sinks.values() if sink.waiting]
        for name, notification in self._notifications.items():
            deadlines = (
                one.deadline(notification.notify_after) for one in self.kept.sinks[name].incidents
            )
            times += [deadline for deadline in deadlines if deadline is not None]
        return min(times, default=None)

    def delivered(self, delivery: str) -> None:
        for sink in self.kept.sinks.values():
            if sink.waiting and sink.waiting[0].id == delivery:
                del sink.waiting[0]
                sink.dropped = 0

    def failed(
        self, delivery: str, cause: str, now: float, rand: Callable[[], float]
    ) -> Notice | None:
        """Put a message off, for longer each time; return what the log should say of it."""
        for sink in self.kept.sinks.values():
            if sink.waiting and sink.waiting[0].id == delivery:
                return _put_off(sink, cause, now, rand)
        return None

    def _review(self, now: float) -> None:
        """Bring all incidents in line with how everything stands."""
        for name, notification in self._notifications.items():
            self._review_one(notification, self.kept.sinks[name], now)

    def _review_one(self, notification: Notification, sink: SinkState, now: float) -> None:
        for incident in sink.incidents:
            for target in list(incident.stories):
                condition, cause = condition_of(target, self.kept.status)
                incident.observe(target, condition, cause, now)
        sink.incidents = [one for one in sink.incidents if one.phase is not Phase.OVER]
        in_one = {target for incident in sink.incidents for target in incident.stories}
        for target in self._targets(notification):
            condition, cause = condition_of(target, self.kept.status)
            if target not in in_one and IS_BAD[condition]:
                _incident_for(notification, sink, target, now).observe(
                    target, condition, cause, now
                )

    def _targets(self, notification: Notification) -> Iterable[Target]:
        """What a notification is about: filters that tell nothing leave their objects out."""
        for pool in self.kept.status.values():
            filters = self._filters.get(pool.name)
            if filters is None or (notification.pools and pool.name not in notification.pools):
                continue
            if not filters.pool.disable:
                yield Target(pool.name)
            if not filters.origin.disable:
                for origin in pool.origins:
                    yield Target(pool.name, origin.name)

    def _advance(self, notification: Notification, sink: SinkState, now: float) -> None:
        for incident in sink.incidents:
            deadline = incident.deadline(notification.notify_after)
            if deadline is None or now < deadline:
                continue
            telling = incident.step(Signal.LASTED)
            if telling is not None:
                self._tell(notification, sink, incident, telling, now)
        sink.incidents = [one for one in sink.incidents if one.phase is not Phase.OVER]

    def _tell(
        self,
        notification: Notification,
        sink: SinkState,
        incident: Incident,
        telling: Telling,
        now: float,
    ) -> None:
        stories = [one for one in incident.stories.values() if self._wanted(one.target, telling)]
        if not stories:
            return
        if telling is Telling.START:
            title, lines = start_title(stories), start_lines(stories)
        else:
            title, lines = end_title(stories, now), end_lines(stories, now)
        message = Message(
            notification=notification.name,
            incident=incident.id,
            telling=telling,
            at=now,
            since=incident.began,
            title=title,
            lines=(
                *lines,
                *serving_lines(
                    self._config, self.kept.status, [one.target.pool for one in stories]
                ),
            ),
            affected=tuple(_affected(one, telling) for one in stories[:MOST_LISTED]),
            critical=any(not one.target.origin for one in stories),
        )
        waiting_id = f"{incident.id}-{telling.value}"
        sink.waiting.append(Delivery(id=waiting_id, message=message))
        if len(sink.waiting) > MOST_WAITING:
            del sink.waiting[0]
            sink.dropped += 1

    def _wanted(self, target: Target, telling: Telling) -> bool:
        """Cloudflare's notification_filter: `healthy` picks one of the two changes."""
        filters = self._filters.get(target.pool)
        if filters is None:
            return True  # not configured any more: its incident is brought to its end
        rule: AlertFilter = filters.origin if target.origin else filters.pool
        wanted = {Telling.START: rule.healthy is not True, Telling.END: rule.healthy is not False}
        return not rule.disable and wanted[telling]


def _health_in(status: Status) -> dict[OriginKey, OriginHealth]:
    return {
        (pool.name, one.name): OriginHealth(health=one.health, cause=one.cause)
        for pool in status.values()
        for one in pool.origins
    }


def _incident_for(
    notification: Notification, sink: SinkState, target: Target, now: float
) -> Incident:
    """Return the incident that something newly down belongs to."""
    for incident in sink.incidents:
        if incident.takes(now):
            return incident
    seed = (notification.name, *target, repr(now))
    identity = f"{hash64(*seed):016x}{hash64('', *seed):016x}"
    sink.incidents.append(Incident(id=identity, began=now))
    return sink.incidents[-1]


def _affected(story: Story, telling: Telling) -> Affected:
    start = telling is Telling.START or story.until is None
    return Affected(
        pool=story.target.pool,
        origin=story.target.origin,
        health=Health.UNHEALTHY if start else Health.HEALTHY,
        cause=story.cause,
        since=story.since if story.until is None else story.until,
    )


def _with_dropped(delivery: Delivery, dropped: int) -> Delivery:
    if not dropped:
        return delivery
    word = "message was" if dropped == 1 else "messages were"
    said = f"{dropped} earlier {word} dropped, as this sink could not be reached."
    message = replace(delivery.message, lines=(*delivery.message.lines, said))
    return replace(delivery, message=message)


def _put_off(sink: SinkState, cause: str, now: float, rand: Callable[[], float]) -> Notice | None:
    head = sink.waiting[0]
    name = head.message.notification
    if now - head.message.at >= GIVEN_UP_AFTER:
        del sink.waiting[0]
        sink.dropped += 1
        return Notice(
            message=f"notification {name}: given up after a day ({cause}): {head.message.title}"
        )
    # At most half of each pause is chance, so that pauses grow, and sinks of one host part ways.
    pause = min(FIRST_RETRY * 2 ** min(head.attempts, 16), LONGEST_RETRY) * (0.5 + rand() / 2)
    sink.waiting[0] = replace(head, attempts=head.attempts + 1, not_before=now + pause)
    if head.attempts:
        return None
    return Notice(message=f"notification {name}: not delivered ({cause}); it is tried for a day")
