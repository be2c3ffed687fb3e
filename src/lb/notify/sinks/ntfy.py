"""The ntfy sink: a topic on ntfy.sh or a server of one's own.

https://docs.ntfy.sh/publish/#publish-as-json (to the server's root; nothing of it is a header)
https://docs.ntfy.sh/publish/#limitations (a message has 4,096 bytes, else it is an attachment)

A topic that nobody guards "is essentially a password" (the same page): then its whole URL is the
secret. Where `topic` is configured, the secret is an access token, if there is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.notify.message import OutboundRequest, Telling, fit, plain, utf8
from lb.notify.sinks.posted import post
from lb.notify.sinks.sink import Sink, header_value, whole_url

if TYPE_CHECKING:
    from lb.model import Notification
    from lb.notify.message import Message

SERVER = "https://ntfy.sh"
MOST = 4096
MOST_TITLE = 250
_HIGH, _DEFAULT = 4, 3
_TAGS = {Telling.START: "rotating_light", Telling.END: "white_check_mark"}


def _render(message: Message, settings: Notification, secret: str) -> OutboundRequest:
    """A start has high priority, an end the default one."""
    server, topic = settings.url or SERVER, settings.topic
    headers = [("Authorization", f"Bearer {secret}")] if topic and secret else []
    if not topic:
        server, _, topic = secret.rstrip("/").rpartition("/")
    document = {
        "topic": topic,
        "title": fit(plain(message.title), MOST_TITLE, length=utf8),
        "message": fit(plain(message.body), MOST, length=utf8),
        "priority": _HIGH if message.telling is Telling.START else _DEFAULT,
        "tags": [_TAGS[message.telling]],
    }
    return post(f"{server.rstrip('/')}/", document, *headers)


def _secret_problem(settings: Notification, secret: str) -> str | None:
    check = header_value if settings.topic else whole_url
    return check(settings, secret)


SINK = Sink(render=_render, secret_problem=_secret_problem)
