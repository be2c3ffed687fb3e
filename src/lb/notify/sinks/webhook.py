"""Webhook: the body of Cloudflare's own notifications.

https://developers.cloudflare.com/notifications/reference/webhook-payload-schema/

`account_id` is left out, as that page allows: a Worker does not know its account. `policy_id` is
the name of the notification. The `data` of load_balancing_health_alert is not documented: here it
has the terms of that alert's filters (new_health, event_source, pool_id) and of the documented
health check alert.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lb.base.times import rfc3339
from lb.model import Health
from lb.notify.message import MessageKind, OutboundRequest
from lb.notify.sinks.posted import post, text_of
from lb.notify.sinks.sink import Sink, header_value, whole_url

if TYPE_CHECKING:
    from lb.model import Notification
    from lb.notify.message import Affected, Message

_HEALTH = {Health.HEALTHY: "Healthy", Health.UNHEALTHY: "Unhealthy", Health.UNKNOWN: "Unknown"}
_EVENT = {
    MessageKind.START: "ALERT_STATE_EVENT_START",
    MessageKind.END: "ALERT_STATE_EVENT_END",
}


def _render(message: Message, settings: Notification, secret: str) -> OutboundRequest:
    """To `url`, with the secret in cf-webhook-auth; without a `url`, the secret is the URL."""
    document = {
        "name": settings.name,
        "text": text_of(message),
        "data": {
            "status_change_time": rfc3339(message.since),
            "affected": [_affected(one) for one in message.affected],
        },
        "ts": int(message.at),
        "policy_id": settings.name,
        "policy_name": settings.name,
        "alert_type": "load_balancing_health_alert",
        "alert_correlation_id": message.incident,
        "alert_event": _EVENT[message.kind],
    }
    if not settings.url:
        return post(secret, document)
    headers = [("cf-webhook-auth", secret)] if secret else []
    return post(settings.url, document, *headers)


def _affected(one: Affected) -> dict[str, Any]:
    return {
        "event_source": "origin" if one.origin else "pool",
        "pool_id": one.pool,
        "pool_name": one.pool,
        "origin_name": one.origin,
        "new_health": _HEALTH[one.health],
        "reason": one.cause,
        "status_change_time": rfc3339(one.since),
    }


def _secret_problem(settings: Notification, secret: str) -> str | None:
    check = header_value if settings.url else whole_url
    return check(settings, secret)


SINK = Sink(render=_render, secret_problem=_secret_problem)
