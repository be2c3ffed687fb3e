"""What a sink is made of, and the checks of a secret that several sinks share."""

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
    """Check a secret that is sent in a header, or as a word of the body."""
    fine = all("!" <= char <= "~" for char in secret)
    return None if fine else f"the secret {settings.secret} has characters that no header may have"


def no_secret(settings: Notification, secret: str) -> str | None:
    """Accept any secret: the sink has none."""
    del settings, secret
    return None


class Sink(NamedTuple):
    """A type of sink. Each module here has one; the keys of its type stand at SinkType."""

    render: Callable[[Message, Notification, str], OutboundRequest]
    """Returns the request that sends a message. The text is the value of the secret, "" if none."""
    secret_problem: Callable[[Notification, str], str | None]
    """Returns what is wrong with the value of the secret, which the text does not show."""
    uses_binding: bool = False
    """Whether messages go through the send_email binding that `binding` names."""
