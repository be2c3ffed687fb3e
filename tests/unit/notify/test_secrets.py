"""Which notifications can be sent with the secrets and bindings of the Worker."""

from __future__ import annotations

from typing import Any

import pytest

from lb.model import Config, Notification, SinkType
from lb.notify.secrets import prepare


def notification(kind: SinkType, **fields: Any) -> Notification:
    """Return a notification whose secret is S."""
    return Notification(**{"name": "ops", "type": kind, "secret": "S", **fields})


@pytest.mark.parametrize(
    ("one", "value", "problem"),
    [
        (notification(SinkType.SLACK), "https://hooks.slack.com/x", ""),
        (notification(SinkType.SLACK), "https://hooks.slack.com/x\n", ""),
        (
            notification(SinkType.SLACK),
            "",
            "there is no secret S; store it with `evenkeel wrangler secret put S`",
        ),
        (
            notification(SinkType.DISCORD),
            "token",
            "the secret S must be the whole URL: it must be a URL that starts with https://",
        ),
        (notification(SinkType.WEBHOOK), "https://a.example/x", ""),
        (notification(SinkType.WEBHOOK, url="https://a.example/"), "any-token", ""),
        (
            notification(SinkType.WEBHOOK, url="https://a.example/"),
            "two\nlines",
            "the secret S has characters that no header may have",
        ),
        (notification(SinkType.TELEGRAM), "123:abc_DEF-4", ""),
        (
            notification(SinkType.TELEGRAM),
            "123:abc/../x",
            "the secret S is not a bot's token, such as 123456:ABC",
        ),
        (notification(SinkType.NTFY, topic="t"), "tk_1", ""),
        (notification(SinkType.NTFY), "https://ntfy.sh/t", ""),
        (notification(SinkType.PAGERDUTY), "0123456789abcdef", ""),
        (notification(SinkType.EMAIL, secret=""), "", ""),
        (
            notification(SinkType.EMAIL, secret="", binding="POST"),
            "",
            "there is no send_email binding POST in wrangler.toml",
        ),
    ],
)
def test_an_unusable_secret_is_a_problem(one: Notification, value: str, problem: str) -> None:
    """The problem does not show the secret, and other notifications are active."""
    other = Notification(name="other", type=SinkType.WEBHOOK, url="https://a.example/")
    of = Config(load_balancers=(), pools=(), notifications=(one, other))
    ready = prepare(
        of, lambda name: value if name == "S" else None, lambda name: name == "LB_EMAIL"
    )

    expected = (f"notification ops is not sent: {problem}",) if problem else ()
    assert ready.problems == expected
    assert ready.active == ((other,) if problem else (one, other))
    assert ready.secrets == ({} if problem else {"ops": value.strip()}) | {"other": ""}
    assert not value.strip() or value.strip() not in repr(ready)


def test_a_disabled_notification_has_no_problems() -> None:
    """It is not active either."""
    off = notification(SinkType.SLACK, enabled=False)
    ready = prepare(
        Config(load_balancers=(), pools=(), notifications=(off,)), lambda _: None, lambda _: False
    )
    assert (ready.active, ready.problems) == ((), ())
