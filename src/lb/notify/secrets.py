"""Notifications whose secrets and bindings are usable, and the problems of the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lb.notify.sinks import SINKS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lb.model import Config, Notification
    from lb.notify.sinks.sink import Sink


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The usable notifications, with their secrets, which are stored nowhere else."""

    active: tuple[Notification, ...]
    secrets: Mapping[str, str] = field(repr=False)
    """Value of the secret by the name of the notification; "" = it has none."""
    problems: tuple[str, ...]
    """Messages for the log, with the names of secrets and without their values."""


def prepare(
    config: Config, secret: Callable[[str], str | None], is_bound: Callable[[str], bool]
) -> Ready:
    """Look up the secrets of all enabled notifications, and check them."""
    active: list[Notification] = []
    secrets: dict[str, str] = {}
    problems: list[str] = []
    for one in config.notifications:
        if not one.enabled:
            continue
        # A secret that was stored with `echo` ends with a line end.
        value = (secret(one.secret) or "").strip() if one.secret else ""
        sink = SINKS[one.type]
        problem = _missing(one, sink, value, is_bound) or sink.secret_problem(one, value)
        if problem:
            problems.append(f"notification {one.name} is not sent: {problem}")
        else:
            active.append(one)
            secrets[one.name] = value
    return Ready(active=tuple(active), secrets=secrets, problems=tuple(problems))


def _missing(
    one: Notification, sink: Sink, value: str, is_bound: Callable[[str], bool]
) -> str | None:
    if one.secret and not value:
        return (
            f"there is no secret {one.secret}; store it with "
            f"`evenkeel wrangler secret put {one.secret}`"
        )
    if sink.uses_binding and not is_bound(one.binding):
        return f"there is no send_email binding {one.binding} in wrangler.toml"
    return None
