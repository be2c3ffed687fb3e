"""The words of the fault schedule: what an origin can do, how long a line is, what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


class FaultsError(Exception):
    """Nothing can be measured like this."""


class Mode(Enum):
    """What an origin does with whatever reaches it."""

    FINE = "answers"
    REFUSE = "refuses connections"
    RESET = "resets the connection of each request"
    HANG = "takes requests and never answers"
    SLOW = "answers after the balancer has given up"
    ERROR_500 = "answers 500"
    ERROR_503 = "answers 503"
    ERROR_530 = "answers 530"
    CUT = "breaks off its answers in the middle"
    GARBAGE = "answers what is no HTTP"
    SICK = "fails its health path alone"


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


POST_EVERY = 5
"""One request of so many is a POST, the others are GETs."""

OK = "200"


class Record(NamedTuple):
    """One request, as its client saw it."""

    at: float
    """When it was to be sent, from the line's start."""
    method: str
    outcome: str
    """OK for a whole answer with status 200, else the status or what happened."""
    seconds: float
    """From when it was to be sent until its end."""
    origin: str = ""
    """The origin that answered, "" when the balancer itself did."""
