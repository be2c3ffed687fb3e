"""Which notifications can be sent with the secrets and bindings there are, and what is wrong."""

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
