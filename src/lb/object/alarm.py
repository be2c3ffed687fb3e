"""The alarm of the Durable Object: when it must be set, and what it runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

AFTER_A_FAULT = 60.0
"""Seconds until the next alarm after a fault of our own."""

OVERDUE = 60.0
"""Seconds after which an alarm that has not gone off is set anew."""

TOLERANCE = 0.5
"""Seconds by which an alarm may be late: setting it counts as a row written."""


class Turn(Enum):
    """What an alarm runs: it has subrequests for one of the two."""

    ROUND = "a round of probes"
    PREVIEW = "a preview"


TURNS: Mapping[tuple[Turn, bool], Turn] = {
    (Turn.ROUND, False): Turn.ROUND,
    (Turn.ROUND, True): Turn.PREVIEW,
    (Turn.PREVIEW, False): Turn.ROUND,
    (Turn.PREVIEW, True): Turn.ROUND,
}
"""An alarm's turn, by the latest turn and whether a preview waits."""


@dataclass(slots=True)
class Alarm:
    """The alarm as this object has set it; unknown after an eviction."""

    at: float | None = None
    """Time that it is set to; None: not set, or unknown."""

    def wanted(self, next_at: float | None, now: float) -> float | None:
        """Return the time to set the alarm to, given when the next round is due; None: leave it.

        It is set if it is missing, overdue or too late. An early alarm is left: it costs less
        than setting it again.
        """
        if next_at is None:
            return None
        due = max(next_at, now)
        fine = self.at is not None and now - OVERDUE <= self.at <= due + TOLERANCE
        return None if fine else due
