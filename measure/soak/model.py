"""The words of a soak: how long, how hard, what was seen, and what may be seen at the most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from measure.common.breaking_origin import Mode
from measure.common.open_loop import OK, Record

MEGABYTE = 1_000_000
SICKNESSES = (Mode.REFUSE, Mode.ERROR_503, Mode.HANG, Mode.RESET, Mode.SICK)
"""What the flapping origin does, in turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How long and how hard; times in seconds."""

    minutes: float = 60.0
    rate: float = 40.0
    """Requests a second."""
    period: float = 90.0
    down: float = 20.0
    """Of each period, at its end: how long the flapping origin is down."""
    interval: float = 5.0
    """Of the monitor."""
    timeout: float = 2.0
    """Of a probe, and until an answer's first byte."""
    sample: float = 10.0
    tick: float = 0.1
    """Between two tiny requests that tell of stalls."""

    @property
    def seconds(self) -> float:
        return self.minutes * 60

    @property
    def settled(self) -> float:
        """When everything has been used once and memory has grown to what it needs."""
        return min(self.seconds / 3, 300.0)

    @property
    def faults(self) -> int:
        """How often the origin goes down."""
        return int((self.seconds + self.down) // self.period)


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen at one moment."""

    at: float
    memory: int
    """Bytes that the runtime has in memory."""
    requests: int
    lost: int
    """Requests without a whole answer with status 200, so far."""
    stall: float
    """The longest since the sample before."""
    files: int
    """Files and sockets that the runtime has open."""
    errors: int
    """Lines of the log that tell of a fault of the balancer's own, so far."""


@dataclass(slots=True)
class Seen:
    """All that was seen."""

    samples: list[Sample] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    stalls: list[tuple[float, float]] = field(default_factory=list)
    """When a tiny request was due, and how long after that it was answered."""
    late: float = 0.0
    """By how many seconds this program itself was late at most."""
    probes: list[float] = field(default_factory=list)
    """When the origin that never fails was probed."""
    events: Counter[str] = field(default_factory=Counter)
    """Lines of the log, by name of event."""
    errors: list[str] = field(default_factory=list)
    replayed: int = 0
    """POSTs that came to origins more than once."""
    ended: str = ""
    """Why the runtime is not the process that it was; empty when it is."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the summary."""

    name: str
    value: float
    unit: str
    bound: float | None = None
    """The most that it may be."""

    @property
    def broken(self) -> bool:
        return self.bound is not None and self.value > self.bound


def lost(records: Sequence[Record]) -> Mapping[str, int]:
    """Count what clients saw instead of an answer, by method and kind."""
    return Counter(f"{one.method} {one.outcome}" for one in records if one.outcome != OK)
