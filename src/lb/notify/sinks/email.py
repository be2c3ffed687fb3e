"""E-mail: the source of a message, for a `send_email` binding.

https://developers.cloudflare.com/email-routing/email-workers/send-email-workers/
RFC 5322 (lines and headers), RFC 2047 (non-ASCII headers), RFC 2045 6.8 (base64),
RFC 3834 5 (Auto-Submitted). Without Python's email package, which would load 16 more modules into
every isolate for eight header lines.
"""

from __future__ import annotations

from base64 import b64encode, encodebytes
from typing import TYPE_CHECKING

from lb.base.times import rfc5322
from lb.notify.message import MessageKind, OutboundRequest, fit, plain
from lb.notify.sinks.sink import Sink, no_secret

if TYPE_CHECKING:
    from lb.model import Notification
    from lb.notify.message import Message

_MOST_SUBJECT = 200
_BYTES_A_WORD = 39
"""Bytes of text in an encoded word: its line, `Subject: ` included, has 76 characters at most
(RFC 2047 2)."""


def _render(message: Message, settings: Notification, secret: str) -> OutboundRequest:
    """The binding and the envelope as headers, and the source of the message as the body."""
    del secret
    domain = settings.sender.rpartition("@")[2]
    start = f"<{message.incident}-{MessageKind.START.value}@{domain}>"
    headers = [
        ("From", f"Evenkeel <{settings.sender}>"),
        ("To", f"<{settings.to}>"),
        ("Subject", _encoded(fit(plain(message.title).replace("\n", " "), _MOST_SUBJECT))),
        ("Date", rfc5322(message.at)),
        ("Message-ID", f"<{message.incident}-{message.kind.value}@{domain}>"),
        *([("In-Reply-To", start)] if message.kind is MessageKind.END else []),
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Transfer-Encoding", "base64"),
    ]
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    text = plain(message.body).replace("\n", "\r\n") + "\r\n"
    body = encodebytes(text.encode()).decode().replace("\n", "\r\n")
    return OutboundRequest(
        method="SEND",
        url=f"mailto:{settings.to}",
        headers=(("Binding", settings.binding), ("From", settings.sender), ("To", settings.to)),
        body=f"{head}\r\n{body}",
    )


def _encoded(text: str) -> str:
    """Return a header value: unchanged if it is ASCII, else as encoded words, one a line."""
    if text.isascii() and "=?" not in text:
        return text
    words, rest = [], text
    while rest:
        size = _BYTES_A_WORD
        while len(rest[:size].encode()) > _BYTES_A_WORD:
            size -= 1
        words.append(f"=?utf-8?B?{b64encode(rest[:size].encode()).decode()}?=")
        rest = rest[size:]
    return "\r\n ".join(words)


SINK = Sink(render=_render, secret_problem=no_secret, uses_binding=True)
