"""The exact request of each sink."""

from __future__ import annotations

import json
from email import message_from_string, policy
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from lb.model import Health, Notification, SinkType
from lb.notify.message import (
    Affected,
    Message,
    MessageKind,
    OutboundRequest,
    fit,
    plain,
    utf8,
    utf16,
)
from lb.notify.sinks import SINKS
from support.messages import INCIDENT, SECRETS, SETTINGS, message


def sent(kind: SinkType, given: Message | None = None, **settings: Any) -> OutboundRequest:
    """Return the request of a sink of this type."""
    fields = {"name": "ops", "type": kind, **SETTINGS[kind], **settings}
    return SINKS[kind].render(given or message(), Notification(**fields), SECRETS[kind])


def body(request: OutboundRequest) -> Any:
    """Return the JSON document that a request posts."""
    assert request.method == "POST"
    assert request.headers[:2] == (
        ("Content-Type", "application/json"),
        ("User-Agent", "Evenkeel-Notifications/1.0"),
    )
    return json.loads(request.body)


def test_every_type_has_a_sink() -> None:
    """The table is total."""
    assert set(SINKS) == set(SinkType)


def test_webhook() -> None:
    """The body of Cloudflare's notifications, with the secret in a header."""
    request = sent(SinkType.WEBHOOK)

    assert request.url == "https://sink.example.com/hook"
    assert request.headers[2:] == (("cf-webhook-auth", "hush"),)
    assert body(request) == {
        "name": "ops",
        "text": "a in pool p is down\n"
        "a in pool p: down since then (HTTP timeout occurred).\n"
        "x: served by b & <c>.",
        "data": {
            "status_change_time": "2025-11-20T00:53:20Z",
            "affected": [
                {
                    "event_source": "origin",
                    "pool_id": "p",
                    "pool_name": "p",
                    "origin_name": "a",
                    "new_health": "Unhealthy",
                    "reason": "HTTP timeout occurred",
                    "status_change_time": "2025-11-20T00:53:20Z",
                }
            ],
        },
        "ts": 1_763_600_060,
        "policy_id": "ops",
        "policy_name": "ops",
        "alert_type": "load_balancing_health_alert",
        "alert_correlation_id": INCIDENT,
        "alert_event": "ALERT_STATE_EVENT_START",
    }
    assert body(sent(SinkType.WEBHOOK, message(MessageKind.END)))["alert_event"] == (
        "ALERT_STATE_EVENT_END"
    )


def test_a_webhook_whose_url_is_the_secret() -> None:
    """The request goes to that URL, with no secret in a header."""
    settings = Notification(name="ops", type=SinkType.WEBHOOK, secret="HOOK")
    request = SINKS[SinkType.WEBHOOK].render(message(), settings, "https://x.example/hush")
    assert request.url == "https://x.example/hush"
    assert len(request.headers) == 2


def test_slack() -> None:
    """Text without markup, with &, < and > escaped."""
    request = sent(SinkType.SLACK)
    assert request.url == SECRETS[SinkType.SLACK]
    assert body(request) == {
        "text": "a in pool p is down\n"
        "a in pool p: down since then (HTTP timeout occurred).\n"
        "x: served by b &amp; &lt;c&gt;.",
        "mrkdwn": False,
        "unfurl_links": False,
    }


def test_discord() -> None:
    """No mentions are allowed, and Markdown is escaped."""
    request = sent(SinkType.DISCORD, message(title="@everyone *a_b* is down", lines=()))
    assert request.url == SECRETS[SinkType.DISCORD]
    assert body(request) == {
        "content": "@everyone \\*a\\_b\\* is down\n",
        "allowed_mentions": {"parse": []},
        "flags": 4,
    }


def test_telegram() -> None:
    """The bot's token is in the URL; the title is bold."""
    request = sent(SinkType.TELEGRAM)
    assert request.url == "https://api.telegram.org/bot123:hush/sendMessage"
    assert body(request) == {
        "chat_id": "-1001",
        "text": "<b>a in pool p is down</b>\n"
        "a in pool p: down since then (HTTP timeout occurred).\n"
        "x: served by b &amp; &lt;c&gt;.",
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }
    own = sent(SinkType.TELEGRAM, url="https://bots.example.com/")
    assert own.url == "https://bots.example.com/bot123:hush/sendMessage"


def test_ntfy() -> None:
    """JSON to the root of the server, with an access token, or to the topic in the secret."""
    request = sent(SinkType.NTFY)
    assert request.url == "https://ntfy.sh/"
    assert request.headers[2:] == (("Authorization", "Bearer tk_hush"),)
    assert body(request) == {
        "topic": "alerts",
        "title": "a in pool p is down",
        "message": "a in pool p: down since then (HTTP timeout occurred).\nx: served by b & <c>.",
        "priority": 4,
        "tags": ["rotating_light"],
    }
    end = body(sent(SinkType.NTFY, message(MessageKind.END)))
    assert (end["priority"], end["tags"]) == (3, ["white_check_mark"])

    settings = Notification(name="ops", type=SinkType.NTFY, secret="NTFY")
    whole = SINKS[SinkType.NTFY].render(message(), settings, "https://n.example/deep/topic")
    assert (whole.url, body(whole)["topic"]) == ("https://n.example/deep/", "topic")
    assert len(whole.headers) == 2


