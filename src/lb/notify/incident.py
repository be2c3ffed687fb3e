"""An incident of one sink: outages that began together, from the first to the last."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from lb.notify.message import MessageKind
from lb.notify.wording import IS_BAD, Condition, Outage, Target

if TYPE_CHECKING:
    from collections.abc import Mapping

GATHERING_SECONDS = 30.0
"""Seconds from the start of an incident in which further outages join it: the longest duration of a
round of probes, with all of its retries."""


class Phase(Enum):
    GATHERING = "gathering"
    """Something is down, but not yet for long enough to send a message."""
    OPEN = "open"
    """The start has been sent."""
    ENDING = "ending"
    """All is well again, but not yet for long enough to send a message."""
    OVER = "over"


class Signal(Enum):
    BAD = "bad"
    """At least one target is down."""
    GOOD = "good"
    """No target is down any more."""
    LASTED = "lasted"
    """The phase has lasted for `notify_after`."""


# Flapping that is faster than notify_after sends at most one message: down, up and down again leads
# from OPEN through ENDING back to OPEN, and a short failure from GATHERING to OVER, without any.
TRANSITIONS: Mapping[Phase, Mapping[Signal, tuple[Phase, MessageKind | None]]] = {
    Phase.GATHERING: {
        Signal.BAD: (Phase.GATHERING, None),
        Signal.GOOD: (Phase.OVER, None),
        Signal.LASTED: (Phase.OPEN, MessageKind.START),
    },
    Phase.OPEN: {
        Signal.BAD: (Phase.OPEN, None),
        Signal.GOOD: (Phase.ENDING, None),
        Signal.LASTED: (Phase.OPEN, None),
    },
    Phase.ENDING: {
        Signal.BAD: (Phase.OPEN, None),
        Signal.GOOD: (Phase.ENDING, None),
        Signal.LASTED: (Phase.OVER, MessageKind.END),
    },
    Phase.OVER: {
        Signal.BAD: (Phase.OVER, None),
        Signal.GOOD: (Phase.OVER, None),
        Signal.LASTED: (Phase.OVER, None),
    },
}


@dataclass(slots=True, kw_only=True)
class Incident:
    """Plain data, stored as JSON between the rounds."""

    id: str
    began: float
    phase: Phase = Phase.GATHERING
    outages: dict[Target, Outage] = field(default_factory=dict)

    def step(self, signal: Signal) -> MessageKind | None:
        """Change the phase; return which message is due."""
        self.phase, kind = TRANSITIONS[self.phase][signal]
        return kind

    def accepts(self, now: float) -> bool:
        """Whether an outage that begins now belongs to it."""
        return self.phase is Phase.GATHERING and now - self.began <= GATHERING_SECONDS

    def observe(self, target: Target, condition: Condition, cause: str, now: float) -> None:
        """Record the present condition of a target."""
        outage, bad = self.outages.get(target), IS_BAD[condition]
        if bad is None:
            return
        if bad:
            since, why = (outage.since, outage.cause) if outage else (now, cause)
            self.outages[target] = Outage(target, since, why)
        elif outage is not None and self.phase is Phase.GATHERING:
            del self.outages[target]  # too short for a message
        elif outage is not None:
            until = now if outage.until is None else outage.until
            self.outages[target] = outage._replace(until=until, condition=condition)
        down = any(one.until is None for one in self.outages.values())
        self.step(Signal.BAD if down else Signal.GOOD)

    def deadline(self, notify_after: float) -> float | None:
        """Time at which the phase will have lasted; None = the phase has no end of its own."""
        if self.phase is Phase.GATHERING:
            return max(one.since for one in self.outages.values()) + notify_after
        if self.phase is Phase.ENDING:
            return max(one.until or 0.0 for one in self.outages.values()) + notify_after
        return None
