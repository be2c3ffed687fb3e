"""Labels of counts, and the counts of each type of event."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from lb.health.ejection import CUT_OFF
from lb.log_events import (
    AnswerCut,
    AttemptFailed,
    Hedged,
    LastOriginKept,
    MirrorFailed,
    OriginEjected,
    OriginQuiet,
    OriginRestored,
    Refusal,
    Refused,
)
from lb.proxy.tallies import numbered
from lb.request.outcomes import Cause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lb.log_events import Event

    Count = tuple[tuple[str, ...], float]


class Kind(Enum):
    """Kind of counted events: its first label, then the names of the labels that follow it."""

    FAILED = "failed", "load_balancer", "pool", "origin", "attempt", "outcome"
    FAILOVERS = "failovers", "load_balancer", "pool", "origin"
    HEDGES = "hedges", "load_balancer", "answered"
    CUT = "cut", "load_balancer", "pool", "origin"
    EJECTED = "ejected", "load_balancer", "pool", "origin", "cause"
    RESTORED = "restored", "load_balancer", "pool", "origin"
    QUIET = "quiet", "load_balancer", "pool", "origin"
    KEPT = "kept", "load_balancer", "pool", "origin"
    REFUSED = "refused", "load_balancer", "cause", "code"
    SESSIONS = "sessions", "load_balancer", "result"
    SHED = "shed", "load_balancer", "pool"
    MIRRORED = "mirrored", "load_balancer", "pool", "origin"
    MIRRORS_FAILED = "mirrors_failed", "load_balancer", "pool", "origin"
    EVENTS = "events", "event"

    def __init__(self, first: str, *labels: str) -> None:
        self.first = first
        self.labels = labels

    def of(self, *values: str) -> tuple[str, ...]:
        """Return the labels of a count of this kind."""
        return (self.first, *values)


KINDS: Mapping[str, Kind] = {kind.first: kind for kind in Kind}


def labelled(labels: tuple[str, ...]) -> Mapping[str, str]:
    """Return labels by name; empty for an unknown kind, and for the label of other series."""
    kind = KINDS.get(labels[0])
    if kind is None or len(labels) != len(kind.labels) + 1:
        return {}
    return dict(zip(kind.labels, labels[1:], strict=True))


CAUSES: Mapping[str, str] = {
    Cause.CONNECTION.value: "connection",
    Cause.TIMEOUT.value: "timeout",
    Cause.STATUS.value: "no_http",
    Cause.UPLOAD.value: "upload",
    Cause.CLIENT.value: "client",
    CUT_OFF: "cut_off",
}
"""Cause of a failure in an event -> label."""

REFUSALS: Mapping[Refusal, str] = {
    Refusal.NO_LOAD_BALANCER: "unknown_host",
    Refusal.LOOP: "loop",
    Refusal.HTTPS_REDIRECT: "redirect_to_https",
    Refusal.FIXED_RESPONSE: "fixed_response",
    Refusal.NO_ORIGIN_ENABLED: "no_origin_enabled",
    Refusal.NO_ORIGIN_ANSWERED: "no_origin_answered",
    Refusal.NOT_SENT_ON: "not_sent_on",
    Refusal.SLOW_BODY: "slow_body",
    Refusal.BROKEN_BODY: "broken_body",
    Refusal.ALL_FULL: "all_full",
    Refusal.NOT_CONFIGURED: "configuration",
    Refusal.FAULT: "fault",
}
"""Label by refusal."""


def cause_of(text: str) -> str:
    """Return the label of a cause: one of a fixed set, whatever an origin sends."""
    known = CAUSES.get(text)
    if known is not None:
        return known
    status = text.removeprefix("status ")
    return f"status_{status[:1]}xx" if status != text and status[:1].isdigit() else "other"


def counts_of(event: Event) -> Iterator[Count]:
    """Yield the labels and numbers to add for an event."""
    yield Kind.EVENTS.of(event.event), 1
    rule = RULES.get(type(event))
    if rule is not None:
        yield from rule(event)


def _attempt_failed(event: AttemptFailed) -> Iterator[Count]:
    where = event.load_balancer, event.pool, event.origin
    yield Kind.FAILED.of(*where, numbered(event.attempt), cause_of(event.cause)), 1
    if event.next:
        yield Kind.FAILOVERS.of(*where), 1


def _hedged(event: Hedged) -> Iterator[Count]:
    answered = {"": "neither", event.next: "second"}.get(event.answered, "first")
    yield Kind.HEDGES.of(event.load_balancer, answered), 1


def _ejected(event: OriginEjected) -> Iterator[Count]:
    labels = event.load_balancer, event.pool, event.origin, cause_of(event.cause)
    yield Kind.EJECTED.of(*labels), 1


def _refused(event: Refused) -> Iterator[Count]:
    code = f"{event.status // 100}xx"
    yield Kind.REFUSED.of(event.load_balancer, REFUSALS[event.refusal], code), 1


def _mirror_failed(event: MirrorFailed) -> Iterator[Count]:
    labels = event.load_balancer, event.pool, event.origin
    yield Kind.MIRRORS_FAILED.of(*labels), event.failures


def _of_an_origin(kind: Kind) -> Callable[..., Iterator[Count]]:
    def rule(event: AnswerCut | OriginRestored | OriginQuiet | LastOriginKept) -> Iterator[Count]:
        yield kind.of(event.load_balancer, event.pool, event.origin), 1

    return rule


RULES: Mapping[type[Event], Callable[..., Iterator[Count]]] = {
    AttemptFailed: _attempt_failed,
    Hedged: _hedged,
    OriginEjected: _ejected,
    Refused: _refused,
    MirrorFailed: _mirror_failed,
    AnswerCut: _of_an_origin(Kind.CUT),
    OriginRestored: _of_an_origin(Kind.RESTORED),
    OriginQuiet: _of_an_origin(Kind.QUIET),
    LastOriginKept: _of_an_origin(Kind.KEPT),
}
"""Counts of events, beside the count of the event itself."""
