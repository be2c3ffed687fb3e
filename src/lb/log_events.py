"""What happened, as values: each becomes one line of the log."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from lb.model import Health


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed:
    """An attempt failed on real traffic; `next` is the origin that was tried after it, or ""."""

    event: ClassVar[str] = "failover"
    load_balancer: str
    pool: str
    origin: str
    cause: str
    attempt: int
    duration: float
    """Seconds from the attempt's start to its failure."""
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedged:
    """A request got a second attempt, at `next`, as the first one was slow."""

    event: ClassVar[str] = "hedged"
    load_balancer: str
    pool: str
    origin: str
    """Of the first attempt."""
    next: str
    answered: str
    """The origin whose answer the client got; empty when both attempts failed."""
    duration: float
    """Seconds from the request's start to that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerCut:
    """An origin broke off an answer in its middle; the client got its beginning."""

    event: ClassVar[str] = "answer_cut"
    load_balancer: str
    pool: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthChanged:
    """A monitor's verdict moved an origin from one health to another."""

    event: ClassVar[str] = "health_changed"
    pool: str
    origin: str
    before: Health
    after: Health
    cause: str
    attempt: int = 1
    """Which probe of the round this was the verdict of: those before it timed out."""
    duration: float = 0.0
    """Seconds that the round took."""
    load_balancer: str = ""
    """Every one that uses the pool, in the configuration's order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorChanged:
    """A monitor of a group changed its mind of an origin, whether or not it has a vote."""

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
    """Failures of real traffic took an origin out for `seconds`."""

    event: ClassVar[str] = "origin_ejected"
    load_balancer: str
    pool: str
    origin: str
    cause: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginQuiet:
    """Nothing comes from an origin; what waits there longest was sent `seconds` ago."""

    event: ClassVar[str] = "origin_quiet"
    load_balancer: str
    pool: str
    origin: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginRestored:
    """An origin that was quiet, or was ejected as all others were too, answers again."""

    event: ClassVar[str] = "origin_restored"
    load_balancer: str
    pool: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LastOriginKept:
    """An origin failed and is not ejected, since no other of its load balancer is available."""

    event: ClassVar[str] = "last_origin_kept"
    load_balancer: str
    pool: str
    origin: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginEnabledChanged:
    """An origin was enabled or disabled; a time of maintenance disables it too."""

    event: ClassVar[str] = "origin_enabled_changed"
    pool: str
    origin: str
    enabled: bool
    reason: str
    """Either `disabled` or `maintenance`; empty when it is enabled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolEnabledChanged:
    """A pool was enabled or disabled; a time of maintenance disables it too."""

    event: ClassVar[str] = "pool_enabled_changed"
    pool: str
    enabled: bool
    reason: str
    """Either `disabled` or `maintenance`; empty when it is enabled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProberStalled:
    """The shared view grew too old to be trusted: this isolate probes for itself again."""

    event: ClassVar[str] = "prober_stalled"
    age: float
    """Seconds since the latest round of probes that it knows of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProberResumed:
    """The shared view moves on, and is trusted again."""

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
    ALL_FULL = "every origin has as many requests as it may have"
    NOT_CONFIGURED = "the configuration has problems"
    FAULT = "a fault of the load balancer itself"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A request was answered by the balancer itself."""

    event: ClassVar[str] = "refused"
    load_balancer: str
    status: int
    cause: str
    refusal: Refusal = field(metadata={"logged": False})
    attempt: int = 0
    """How many attempts had been made."""
    duration: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorFailed:
    """Copies of requests failed; `cause` is the latest one's. Told once in a while."""

    event: ClassVar[str] = "mirror_failed"
    load_balancer: str
    pool: str
    origin: str
    cause: str
    failures: int
    """Since it was last told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminChange:
    """Somebody asked for a change on the admin side, or began or ended a session there."""

    event: ClassVar[str] = "admin_change"
    author: str
    means: str
    """`token`, `session` or `access`: how they have shown who they are."""
    method: str
    path: str
    """Below the admin path, without its query."""
    status: int
    """Of the answer: from 400 on, nothing was changed."""
    version: int
    """Of the configuration after it; 0 where it has none."""
    client: str
    """Their network: 24 bits of an IPv4 address, 48 of an IPv6 one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminDenied:
    """Somebody was not let in to the admin side. Told once a minute at most for each client."""

    event: ClassVar[str] = "admin_denied"
    cause: str
    failures: int
    """Since it was last told."""
    client: str
    """As of AdminChange."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that the operator should know, in plain words."""

    event: ClassVar[str] = "notice"
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A fault of the balancer itself, which a request or a probe survived."""

    event: ClassVar[str] = "error"
    message: str


MOST_FRAMES = 4
"""Places of a traceback in the event of a fault, the innermost last."""


def trouble(what: str, error: BaseException) -> Trouble:
    """Return the event of a fault: the type of an error and its places, never its values."""
    places = []
    frame = error.__traceback__
    while frame is not None:
        # Many packages have a run.py, so the folder goes along.
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
    """Return an event as the flat object that is logged: its name first, enums by value."""
    line: dict[str, str | float] = {"event": event.event}
    for one in fields(event):
        if not one.metadata.get("logged", True):
            continue
        value = getattr(event, one.name)
        if isinstance(value, float):
            value = round(value, 4)
        line[one.name] = getattr(value, "value", value)
    return line
