"""A message for every sink, and the settings of each sink."""

from __future__ import annotations

from typing import Any

from lb.model import Health, SinkType
from lb.notify.message import Affected, Message, MessageKind

INCIDENT = "0123456789abcdef0123456789abcdef"
SETTINGS: dict[SinkType, dict[str, Any]] = {
    SinkType.WEBHOOK: {"url": "https://sink.example.com/hook", "secret": "HOOK"},
    SinkType.SLACK: {"secret": "SLACK"},
    SinkType.DISCORD: {"secret": "DISCORD"},
    SinkType.TELEGRAM: {"secret": "BOT", "chat_id": "-1001"},
    SinkType.NTFY: {"topic": "alerts", "secret": "NTFY"},
    SinkType.PAGERDUTY: {"secret": "KEY"},
    SinkType.EMAIL: {"to": "ops@example.com", "sender": "lb@example.net"},
}
SECRETS = {
    SinkType.WEBHOOK: "hush",
    SinkType.SLACK: "https://hooks.slack.com/services/T0/B0/hush",
    SinkType.DISCORD: "https://discord.com/api/webhooks/1/hush",
    SinkType.TELEGRAM: "123:hush",
    SinkType.NTFY: "tk_hush",
    SinkType.PAGERDUTY: "hush",
    SinkType.EMAIL: "",
}


def message(kind: MessageKind = MessageKind.START, **fields: Any) -> Message:
    """Return the message that origin a went down at 2025-11-20 00:53:20."""
    start = kind is MessageKind.START
    known: dict[str, Any] = {
        "notification": "ops",
        "incident": INCIDENT,
        "kind": kind,
        "at": 1_763_600_060.0,
        "since": 1_763_600_000.0,
        "title": "a in pool p is down" if start else "a in pool p is healthy again",
        "lines": ("a in pool p: down since then (HTTP timeout occurred).", "x: served by b & <c>."),
        "affected": (
            Affected(
                pool="p",
                origin="a",
                health=Health.UNHEALTHY if start else Health.HEALTHY,
                cause="HTTP timeout occurred",
                since=1_763_600_000.0,
            ),
        ),
        "critical": False,
    }
    return Message(**{**known, **fields})
