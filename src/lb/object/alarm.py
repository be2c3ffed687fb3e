"""The alarm of the Durable Object: when it must be set, and what it is for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

AFTER_A_FAULT = 60.0
"""Seconds until the alarm is tried again after a fault of our own."""

OVERDUE = 60.0
"""Seconds after which an alarm that has not gone off is set anew."""

TOLERANCE = 0.5
"""Seconds by which an alarm may be late: a set alarm costs a row."""


class Turn(Enum):
    """What one alarm does: it has subrequests for one of the two."""

    ROUND = "a round of probes"
    PREVIEW = "a preview"


TURNS: Mapping[tuple[Turn, bool], Turn] = {
    (Turn.ROUND, False): Turn.ROUND,
    (Turn.ROUND, True): Turn.PREVIEW,
    (Turn.PREVIEW, False): Turn.ROUND,
    (Turn.PREVIEW, True): Turn.ROUND,
}
"""The turn of an alarm, by the latest one's and whether a preview waits."""


@dataclass(slots=True)
class Alarm:
    """What is known of the alarm; an eviction forgets it."""

    at: float | None = None
    """When it is set to go off; None: not set, or not known."""

    def wanted(self, next_at: float | None, now: float) -> float | None:
        """Return when the alarm must be set for what is due at `next_at`; None: leave it.

        It is set where it is missing, overdue, or later than wanted. An alarm that comes too early
        costs less than setting it again.
        """
        if next_at is None:
            return None
        due = max(next_at, now)
        fine = self.at is not None and now - OVERDUE <= self.at <= due + TOLERANCE
        return None if fine else due
