"""Whom to tell what, when, and how: one module a sink, all of one shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.model import SinkType
from lb.notify.sinks import discord, email, ntfy, pagerduty, slack, telegram, webhook

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lb.model import Notification
    from lb.notify.message import Message, OutboundRequest

SINKS: Mapping[SinkType, Callable[[Message, Notification, str], OutboundRequest]] = {
    SinkType.WEBHOOK: webhook.render,
    SinkType.SLACK: slack.render,
    SinkType.DISCORD: discord.render,
    SinkType.TELEGRAM: telegram.render,
    SinkType.NTFY: ntfy.render,
    SinkType.PAGERDUTY: pagerduty.render,
    SinkType.EMAIL: email.render,
}
"""Each makes the request that tells a message. The text is the value of the secret, "" without."""
