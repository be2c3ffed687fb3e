"""Which notifications can be sent with the secrets and bindings there are, and what is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lb.config.reading.host_names import endpoint_problem
from lb.model import SinkType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lb.model import Config, Notification

_BOT_TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What can be sent. The values of secrets are in here and nowhere else."""

    active: tuple[Notification, ...]
    secrets: Mapping[str, str] = field(repr=False)
    """The secret's value by the name of the notification, "" where it has none."""
    problems: tuple[str, ...]
    """In plain words, for the log: they name secrets, and never show one."""


def prepare(
    config: Config, secret: Callable[[str], str | None], is_bound: Callable[[str], bool]
) -> Ready:
    """Look every secret up. What cannot be sent is a problem; the rest works."""
    active: list[Notification] = []
    secrets: dict[str, str] = {}
    problems: list[str] = []
    for one in config.notifications:
        if not one.enabled:
            continue
        # People store secrets with `echo`, which leaves a line end.
        value = (secret(one.secret) or "").strip() if one.secret else ""
        problem = _missing(one, value, is_bound) or (UNUSABLE[one.type](one, value))
        if problem:
            problems.append(f"notification {one.name} is not sent: {problem}")
        else:
            active.append(one)
            secrets[one.name] = value
    return Ready(active=tuple(active), secrets=secrets, problems=tuple(problems))


def _missing(one: Notification, value: str, is_bound: Callable[[str], bool]) -> str | None:
    if one.secret and not value:
        return (
            f"there is no secret {one.secret}; store it with "
            f"`evenkeel wrangler secret put {one.secret}`"
        )
    if one.type is SinkType.EMAIL and not is_bound(one.binding):
        return f"there is no send_email binding {one.binding} in wrangler.toml"
    return None


def _url(one: Notification, value: str) -> str | None:
    problem = endpoint_problem(value)
    return f"the secret {one.secret} must be the whole URL: it {problem}" if problem else None


def _header(one: Notification, value: str) -> str | None:
    fine = all("!" <= char <= "~" for char in value)
    return None if fine else f"the secret {one.secret} has characters that no header may have"


def _webhook(one: Notification, value: str) -> str | None:
    return _header(one, value) if one.url else _url(one, value)


def _ntfy(one: Notification, value: str) -> str | None:
    return _header(one, value) if one.topic else _url(one, value)


def _telegram(one: Notification, value: str) -> str | None:
    if _BOT_TOKEN.fullmatch(value):
        return None
    return f"the secret {one.secret} is not a bot's token, such as 123456:ABC"


def _nothing(one: Notification, value: str) -> str | None:
    del one, value
    return None


UNUSABLE: Mapping[SinkType, Callable[[Notification, str], str | None]] = {
    SinkType.WEBHOOK: _webhook,
    SinkType.SLACK: _url,
    SinkType.DISCORD: _url,
    SinkType.TELEGRAM: _telegram,
    SinkType.NTFY: _ntfy,
    SinkType.PAGERDUTY: _header,
    SinkType.EMAIL: _nothing,
}
"""What is wrong with a secret's value, which no message shows."""
