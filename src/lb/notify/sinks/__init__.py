"""The sinks by type: one module each, with the request and the check of the secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.model import SinkType
from lb.notify.sinks import discord, email, ntfy, pagerduty, slack, telegram, webhook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.notify.sinks.sink import Sink

SINKS: Mapping[SinkType, Sink] = {
    SinkType.WEBHOOK: webhook.SINK,
    SinkType.SLACK: slack.SINK,
    SinkType.DISCORD: discord.SINK,
    SinkType.TELEGRAM: telegram.SINK,
    SinkType.NTFY: ntfy.SINK,
    SinkType.PAGERDUTY: pagerduty.SINK,
    SinkType.EMAIL: email.SINK,
}
