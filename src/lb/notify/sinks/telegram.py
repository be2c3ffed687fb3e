"""Telegram: messages of a bot, whose token is the secret, to a chat.

https://core.telegram.org/bots/api#sendmessage (1 to 4096 characters after entities are parsed)
https://core.telegram.org/bots/api#html-style (only <, > and & are escaped)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from lb.notify.message import OutboundRequest, fit, plain, utf16
from lb.notify.sinks.posted import post
from lb.notify.sinks.sink import Sink

if TYPE_CHECKING:
    from lb.model import Notification
    from lb.notify.message import Message

API = "https://api.telegram.org"
MOST = 4096
_MOST_TITLE = 512
_BOT_TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")


def _render(message: Message, settings: Notification, secret: str) -> OutboundRequest:
    """HTML with the title in bold; names are escaped."""
    title = fit(plain(message.title), _MOST_TITLE, _escaped, utf16)
    rest = MOST - utf16(title) - len("<b></b>\n")
    body = fit(plain(message.body), rest, _escaped, utf16)
    url = f"{(settings.url or API).rstrip('/')}/bot{quote(secret, safe=':')}/sendMessage"
    return post(
        url,
        {
            "chat_id": settings.chat_id,
            "text": f"<b>{title}</b>\n{body}",
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": True},
        },
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _secret_problem(settings: Notification, secret: str) -> str | None:
    if _BOT_TOKEN.fullmatch(secret):
        return None
    return f"the secret {settings.secret} is not a bot's token, such as 123456:ABC"


SINK = Sink(render=_render, secret_problem=_secret_problem)
