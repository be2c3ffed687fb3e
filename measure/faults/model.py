"""Layout, duration and repetition of the lines of the fault schedule."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Layout(Enum):
    """How the two origins share the traffic."""

    PASSIVE = "active-passive"
    ACTIVE = "active-active"


@dataclass(frozen=True, slots=True)
class Timing:
    """How long everything takes, in seconds."""

    rate: int = 60
    """Requests a second."""
    before: float = 3.0
    fault: float = 8.0
    after: float = 3.0
    first_byte_timeout: float = 2.0

    @property
    def seconds(self) -> float:
        """Of the whole line."""
        return self.before + self.fault + self.after

    @property
    def recovery(self) -> float:
        """When all origins are well again, from the line's start."""
        return self.before + self.fault

    @property
    def requests(self) -> int:
        """How many are sent."""
        return round(self.rate * self.seconds)


@dataclass(frozen=True, slots=True)
class Effort:
    """How often lines are run."""

    runs: int = 1
    at_once: int = 4
    """Lines side by side."""
    repeats: int = 3
    """How often a line is run again if the machine was too busy for the load generator."""
