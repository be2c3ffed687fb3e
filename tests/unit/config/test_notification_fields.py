"""The configuration of notifications, and what they can send."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from lb.config import Invalid, parse
from lb.config.objects.notification_fields import NOTIFICATION
from lb.model import AlertFilter, Config, Notification, NotificationFilter, SinkType

POOL = {"name": "p", "origins": [{"name": "a", "address": "a.example.com"}]}


def parsed(*notifications: dict[str, Any], **fields: Any) -> Config:
    """Return the configuration of one pool with these notifications."""
    found = parse({"pools": [{**POOL, **fields}], "notifications": list(notifications)})
    assert isinstance(found, Config), found
    return found


def problems(**fields: Any) -> list[str]:
    """Return the problems of one notification."""
    found = parse({"pools": [POOL], "notifications": [{"name": "ops", **fields}]})
    return [str(each) for each in found.problems] if isinstance(found, Invalid) else []


def test_every_key_of_a_type_is_a_field() -> None:
    """Every key of a notification type is a field of the parsed table and of the notification."""
    read = {field.key for field in NOTIFICATION.fields}
    made = {field.name for field in fields(Notification)}

    for kind in SinkType:
        assert {*kind.keys.all} <= read & made
        assert kind.keys.url_needs in {"", *kind.keys.all}


def test_notifications_are_read() -> None:
    """Notifications are read with their defaults."""
    of = parsed(
        {"name": "chat", "type": "slack", "secret": "SLACK_URL", "pools": ["p"], "notify_after": 5},
        {"name": "mail", "type": "email", "to": "ops@example.com", "sender": "lb@example.com"},
    )
    assert of.notifications == (
        Notification(
            name="chat", type=SinkType.SLACK, secret="SLACK_URL", pools=("p",), notify_after=5
        ),
        Notification(
            name="mail", type=SinkType.EMAIL, to="ops@example.com", sender="lb@example.com"
        ),
    )


def test_the_filter_of_a_pool_is_read() -> None:
    """A pool's notification_filter is read; parts that are not set get the defaults of the API."""
    (pool,) = parsed(
        notification_filter={"pool": {"disable": True}, "origin": {"healthy": False}}
    ).pools
    assert pool.notification_filter == NotificationFilter(
        pool=AlertFilter(disable=True), origin=AlertFilter(healthy=False)
    )
    (pool,) = parsed(notification_filter={"pool": None, "origin": {"healthy": None}}).pools
    assert pool.notification_filter == NotificationFilter()


AT = "@ $.notifications[0]"
NAME_ONLY = (
    "must be the name of a secret, and this looks like the secret itself: store it with "
    "`wrangler secret put NAME`, and write NAME here (capital letters, digits and _) "
    f"{AT}.secret"
)
URL_IS_SECRET = (
    "is a secret as a whole, since whoever knows it can write there: store it with "
    "`wrangler secret put NAME`, and write `secret = NAME` instead "
    f"{AT}.url"
)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, [f"missing: this key must be given {AT}.type"]),
        ({"type": "slack"}, [f'missing: type = "slack" needs it {AT}.secret']),
        (
            {"type": "telegram"},
            [
                f'missing: type = "telegram" needs it {AT}.secret',
                f'missing: type = "telegram" needs it {AT}.chat_id',
            ],
        ),
        ({"type": "webhook"}, [f'type = "webhook" needs url or secret {AT}']),
        ({"type": "ntfy"}, [f'type = "ntfy" needs topic or secret {AT}']),
        (
            {"type": "ntfy", "secret": "TOPIC", "url": "https://n.example"},
            [f"needs topic; without it the secret is the whole URL {AT}.url"],
        ),
        (
            {"type": "slack", "secret": "S", "url": "https://a.example/x", "topic": "t"},
            [
                f'type = "slack" has no such key {AT}.url',
                f'type = "slack" has no such key {AT}.topic',
            ],
        ),
        (
            {"type": "email", "to": "a@b, c@d", "sender": "x\nBcc: y@z"},
            [
                f"must be one e-mail address such as ops@example.com {AT}.to",
                f"must be one e-mail address such as ops@example.com {AT}.sender",
            ],
        ),
        (
            {"type": "telegram", "secret": "B", "chat_id": "my chat"},
            [f'must be a number in quotes, or "@channel" {AT}.chat_id'],
        ),
        (
            {"type": "webhook", "url": "http://sink.example.com/"},
            [f"must start with https://; http is for this machine alone {AT}.url"],
        ),
        ({"type": "webhook", "url": "http://127.0.0.1:9/x"}, []),
        ({"type": "webhook", "url": "http://localhost/"}, []),
        (
            {"type": "webhook", "url": "https://u:p@sink.example.com/"},
            [f"must not hold a user name or password {AT}.url"],
        ),
        (
            {"type": "webhook", "url": "sink.example.com"},
            [f"must be a URL that starts with https:// {AT}.url"],
        ),
        (
            {"type": "webhook", "url": "https://sink.example.com/a b"},
            [f"has a character that no such URL has {AT}.url"],
        ),
        ({"type": "webhook", "url": "https://hooks.slack.com/services/T/B/x"}, [URL_IS_SECRET]),
        ({"type": "webhook", "url": "https://discord.com/api/webhooks/1/x"}, [URL_IS_SECRET]),
        (
            {"type": "slack", "secret": "A", "pools": ["q"]},
            [f'there is no pool named "q" {AT}.pools[0]'],
        ),
        (
            {"type": "pagerduty", "secret": "LB_COOKIE_KEY"},
            [f"is the balancer's own secret, which nobody may be sent {AT}.secret"],
        ),
    ],
)
def test_what_is_wrong_is_said(fields: dict[str, Any], found: list[str]) -> None:
    """All problems of notifications are reported at once, each at its place."""
    assert problems(**fields) == found


@pytest.mark.parametrize(
    "secret",
    [
        "https://hooks.slack.com/services/T0/B0/xyz",
        "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11",
        "tk_7eevizlsiwf9yi4uxsrs83r4352o0",
        "R03ABCDEF0123456789ABCDEF0123456",
        "e93facc04764012d7bfb002500d5d1a6",
        "hunter2",
    ],
)
def test_a_secret_itself_is_refused_and_not_shown(secret: str) -> None:
    """A token or URL in place of a secret's name is refused, and the message does not repeat it."""
    (problem,) = problems(type="slack", secret=secret)
    assert problem == NAME_ONLY


@pytest.mark.parametrize("name", ["SLACK", "OPS_CHAT_2", "A", "VERY_LONG_NAME_OF_A_SECRET_NO_1"])
def test_names_of_secrets(name: str) -> None:
    """A secret's name consists of capital letters, digits and _."""
    assert problems(type="slack", secret=name) == []


def test_names_are_unique() -> None:
    """Names of notifications are unique, because their state is stored by name."""
    one = {"name": "ops", "type": "slack", "secret": "S"}
    found = parse({"pools": [POOL], "notifications": [one, one]})
    assert isinstance(found, Invalid)
    assert [str(each) for each in found.problems] == [
        '"ops" is the name of $.notifications[0] already @ $.notifications[1].name'
    ]
