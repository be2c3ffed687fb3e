"""Which message is due to whom and when: a state machine over health and time, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lb.base.hashing import hash64
from lb.health.events import status_of
from lb.health.snapshot import Snapshot
from lb.health.verdict import OriginHealth
from lb.log_events import Notice
from lb.model import AlertFilter, Health
from lb.notify.incident import Incident, Phase, Signal
from lb.notify.message import Affected, Message, MessageKind
from lb.notify.wording import (
    IS_BAD,
    MOST_LISTED,
    Outage,
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
"""Most messages that wait for a sink; beyond it the oldest one is dropped, and counted."""
FIRST_RETRY = 10.0
LONGEST_RETRY = 3600.0
GIVEN_UP_AFTER = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message to be delivered."""

    id: str
    message: Message
    attempts: int = 0
    not_before: float = 0.0


@dataclass(slots=True, kw_only=True)
class SinkState:
    """State of one notification."""

    incidents: list[Incident] = field(default_factory=list)
    waiting: list[Delivery] = field(default_factory=list)
    """In order. Only the first one is sent, so that no end arrives before its start."""
    dropped: int = 0


@dataclass(slots=True, kw_only=True)
class OutboxState:
    """State of an outbox: plain data that lb.notify.stored writes and reads."""

    status: Status = field(default_factory=dict)
    """Status of the pools after the latest event."""
    sinks: dict[str, SinkState] = field(default_factory=dict)


class Outbox:
    """Messages of the notifications in `active`; the stored state of others is dropped."""

    def __init__(
        self,
        config: Config,
        active: Iterable[Notification],
        now: float,
        stored: OutboxState | None = None,
    ) -> None:
        self._config = config
        self._notifications = {one.name: one for one in active}
        self._filters = {pool.name: pool.notification_filter for pool in config.pools}
        stored = stored or OutboxState()
        self.state = OutboxState(
            # The configuration may have changed since.
            status=status_of(config, _health_in(stored.status), now),
            sinks={name: stored.sinks.get(name, SinkState()) for name in self._notifications},
        )

    def note(self, event: HealthEvent, now: float) -> None:
        """Record a change. The status is the sum of all changes, so none may be left out."""
        if event.pool.name in self._filters:
            self.state.status[event.pool.name] = event.pool
        self._review(now)

    def due(self, now: float) -> list[Delivery]:
        """Return the messages to send now, at most one for each sink."""
        self._review(now)
        for name, notification in self._notifications.items():
            self._advance(notification, self.state.sinks[name], now)
        heads = [
            _with_dropped(sink.waiting[0], sink.dropped)
            for sink in self.state.sinks.values()
            if sink.waiting
        ]
        return [head for head in heads if head.not_before <= now]

    @property
    def next_at(self) -> float | None:
        """Earliest time at which `due` may return something; None = nothing is pending."""
        times = [sink.waiting[0].not_before for sink in self.state.sinks.values() if sink.waiting]
        for name, notification in self._notifications.items():
            deadlines = (
                one.deadline(notification.notify_after) for one in self.state.sinks[name].incidents
            )
            times += [deadline for deadline in deadlines if deadline is not None]
        return min(times, default=None)

    def delivered(self, delivery: str) -> None:
        """Remove a delivered message."""
        for sink in self.state.sinks.values():
            if sink.waiting and sink.waiting[0].id == delivery:
                del sink.waiting[0]
                sink.dropped = 0

    def failed(
        self, delivery: str, cause: str, now: float, rand: Callable[[], float]
    ) -> Notice | None:
        """Postpone a message, for longer each time; return what is to be logged."""
        for sink in self.state.sinks.values():
            if sink.waiting and sink.waiting[0].id == delivery:
                return _put_off(sink, cause, now, rand)
        return None

    def _review(self, now: float) -> None:
        """Update all incidents to the present status."""
        for name, notification in self._notifications.items():
            self._review_one(notification, self.state.sinks[name], now)

    def _review_one(self, notification: Notification, sink: SinkState, now: float) -> None:
        for incident in sink.incidents:
            for target in list(incident.outages):
                condition, cause = condition_of(target, self.state.status)
                incident.observe(target, condition, cause, now)
        sink.incidents = [one for one in sink.incidents if one.phase is not Phase.OVER]
        in_one = {target for incident in sink.incidents for target in incident.outages}
        for target in self._targets(notification):
            condition, cause = condition_of(target, self.state.status)
            if target not in in_one and IS_BAD[condition]:
                _incident_for(notification, sink, target, now).observe(
                    target, condition, cause, now
                )

    def _targets(self, notification: Notification) -> Iterable[Target]:
        """Yield the pools and origins of a notification that no filter excludes."""
        for pool in self.state.status.values():
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
            kind = incident.step(Signal.LASTED)
            if kind is not None:
                self._queue_message(notification, sink, incident, kind, now)
        sink.incidents = [one for one in sink.incidents if one.phase is not Phase.OVER]

    def _queue_message(
        self,
        notification: Notification,
        sink: SinkState,
        incident: Incident,
        kind: MessageKind,
        now: float,
    ) -> None:
        outages = [one for one in incident.outages.values() if self._wanted(one.target, kind)]
        if not outages:
            return
        if kind is MessageKind.START:
            title, lines = start_title(outages), start_lines(outages)
        else:
            title, lines = end_title(outages, now), end_lines(outages, now)
        message = Message(
            notification=notification.name,
            incident=incident.id,
            kind=kind,
            at=now,
            since=incident.began,
            title=title,
            lines=(
                *lines,
                *serving_lines(
                    self._config,
                    Snapshot(_health_in(self.state.status), {}, now),
                    [one.target.pool for one in outages],
                ),
            ),
            affected=tuple(_affected(one, kind) for one in outages[:MOST_LISTED]),
            critical=any(not one.target.origin for one in outages),
        )
        waiting_id = f"{incident.id}-{kind.value}"
        sink.waiting.append(Delivery(id=waiting_id, message=message))
        if len(sink.waiting) > MOST_WAITING:
            del sink.waiting[0]
            sink.dropped += 1

    def _wanted(self, target: Target, kind: MessageKind) -> bool:
        """Whether the filter of the pool allows a message: `healthy` selects one of the two."""
        filters = self._filters.get(target.pool)
        if filters is None:
            return True  # no longer configured: the end of its incident is sent
        rule: AlertFilter = filters.origin if target.origin else filters.pool
        wanted = {
            MessageKind.START: rule.healthy is not True,
            MessageKind.END: rule.healthy is not False,
        }
        return not rule.disable and wanted[kind]


