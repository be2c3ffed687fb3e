"""An outbox as one JSON text, and back: a text that is damaged is an outbox that is empty."""

from __future__ import annotations

import json
from math import isfinite
from typing import TYPE_CHECKING, Any

from lb.health.events import OriginStatus, PoolStatus
from lb.model import Health
from lb.notify.incident import Incident, Phase
from lb.notify.message import Affected, Message, Telling
from lb.notify.outbox import Delivery, OutboxState, Sink
from lb.notify.wording import Condition, Story, Target

if TYPE_CHECKING:
    from collections.abc import Callable


def to_json(kept: OutboxState) -> str:
    """Return the text of what an outbox remembers."""
    document = {
        "status": [_pool_row(pool) for pool in kept.status.values()],
        "sinks": {
            name: {
                "incidents": [_incident_row(one) for one in sink.incidents],
                "waiting": [_delivery_row(one) for one in sink.waiting],
                "dropped": sink.dropped,
            }
            for name, sink in kept.sinks.items()
        },
    }
    return json.dumps(document, separators=(",", ":"))


def from_json(text: str) -> OutboxState:
    """Return what a text holds; any other text gives what an outbox starts from."""
    try:
        document = json.loads(text)
        pools = [_pool(row) for row in document["status"]]
        return OutboxState(
            status={pool.name: pool for pool in pools},
            sinks={
                name: Sink(
                    incidents=[_incident(one) for one in sink["incidents"]],
                    waiting=[_delivery(one) for one in sink["waiting"]],
                    dropped=_as(int, sink["dropped"]),
                )
                for name, sink in document["sinks"].items()
            },
        )
    # What a text that is not ours can lead to.
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return OutboxState()


def _as(kind: Callable[[Any], Any], value: Any) -> Any:
    """Return a value that is of a kind already: nothing is converted but whole numbers."""
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind or (kind is float and not isfinite(value)):
        raise TypeError
    return value


def _time_or_none(value: Any) -> float | None:
    return None if value is None else float(_as(float, value))


def _pool_row(pool: PoolStatus) -> list[Any]:
    origins = [
        [one.name, one.address, one.enabled, one.health.value, one.cause] for one in pool.origins
    ]
    return [
        pool.name,
        pool.enabled,
        pool.health.value,
        pool.monitored,
        pool.minimum_origins,
        origins,
    ]


def _pool(row: Any) -> PoolStatus:
    name, enabled, health, monitored, minimum_origins, origins = row
    return PoolStatus(
        name=_as(str, name),
        enabled=_as(bool, enabled),
        health=Health(health),
        monitored=_as(bool, monitored),
        minimum_origins=_as(int, minimum_origins),
        origins=tuple(_origin(one) for one in origins),
    )


def _origin(row: Any) -> OriginStatus:
    name, address, enabled, health, cause = row
    return OriginStatus(
        name=_as(str, name),
        address=_as(str, address),
        enabled=_as(bool, enabled),
        health=Health(health),
        cause=_as(str, cause),
    )


def _incident_row(incident: Incident) -> list[Any]:
    stories = [
        [*one.target, one.since, one.cause, one.until, one.condition.value]
        for one in incident.stories.values()
    ]
    return [incident.id, incident.began, incident.phase.value, stories]


def _incident(row: Any) -> Incident:
    identity, began, phase, stories = row
    told = [_story(one) for one in stories]
    incident = Incident(
        id=_as(str, identity),
        began=_as(float, began),
        phase=Phase(phase),
        stories={one.target: one for one in told},
    )
    if not told:
        raise ValueError  # an incident is made with its first trouble, and ends with its last
    return incident


def _story(row: Any) -> Story:
    pool, origin, since, cause, until, condition = row
    return Story(
        Target(_as(str, pool), _as(str, origin)),
        _as(float, since),
        _as(str, cause),
        _time_or_none(until),
        Condition(condition),
    )


def _delivery_row(delivery: Delivery) -> dict[str, Any]:
    message = delivery.message
    return {
        "id": delivery.id,
        "attempts": delivery.attempts,
        "not_before": delivery.not_before,
        "notification": message.notification,
        "incident": message.incident,
        "telling": message.telling.value,
        "at": message.at,
        "since": message.since,
        "title": message.title,
        "lines": message.lines,
        "affected": [
            [one.pool, one.origin, one.health.value, one.cause, one.since]
            for one in message.affected
        ],
        "critical": message.critical,
    }


def _delivery(row: Any) -> Delivery:
    return Delivery(
        id=_as(str, row["id"]),
        attempts=_as(int, row["attempts"]),
        not_before=_as(float, row["not_before"]),
        message=Message(
            notification=_as(str, row["notification"]),
            incident=_as(str, row["incident"]),
            telling=Telling(row["telling"]),
            at=_as(float, row["at"]),
            since=_as(float, row["since"]),
            title=_as(str, row["title"]),
            lines=tuple(_as(str, line) for line in row["lines"]),
            affected=tuple(_affected(one) for one in row["affected"]),
            critical=_as(bool, row["critical"]),
        ),
    )


def _affected(row: Any) -> Affected:
    pool, origin, health, cause, since = row
    return Affected(
        pool=_as(str, pool),
        origin=_as(str, origin),
        health=Health(health),
        cause=_as(str, cause),
        since=_as(float, since),
    )
