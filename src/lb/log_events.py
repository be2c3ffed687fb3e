"""Log events: each becomes one line of the log."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from lb.model import Health


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed:
    """A failed attempt of a request; `next` is the origin of the attempt after it, or ""."""

    event: ClassVar[str] = "failover"
    load_balancer: str
    pool: str
    origin: str
    cause: str
    attempt: int
    duration: float
    """Seconds from the start of the attempt to its failure."""
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedged:
    """A second attempt of a request, at `next`, as the first one was slow."""

    event: ClassVar[str] = "hedged"
    load_balancer: str
    pool: str
    origin: str
    """Origin of the first attempt."""
    next: str
    answered: str
    """Origin whose answer the client got; empty = both attempts failed."""
    duration: float
    """Seconds from the start of the request to that answer, or to the second failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerCut:
    """An answer that an origin broke off; the client got the beginning."""

    event: ClassVar[str] = "answer_cut"
    load_balancer: str
    pool: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthChanged:
    """A change of an origin's health by its monitor."""

    event: ClassVar[str] = "health_changed"
    pool: str
    origin: str
    before: Health
    after: Health
    cause: str
    attempt: int = 1
    """Number of the probe in the round: those before it timed out."""
    duration: float = 0.0
    """Duration of the round in seconds."""
    load_balancer: str = ""
    """All load balancers that use the pool, in the order of the configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorChanged:
    """A change of an origin's health by one monitor of a group, with or without a vote."""

    event: ClassVar[str] = "monitor_changed"
    pool: str
    origin: str
    monitor: str
    before: Health
    after: Health
    cause: str
    load_balancer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginEjected:
    """An ejection of an origin for `seconds`, by failures of real traffic."""

    event: ClassVar[str] = "origin_ejected"
    load_balancer: str
    pool: str
    origin: str
    cause: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginQuiet:
    """An origin without any answer; its oldest pending request was sent `seconds` ago."""

    event: ClassVar[str] = "origin_quiet"
    load_balancer: str
    pool: str
    origin: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginRestored:
    """An answer of an origin that was quiet, or that was ejected together with all others."""

    event: ClassVar[str] = "origin_restored"
    load_balancer: str
    pool: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LastOriginKept:
    """A failed origin that is not ejected, as no other one of its load balancer is available."""

    event: ClassVar[str] = "last_origin_kept"
    load_balancer: str
    pool: str
    origin: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginEnabledChanged:
    """An origin that was enabled, or was disabled by an operator or by maintenance."""

    event: ClassVar[str] = "origin_enabled_changed"
    pool: str
    origin: str
    enabled: bool
    reason: str
    """`disabled` or `maintenance`; empty = enabled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolEnabledChanged:
    """A pool that was enabled, or was disabled by an operator or by maintenance."""

    event: ClassVar[str] = "pool_enabled_changed"
    pool: str
    enabled: bool
    reason: str
    """`disabled` or `maintenance`; empty = enabled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProberStalled:
    """The shared view is too old to be trusted: the isolate probes for itself."""

    event: ClassVar[str] = "prober_stalled"
    age: float
    """Seconds since the latest known round of probes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProberResumed:
    """The shared view is recent, and trusted again."""

    event: ClassVar[str] = "prober_resumed"
    age: float
    """Seconds since the latest round of probes."""


class Refusal(Enum):
    """Why the balancer answers a request itself. The value is the cause in the log."""

    NO_LOAD_BALANCER = "no load balancer is configured for this host"
    LOOP = "the request came back to the load balancer that had sent it"
    HTTPS_REDIRECT = "moved to https"
    FIXED_RESPONSE = "fixed response"
    """The log names the rule or the pool set as well."""
    NO_ORIGIN_ENABLED = "no origin is enabled"
    NO_ORIGIN_ANSWERED = "no origin answered"
    NOT_SENT_ON = "no answer, and the request was not sent to another origin"
    SLOW_BODY = "the client did not send the request's body in time"
    BROKEN_BODY = "the request's body ended early"
    ALL_FULL = "every origin has as many requests as it may have"
    NOT_CONFIGURED = "the configuration has problems"
    FAULT = "a fault of the load balancer itself"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A request that the balancer answered itself."""

    event: ClassVar[str] = "refused"
    load_balancer: str
    status: int
    cause: str
    refusal: Refusal = field(metadata={"logged": False})
    attempt: int = 0
    """Number of attempts before it."""
    duration: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorFailed:
    """Failed copies of requests, logged from time to time, with the cause of the latest one."""

    event: ClassVar[str] = "mirror_failed"
    load_balancer: str
    pool: str
    origin: str
    cause: str
    failures: int
    """Failures since the last such line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminChange:
    """A request for a change on the admin side, or the start or end of a session there."""

    event: ClassVar[str] = "admin_change"
    author: str
    means: str
    """How the operator signed in: `token`, `session` or `access`."""
    method: str
    path: str
    """Path below the admin path, without the query."""
    status: int
    """Status of the answer; from 400 on, nothing was changed."""
    version: int
    """Version of the configuration afterwards; 0 = it has none."""
    client: str
    """Network of the client: 24 bits of an IPv4 address, 48 bits of an IPv6 address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminDenied:
    """Refused requests to the admin side, logged at most once a minute for each client."""

    event: ClassVar[str] = "admin_denied"
    cause: str
    failures: int
    """Failures since the last such line."""
    client: str
    """Network of the client, as in AdminChange."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message for the operator."""

    event: ClassVar[str] = "notice"
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A fault of the balancer itself, which did not stop it."""

    event: ClassVar[str] = "error"
    message: str


MOST_FRAMES = 4
"""Most places of a traceback in the event of a fault; the innermost one comes last."""


def trouble(what: str, error: BaseException) -> Trouble:
    """Return the event of a fault: the type of an error and its places, never its values."""
    places = []
    frame = error.__traceback__
    while frame is not None:
        # Several packages have a run.py: the folder tells them apart.
        folder_and_file = frame.tb_frame.f_code.co_filename.split("/")[-2:]
        places.append(f"{'/'.join(folder_and_file)}:{frame.tb_lineno}")
        frame = frame.tb_next
    return Trouble(message=f"{what}: {type(error).__name__} at {' '.join(places[-MOST_FRAMES:])}")


Event = (
    AttemptFailed
    | Hedged
    | AnswerCut
    | HealthChanged
    | MonitorChanged
    | OriginEnabledChanged
    | PoolEnabledChanged
    | ProberStalled
    | ProberResumed
    | OriginEjected
    | OriginQuiet
    | OriginRestored
    | LastOriginKept
    | Refused
    | MirrorFailed
    | AdminChange
    | AdminDenied
    | Notice
    | Trouble
)


def fields_of(event: Event) -> dict[str, str | float]:
    """Return the flat object that is logged: the name of the event first, enums by value."""
    line: dict[str, str | float] = {"event": event.event}
    for one in fields(event):
        if not one.metadata.get("logged", True):
            continue
        value = getattr(event, one.name)
        if isinstance(value, float):
            value = round(value, 4)
        line[one.name] = getattr(value, "value", value)
    return line
