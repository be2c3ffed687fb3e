"""PagerDuty: Events API v2, whose integration key is the secret.

https://developer.pagerduty.com/docs/events-api-v2/trigger-events/ (summary: 1024 characters,
dedup_key: 255; a resolve with the dedup_key of a trigger closes its incident)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lb.base.times import rfc3339
from lb.notify.message import MessageKind, OutboundRequest, fit, plain
from lb.notify.sinks.posted import post
from lb.notify.sinks.sink import Sink, header_value

if TYPE_CHECKING:
    from lb.model import Notification
    from lb.notify.message import Message

ENQUEUE = "https://events.pagerduty.com/v2/enqueue"
MOST_SUMMARY = 1024
_ACTION = {MessageKind.START: "trigger", MessageKind.END: "resolve"}


def _render(message: Message, settings: Notification, secret: str) -> OutboundRequest:
    """A trigger for the start of an incident, a resolve for its end."""
    document: dict[str, Any] = {
        "routing_key": secret,
        "event_action": _ACTION[message.kind],
        "dedup_key": f"evenkeel-{message.incident}",
    }
    if message.kind is MessageKind.START:
        first = message.affected[0]
        document["client"] = "Evenkeel"
        document["payload"] = {
            "summary": fit(plain(message.title), MOST_SUMMARY),
            "source": f"{first.pool}/{first.origin}" if first.origin else first.pool,
            "severity": "critical" if message.critical else "error",
            "timestamp": rfc3339(message.since),
            "group": first.pool,
            "class": "health",
            "custom_details": {"text": plain(message.body)},
        }
    return post(settings.url or ENQUEUE, document)


SINK = Sink(render=_render, secret_problem=header_value)