def _health_in(status: Status) -> dict[OriginKey, OriginHealth]:
    return {
        (pool.name, one.name): OriginHealth(health=one.health, cause=one.cause)
        for pool in status.values()
        for one in pool.origins
    }


def _incident_for(
    notification: Notification, sink: SinkState, target: Target, now: float
) -> Incident:
    """Return the incident that a new outage belongs to."""
    for incident in sink.incidents:
        if incident.accepts(now):
            return incident
    seed = (notification.name, *target, repr(now))
    identity = f"{hash64(*seed):016x}{hash64('', *seed):016x}"
    sink.incidents.append(Incident(id=identity, began=now))
    return sink.incidents[-1]


def _affected(outage: Outage, kind: MessageKind) -> Affected:
    start = kind is MessageKind.START or outage.until is None
    return Affected(
        pool=outage.target.pool,
        origin=outage.target.origin,
        health=Health.UNHEALTHY if start else Health.HEALTHY,
        cause=outage.cause,
        since=outage.since if outage.until is None else outage.until,
    )


def _with_dropped(delivery: Delivery, dropped: int) -> Delivery:
    if not dropped:
        return delivery
    word = "message was" if dropped == 1 else "messages were"
    line = f"{dropped} earlier {word} dropped, as this sink could not be reached."
    message = replace(delivery.message, lines=(*delivery.message.lines, line))
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
    # At most half of each pause is random, so that pauses grow, and retries to one host spread out.
    pause = min(FIRST_RETRY * 2 ** min(head.attempts, 16), LONGEST_RETRY) * (0.5 + rand() / 2)
    sink.waiting[0] = replace(head, attempts=head.attempts + 1, not_before=now + pause)
    if head.attempts:
        return None
    return Notice(message=f"notification {name}: not delivered ({cause}); it is tried for a day")
