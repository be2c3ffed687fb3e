"""The Telegram sink: a bot, whose token is the secret, writes to a chat.

https://core.telegram.org/bots/api#sendmessage (1 to 4096 characters after entities are parsed)
https://core.telegram.org/bots/api#html-style (only <, > and & are escaped)
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from lb.notify.message import OutboundRequest, fit, plain, utf16
from lb.notify.sinks.posted import post

if TYPE_CHECKING:
    from lb.model import Notification
    from lb.notify.message import Message

API = "https://api.telegram.org"
MOST = 4096
_MOST_TITLE = 512


def render(message: Message, settings: Notification, secret: str) -> OutboundRequest:
    """The title in bold, the rest plain; no name can be markup."""
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