def test_pagerduty() -> None:
    """A trigger, and a resolve with the same dedup_key."""
    request = sent(SinkType.PAGERDUTY)
    assert request.url == "https://events.pagerduty.com/v2/enqueue"
    assert body(request) == {
        "routing_key": "hush",
        "event_action": "trigger",
        "dedup_key": f"evenkeel-{INCIDENT}",
        "client": "Evenkeel",
        "payload": {
            "summary": "a in pool p is down",
            "source": "p/a",
            "severity": "error",
            "timestamp": "2025-11-20T00:53:20Z",
            "group": "p",
            "class": "health",
            "custom_details": {
                "text": "a in pool p: down since then (HTTP timeout occurred).\n"
                "x: served by b & <c>."
            },
        },
    }
    assert body(sent(SinkType.PAGERDUTY, message(MessageKind.END))) == {
        "routing_key": "hush",
        "event_action": "resolve",
        "dedup_key": f"evenkeel-{INCIDENT}",
    }
    critical = sent(SinkType.PAGERDUTY, message(critical=True), url="https://events.eu.example/")
    assert body(critical)["payload"]["severity"] == "critical"
    assert critical.url == "https://events.eu.example/"


def test_email() -> None:
    """A complete message; the end is a reply to the start."""
    request = sent(SinkType.EMAIL, message(MessageKind.END))
    assert (request.method, request.url) == ("SEND", "mailto:ops@example.com")
    assert dict(request.headers) == {
        "Binding": "LB_EMAIL",
        "From": "lb@example.net",
        "To": "ops@example.com",
    }
    assert request.body == (
        "From: Evenkeel <lb@example.net>\r\n"
        "To: <ops@example.com>\r\n"
        "Subject: a in pool p is healthy again\r\n"
        "Date: Thu, 20 Nov 2025 00:54:20 +0000\r\n"
        f"Message-ID: <{INCIDENT}-end@example.net>\r\n"
        f"In-Reply-To: <{INCIDENT}-start@example.net>\r\n"
        "Auto-Submitted: auto-generated\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        "\r\n"
        "YSBpbiBwb29sIHA6IGRvd24gc2luY2UgdGhlbiAoSFRUUCB0aW1lb3V0IG9jY3VycmVkKS4NCng6\r\n"
        "IHNlcnZlZCBieSBiICYgPGM+Lg0K\r\n"
    )
    assert "In-Reply-To" not in sent(SinkType.EMAIL).body


class Tags(HTMLParser):
    """The tags of a text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 (its name is the parser's)
        self.found.append(tag)


LONG = some.text(max_size=40) | some.text(max_size=40).map(lambda text: text * 300)


@given(LONG, LONG, some.sampled_from(SinkType), some.sampled_from(MessageKind))
def test_no_name_breaks_a_body(title: str, line: str, sink: SinkType, kind: MessageKind) -> None:
    """Bodies are valid, headers have one line each, and no limit of a sink is exceeded."""
    affected = Affected(pool=title, origin=line, health=Health.UNHEALTHY, cause=line, since=0.0)
    given = message(kind, title=title, lines=(line,), affected=(affected,))
    request = sent(sink, given)
    request.body.encode("ascii")
    assert all("\n" not in value and "\r" not in value for _, value in request.headers)
    if sink is SinkType.EMAIL:
        parsed = message_from_string(request.body, policy=policy.default)
        assert len(parsed.keys()) == 9 + (kind is MessageKind.END)
        assert parsed["To"] == "ops@example.com"
        assert all(len(row) <= 998 for row in request.body.split("\r\n"))
        content = parsed.get_content()
        assert content.replace("\r\n", "\n").strip("\n") == plain(line).strip("\n")
        return
    document = body(request)
    if sink is SinkType.SLACK:
        assert len(document["text"]) <= 4000
        assert "<" not in document["text"]
        assert ">" not in document["text"]
    if sink is SinkType.DISCORD:
        assert len(document["content"]) <= 2000
    if sink is SinkType.TELEGRAM:
        assert utf16(document["text"]) <= 4096
        assert Tags(document["text"]).found == ["b"]
    if sink is SinkType.NTFY:
        assert utf8(document["message"]) <= 4096
        assert utf8(document["title"]) <= 250
    if sink is SinkType.PAGERDUTY and kind is MessageKind.START:
        assert len(document["payload"]["summary"]) <= 1024


def test_letters_of_all_alphabets_reach_a_subject() -> None:
    """Subjects are encoded words of RFC 2047, in lines of at most 76 characters."""
    title = "сервер в пуле 東京 🔥 is down, " * 3 + "."
    text = sent(SinkType.EMAIL, message(title=title)).body
    assert all(len(row) <= 76 for row in text.split("\r\n"))
    assert message_from_string(text, policy=policy.default)["Subject"] == title


@pytest.mark.parametrize("kind", list(SinkType))
def test_a_request_does_not_show_its_secret(kind: SinkType) -> None:
    """The repr of a request may be logged."""
    assert "hush" not in repr(sent(kind))


@pytest.mark.parametrize(
    ("text", "most", "cut"),
    [("abcdef", 6, "abcdef"), ("abcdefg", 6, "abc..."), ("&&&&", 8, "&..."), ("", 3, "")],
)
def test_long_text_is_shortened_before_it_is_escaped(text: str, most: int, cut: str) -> None:
    """No escape sequence is split."""
    assert fit(text, most, lambda part: part.replace("&", "&amp;")).replace("&amp;", "&") == cut
