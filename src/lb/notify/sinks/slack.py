"""Slack: an incoming webhook, whose URL is the secret.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/
https://docs.slack.dev/messaging/formatting-message-text/ (only &, < and > are escaped)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.notify.message import OutboundRequest, fit
from lb.notify.sinks.posted import post, text_of
from lb.notify.sinks.sink import Sink, whole_url

if TYPE_CHECKING:
    from lb.model import Notification
    from lb.notify.message import Message

MOST = 4000
"""Most characters, as Slack recommends; it truncates at 40,000
(https://docs.slack.dev/changelog/2018-04-truncating-really-long-messages/)."""


def _render(message: Message, settings: Notification, secret: str) -> OutboundRequest:
    """Plain text without markup: a name can neither mention a channel nor make a link."""
    del settings
    text = fit(text_of(message), MOST, _escaped)
    return post(secret, {"text": text, "mrkdwn": False, "unfurl_links": False})


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


SINK = Sink(render=_render, secret_problem=whole_url)
