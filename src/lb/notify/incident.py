"""One incident for one sink: troubles that began together, from the first to the last."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from lb.notify.message import Telling
from lb.notify.wording import IS_BAD, Condition, Story, Target

if TYPE_CHECKING:
    from collections.abc import Mapping

GATHERING_SECONDS = 30.0
"""What goes down this soon after the first of an incident belongs to it. It is as long as a round
of probes with all of its retries lasts."""


class Phase(Enum):
    GATHERING = "gathering"
    """Something is down, for too short a time to be told."""
    OPEN = "open"
    """It was told."""
    ENDING = "ending"
    """All is well again, for too short a time to be told."""
    OVER = "over"


class Signal(Enum):
    BAD = "bad"
    """One of its targets is down (again)."""
    GOOD = "good"
    """None of its targets is down any more."""
    LASTED = "lasted"
    """Its state has lasted `notify_after`."""


# What flaps faster than notify_after is told at most once: down, up and down again leads from
# OPEN over ENDING to OPEN, and a short failure from GATHERING to OVER, without a word.
TRANSITIONS: Mapping[Phase, Mapping[Signal, tuple[Phase, Telling | None]]] = {
    Phase.GATHERING: {
        Signal.BAD: (Phase.GATHERING, None),
        Signal.GOOD: (Phase.OVER, None),
        Signal.LASTED: (Phase.OPEN, Telling.START),
    },
    Phase.OPEN: {
        Signal.BAD: (Phase.OPEN, None),
        Signal.GOOD: (Phase.ENDING, None),
        Signal.LASTED: (Phase.OPEN, None),
    },
    Phase.ENDING: {
        Signal.BAD: (Phase.OPEN, None),
        Signal.GOOD: (Phase.ENDING, None),
        Signal.LASTED: (Phase.OVER, Telling.END),
    },
    Phase.OVER: {
        Signal.BAD: (Phase.OVER, None),
        Signal.GOOD: (Phase.OVER, None),
        Signal.LASTED: (Phase.OVER, None),
    },
}


@dataclass(slots=True, kw_only=True)
class Incident:
    """Plain data: it is kept as JSON between the rounds."""

    id: str
    began: float
    phase: Phase = Phase.GATHERING
    stories: dict[Target, Story] = field(default_factory=dict)

    def step(self, signal: Signal) -> Telling | None:
        self.phase, telling = TRANSITIONS[self.phase][signal]
        return telling

    def takes(self, now: float) -> bool:
        """Whether what goes down now is a part of it."""
        return self.phase is Phase.GATHERING and now - self.began <= GATHERING_SECONDS

    def observe(self, target: Target, condition: Condition, cause: str, now: float) -> None:
        """Take note of how one of its targets is now."""
        story, bad = self.stories.get(target), IS_BAD[condition]
        if bad is None:
            return
        if bad:
            since, why = (story.since, story.cause) if story else (now, cause)
            self.stories[target] = Story(target, since, why)
        elif story is not None and self.phase is Phase.GATHERING:
            del self.stories[target]  # it did not last
        elif story is not None:
            until = now if story.until is None else story.until
            self.stories[target] = story._replace(until=until, condition=condition)
        down = any(one.until is None for one in self.stories.values())
        self.step(Signal.BAD if down else Signal.GOOD)

    def deadline(self, notify_after: float) -> float | None:
        """When its state will have lasted; None while there is nothing to wait for."""
        if self.phase is Phase.GATHERING:
            return max(one.since for one in self.stories.values()) + notify_after
        if self.phase is Phase.ENDING:
            return max(one.until or 0.0 for one in self.stories.values()) + notify_after
        return None
