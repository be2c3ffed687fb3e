"""Discord: the webhook of a channel, whose URL is the secret.

https://docs.discord.com/developers/resources/webhook#execute-webhook (content: 2000 characters)
https://docs.discord.com/developers/resources/message#allowed-mentions-object
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lb.notify.message import OutboundRequest, fit
from lb.notify.sinks.posted import post, text_of
from lb.notify.sinks.sink import Sink, whole_url

if TYPE_CHECKING:
    from lb.model import Notification
    from lb.notify.message import Message

MOST = 2000
_SUPPRESS_EMBEDS = 1 << 2
_MARKDOWN = re.compile(r"([\\*_~|`>#\[\]<])")


def _render(message: Message, settings: Notification, secret: str) -> OutboundRequest:
    """Without mentions, and with Markdown escaped, whatever a name contains."""
    del settings
    return post(
        secret,
        {
            "content": fit(text_of(message), MOST, _escaped),
            "allowed_mentions": {"parse": []},
            "flags": _SUPPRESS_EMBEDS,
        },
    )


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


SINK = Sink(render=_render, secret_problem=whole_url)
