"""The state of an outbox as JSON; a damaged text gives an empty outbox."""

from __future__ import annotations

import json
from typing import Any

from lb.base.stored_json import (
    DamagedError,
    as_enum,
    as_flag,
    as_int,
    as_list,
    as_number,
    as_object,
    as_text,
    parsed,
)
from lb.health.events import OriginStatus, PoolStatus
from lb.model import Health
from lb.notify.incident import Incident, Phase
from lb.notify.message import Affected, Message, MessageKind
from lb.notify.outbox import Delivery, OutboxState, SinkState
from lb.notify.wording import Condition, Outage, Target


def to_json(state: OutboxState) -> str:
    """Return the JSON of an outbox."""
    document = {
        "status": [_pool_row(pool) for pool in state.status.values()],
        "sinks": {
            name: {
                "incidents": [_incident_row(one) for one in sink.incidents],
                "waiting": [_delivery_row(one) for one in sink.waiting],
                "dropped": sink.dropped,
            }
            for name, sink in state.sinks.items()
        },
    }
    return json.dumps(document, separators=(",", ":"))


def from_json(text: str) -> OutboxState:
    """Return the state of an outbox; an empty one for any other text."""
    try:
        document = as_object(parsed(text))
        pools = [_pool(row) for row in as_list(document["status"])]
        return OutboxState(
            status={pool.name: pool for pool in pools},
            sinks={name: _sink(sink) for name, sink in as_object(document["sinks"]).items()},
        )
    except (ValueError, KeyError):
        return OutboxState()


def _sink(value: object) -> SinkState:
    sink = as_object(value)
    return SinkState(
        incidents=[_incident(one) for one in as_list(sink["incidents"])],
        waiting=[_delivery(one) for one in as_list(sink["waiting"])],
        dropped=as_int(sink["dropped"]),
    )


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


def _pool(row: object) -> PoolStatus:
    name, enabled, health, monitored, minimum_origins, origins = as_list(row)
    return PoolStatus(
        name=as_text(name),
        enabled=as_flag(enabled),
        health=as_enum(Health, health),
        monitored=as_flag(monitored),
        minimum_origins=as_int(minimum_origins),
        origins=tuple(_origin(one) for one in as_list(origins)),
    )


def _origin(row: object) -> OriginStatus:
    name, address, enabled, health, cause = as_list(row)
    return OriginStatus(
        name=as_text(name),
        address=as_text(address),
        enabled=as_flag(enabled),
        health=as_enum(Health, health),
        cause=as_text(cause),
    )


def _incident_row(incident: Incident) -> list[Any]:
    outages = [
        [*one.target, one.since, one.cause, one.until, one.condition.value]
        for one in incident.outages.values()
    ]
    return [incident.id, incident.began, incident.phase.value, outages]


def _incident(row: object) -> Incident:
    identity, began, phase, outages = as_list(row)
    found = [_outage(one) for one in as_list(outages)]
    if not found:
        raise DamagedError  # an incident has at least one outage
    return Incident(
        id=as_text(identity),
        began=as_number(began),
        phase=as_enum(Phase, phase),
        outages={one.target: one for one in found},
    )


def _outage(row: object) -> Outage:
    pool, origin, since, cause, until, condition = as_list(row)
    return Outage(
        Target(as_text(pool), as_text(origin)),
        as_number(since),
        as_text(cause),
        None if until is None else as_number(until),
        as_enum(Condition, condition),
    )


def _delivery_row(delivery: Delivery) -> dict[str, Any]:
    message = delivery.message
    return {
        "id": delivery.id,
        "attempts": delivery.attempts,
        "not_before": delivery.not_before,
        "notification": message.notification,
        "incident": message.incident,
        "telling": message.kind.value,
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


def _delivery(value: object) -> Delivery:
    row = as_object(value)
    return Delivery(
        id=as_text(row["id"]),
        attempts=as_int(row["attempts"]),
        not_before=as_number(row["not_before"]),
        message=Message(
            notification=as_text(row["notification"]),
            incident=as_text(row["incident"]),
            kind=as_enum(MessageKind, row["telling"]),
            at=as_number(row["at"]),
            since=as_number(row["since"]),
            title=as_text(row["title"]),
            lines=tuple(as_text(line) for line in as_list(row["lines"])),
            affected=tuple(_affected(one) for one in as_list(row["affected"])),
            critical=as_flag(row["critical"]),
        ),
    )


def _affected(row: object) -> Affected:
    pool, origin, health, cause, since = as_list(row)
    return Affected(
        pool=as_text(pool),
        origin=as_text(origin),
        health=as_enum(Health, health),
        cause=as_text(cause),
        since=as_number(since),
    )
