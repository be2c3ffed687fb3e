"""The terms of a soak: settings, samples and figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from measure.common.breaking_origin import Mode
from measure.common.open_loop import OK, Record

MEGABYTE = 1_000_000
FAULTS = (Mode.REFUSE, Mode.ERROR_503, Mode.HANG, Mode.RESET, Mode.SICK)
"""Modes of the flapping origin, in turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Duration and load; times in seconds."""

    minutes: float = 60.0
    rate: float = 40.0
    """Requests a second."""
    period: float = 90.0
    down: float = 20.0
    """Time at the end of each period in which the flapping origin is down."""
    interval: float = 5.0
    """Interval of the monitor."""
    timeout: float = 2.0
    """Time-out of a probe, and of a response's first byte."""
    sample: float = 10.0
    tick: float = 0.1
    """Time between two tiny requests, which show stalls."""

    @property
    def seconds(self) -> float:
        return self.minutes * 60

    @property
    def settled(self) -> float:
        """When all code has run once and memory has reached its size."""
        return min(self.seconds / 3, 300.0)

    @property
    def faults(self) -> int:
        """Number of times that the origin goes down."""
        return int((self.seconds + self.down) // self.period)


@dataclass(frozen=True, slots=True)
class Sample:
    """State at one moment."""

    at: float
    memory: int
    """Resident bytes of the runtime."""
    requests: int
    lost: int
    """Requests so far without a complete answer of status 200."""
    stall: float
    """Longest stall since the last sample."""
    files: int
    """Files and sockets that the runtime has open."""
    errors: int
    """Lines of the log so far that report an error of the balancer itself."""


@dataclass(slots=True)
class Seen:
    """All observations."""

    samples: list[Sample] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    stalls: list[tuple[float, float]] = field(default_factory=list)
    """When each tiny request was due, and the seconds until its answer."""
    late: float = 0.0
    """Most seconds by which this program was late."""
    probes: list[float] = field(default_factory=list)
    """Times of the probes of the steady origin."""
    events: Counter[str] = field(default_factory=Counter)
    """Number of log lines by event."""
    errors: list[str] = field(default_factory=list)
    replayed: int = 0
    """POSTs that reached the origins more than once."""
    ended: str = ""
    """Why the runtime's process has ended, "" if it has not."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the summary."""

    name: str
    value: float
    unit: str
    bound: float | None = None
    """Highest allowed value; None = any."""

    @property
    def broken(self) -> bool:
        return self.bound is not None and self.value > self.bound


def lost(records: Sequence[Record]) -> Mapping[str, int]:
    """Count the lost requests by method and outcome."""
    return Counter(f"{one.method} {one.outcome}" for one in records if one.outcome != OK)
