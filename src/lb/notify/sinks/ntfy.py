"""ntfy: a topic on ntfy.sh or on another server.

https://docs.ntfy.sh/publish/#publish-as-json (sent to the root of the server)
https://docs.ntfy.sh/publish/#limitations (longer than 4,096 bytes becomes an attachment)

A topic without access control "is essentially a password" (the same page): its whole URL is the
secret. With `topic` in the configuration, the secret is an optional access token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.notify.message import MessageKind, OutboundRequest, fit, plain, utf8
from lb.notify.sinks.posted import post
from lb.notify.sinks.sink import Sink, header_value, whole_url

if TYPE_CHECKING:
    from lb.model import Notification
    from lb.notify.message import Message

SERVER = "https://ntfy.sh"
MOST = 4096
MOST_TITLE = 250
_HIGH, _DEFAULT = 4, 3
_TAGS = {MessageKind.START: "rotating_light", MessageKind.END: "white_check_mark"}


def _render(message: Message, settings: Notification, secret: str) -> OutboundRequest:
    """High priority for the start, default priority for the end."""
    server, topic = settings.url or SERVER, settings.topic
    headers = [("Authorization", f"Bearer {secret}")] if topic and secret else []
    if not topic:
        server, _, topic = secret.rstrip("/").rpartition("/")
    document = {
        "topic": topic,
        "title": fit(plain(message.title), MOST_TITLE, length=utf8),
        "message": fit(plain(message.body), MOST, length=utf8),
        "priority": _HIGH if message.kind is MessageKind.START else _DEFAULT,
        "tags": [_TAGS[message.kind]],
    }
    return post(f"{server.rstrip('/')}/", document, *headers)


def _secret_problem(settings: Notification, secret: str) -> str | None:
    check = header_value if settings.topic else whole_url
    return check(settings, secret)


SINK = Sink(render=_render, secret_problem=_secret_problem)
