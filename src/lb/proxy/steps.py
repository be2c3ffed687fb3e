"""The steps of a request: an attempt at an origin, an answer to deliver, a refusal."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from lb.log_events import AttemptFailed, Refused
from lb.selection.candidates import Why

if TYPE_CHECKING:
    from lb.log_events import Refusal
    from lb.model import FixedResponse, Origin
    from lb.request.outcomes import Answered


@dataclass(slots=True)
class Attempt:
    """Send the request to `origin`, and wait `timeout` seconds for the headers of the answer."""

    origin: Origin
    number: int
    timeout: float
    why: Why = field(default=Why.STEERING, compare=False)
    started: float = field(default=0.0, compare=False)
    """In seconds since the Unix epoch."""
    ticket: int = field(default=0, compare=False)
    """Number under which the driver counts it as in flight."""


@dataclass(slots=True)
class Deliver:
    """Give the client the answer of `origin`."""

    origin: Origin
    answer: Answered
    set_cookie: str | None


@dataclass(slots=True)
class Refuse:
    """Answer the client without an origin."""

    status: int
    refusal: Refusal
    retry_after: int | None = None
    location: str | None = None
    fixed: FixedResponse | None = None
    """The whole response, where the configuration gives one."""
    by: str = ""
    """The rule or pool set that gives the response."""
    headers: tuple[tuple[str, str], ...] = ()
    """What the load balancer's response_headers set, as on an origin's response."""

    @property
    def cause(self) -> str:
        """The reason as text, for the log."""
        return f"{self.refusal.value} of {self.by}" if self.by else self.refusal.value


Step = Attempt | Deliver | Refuse


class Stop(Enum):
    """Why a request is not sent again after a failure."""

    HELD = "the session stays on its origin, as zero_downtime_failover is none"
    HARMFUL = "a request of this method may have had its effect, so no second origin gets it"
    BODY_GONE = "its body was streamed, and cannot be sent again"
    TRIES = "failover.tries are used up"
    DEADLINE = "failover.deadline has passed"
    BUDGET = "failover.retry_budget is used up"
    NO_ORIGIN = "there is no other origin that it may go to"


def refused(load_balancer: str, step: Refuse, attempts: int = 0, duration: float = 0.0) -> Refused:
    """Return the event of a refusal."""
    return Refused(
        load_balancer=load_balancer,
        status=step.status,
        cause=step.cause,
        refusal=step.refusal,
        attempt=attempts,
        duration=duration,
    )


def failed(
    load_balancer: str, attempt: Attempt, cause: str, duration: float, following: str
) -> AttemptFailed:
    """Return the event of a failed attempt; `following`: the origin of the next one, or ""."""
    return AttemptFailed(
        load_balancer=load_balancer,
        pool=attempt.origin.pool,
        origin=attempt.origin.name,
        cause=cause,
        attempt=attempt.number,
        duration=duration,
        next=following,
    )
