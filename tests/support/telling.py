"""A configuration with scripted health, and the messages of its outbox."""

from __future__ import annotations

from typing import Any

from lb.health.events import Status, changes, status_of
from lb.health.verdict import OriginHealth
from lb.model import Config, Health, Notification, SinkType
from lb.notify.message import Message
from lb.notify.outbox import Delivery, Outbox, OutboxState
from support.make import balancer_of, monitor, pool

HEALTH = {"+": Health.HEALTHY, "-": Health.UNHEALTHY, "?": Health.UNKNOWN}


def notification(name: str = "ops", **fields: Any) -> Notification:
    """Return a notification to a webhook."""
    fields.setdefault("url", "https://sink.example.com/hook")
    fields.setdefault("type", SinkType.WEBHOOK)
    return Notification(name=name, **fields)


def config(*notifications: Notification, **fields: Any) -> Config:
    """Return pool "primary" of a, b, c, with these fields, and pool "replica" of d."""
    primary = pool("primary", "a", "b", "c", monitor=monitor(), **fields)
    replica = pool("replica", "d", monitor=monitor())
    return Config(
        load_balancers=(balancer_of(primary, replica, name="service.example.com"),),
        pools=(primary, replica),
        notifications=notifications or (notification(),),
    )


def status(of: Config, marks: str, now: float = 0.0) -> Status:
    """Return the status when the origins' health is as marked: `+-+ +`."""
    origins = [one for pool in of.pools for one in pool.origins]
    health = {
        origin.key: OriginHealth(
            health=HEALTH[mark], cause="HTTP timeout occurred" if mark == "-" else ""
        )
        for origin, mark in zip(origins, marks.replace(" ", ""), strict=True)
    }
    return status_of(of, health, now)


class Story:
    """An outbox and its clock: `at(60, "-++ +")` sets everything's health from that time on."""

    def __init__(self, of: Config | None = None, kept: OutboxState | None = None) -> None:
        self.config = of or config()
        self.outbox = Outbox(self.config, self.config.notifications, 0.0, kept)
        self.status = status(self.config, "??? ?")

    def due(self, now: float, marks: str = "") -> list[Delivery]:
        """Advance to `now`, with health as marked; return the due deliveries."""
        if marks:
            after = status(self.config, marks, now)
            for event in changes(self.status, after, now):
                self.outbox.note(event, now)
            self.status = after
        return self.outbox.due(now)

    def at(self, now: float, marks: str = "") -> list[Message]:
        """Advance to `now`, deliver everything that is due, and return its messages."""
        told = []
        while due := self.due(now, marks):
            marks = ""
            for one in due:
                told.append(one.message)
                self.outbox.delivered(one.id)
        return told

    def waits_until(self) -> float | None:
        """The time of the next due delivery; None = there is none."""
        return self.outbox.next_at

    def titles(self, now: float, marks: str = "") -> list[str]:
        """Advance to `now`, deliver everything that is due, and return its titles."""
        return [message.title for message in self.at(now, marks)]
