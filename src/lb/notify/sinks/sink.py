"""The parts of a sink, and checks of secrets that sinks share."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lb.config.reading.host_names import endpoint_problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.model import Notification
    from lb.notify.message import Message, OutboundRequest


def whole_url(settings: Notification, secret: str) -> str | None:
    """Check a secret that is the whole URL to which messages are sent."""
    problem = endpoint_problem(secret)
    return f"the secret {settings.secret} must be the whole URL: it {problem}" if problem else None


def header_value(settings: Notification, secret: str) -> str | None:
    """Check a secret that is sent in a header or as a token in the body."""
    fine = all("!" <= char <= "~" for char in secret)
    return None if fine else f"the secret {settings.secret} has characters that no header may have"


def no_secret(settings: Notification, secret: str) -> str | None:
    """Accept anything, for a sink without a secret."""
    del settings, secret
    return None


class Sink(NamedTuple):
    """A type of sink: the SINK of each module. Its keys stand at lb.model.SinkType."""

    render: Callable[[Message, Notification, str], OutboundRequest]
    """Returns the request for a message, with the settings and the secret's value ("" = none)."""
    secret_problem: Callable[[Notification, str], str | None]
    """Returns the problem of a secret, without its value; None = usable."""
    uses_binding: bool = False
    """Whether it needs the send_email binding that `binding` names."""
