"""Requests of the sinks that accept JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lb.notify.message import OutboundRequest, plain

if TYPE_CHECKING:
    from lb.notify.message import Message

USER_AGENT = "Evenkeel-Notifications/1.0"


def post(url: str, document: dict[str, Any], *headers: tuple[str, str]) -> OutboundRequest:
    """Return a request that posts a JSON document."""
    return OutboundRequest(
        method="POST",
        url=url,
        headers=(("Content-Type", "application/json"), ("User-Agent", USER_AGENT), *headers),
        body=json.dumps(document),
    )


def text_of(message: Message) -> str:
    """Return the title and the body of a message as plain text."""
    return plain(f"{message.title}\n{message.body}")
