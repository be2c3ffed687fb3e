"""Layout, duration and repetition of the lines of the fault schedule."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Layout(Enum):
    """Distribution of the traffic over the two origins."""

    PASSIVE = "active-passive"
    ACTIVE = "active-active"


@dataclass(frozen=True, slots=True)
class Timing:
    """Rate and durations of a line, in seconds."""

    rate: int = 60
    """Requests a second."""
    before: float = 3.0
    fault: float = 8.0
    after: float = 3.0
    first_byte_timeout: float = 2.0

    @property
    def seconds(self) -> float:
        """Duration of the whole line."""
        return self.before + self.fault + self.after

    @property
    def recovery(self) -> float:
        """When all origins recover, in seconds from the line's start."""
        return self.before + self.fault

    @property
    def requests(self) -> int:
        """Number of requests sent."""
        return round(self.rate * self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a fault needs of the configuration of every balancer, beside the usual settings."""

    one_timeout: bool = False
    """Whether a request ends within one time-out and a quick second attempt."""
    consecutive_failures: int = 1
    """Failures in a row that take an origin out."""
    max_requests: int = 0
    """Requests that may wait for an origin at once; 0 = any number."""
    sessions: bool = False
    """Whether clients keep their cookies, and stay on their origin where it is up."""


@dataclass(frozen=True, slots=True)
class Effort:
    """Number of runs of the lines."""

    runs: int = 1
    at_once: int = 4
    """Lines side by side."""
    repeats: int = 3
    """Further runs of a line if the load generator was late."""
