"""The words of a measurement: what is measured (peers), how (scenarios), and what came out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from measure.common.peers import Place
from measure.common.process import Started

if TYPE_CHECKING:
    from measure.common.peers import Running


Figures = Mapping[str, float]
"""What one run of a scenario on one peer brought; a scenario's columns name the keys."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How long everything takes."""

    seconds: float = 1.0
    """Of one run of a scenario on one peer."""
    rounds: int = 3
    warm_up: float = 1.5
    """Seconds of load before the first round, in which code is compiled and memory grows."""


@dataclass(frozen=True, slots=True)
class Ground(Place):
    """A place to measure at."""

    origin_process: Started
    settings: Settings


class Peer(Protocol):
    """Something that passes requests on to origins."""

    @property
    def name(self) -> str:
        """What the table calls it; unique."""

    @property
    def served_by(self) -> tuple[str, ...]:
        """What X-Served-By of its answers may be; empty when it sets none."""

    def missing(self) -> str:
        """What this machine lacks to run it, "" when nothing."""

    def start(self, ground: Ground) -> Running:
        """Start it, in front of the ground's origins; it need not answer yet."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A peer as a scenario gets it: running, but it may be stopped and another one started."""

    peer: Peer
    running: Running
    ground: Ground


@dataclass(frozen=True, slots=True)
class Column:
    """A figure in the table."""

    key: str
    title: str
    format: Callable[[float], str]
    compared: bool = False
    """Whether its ratios to other peers are shown too, and its spread."""
    added: str = ""
    """The heading of what is above the origin alone; "" when that is not shown."""


class Scenario(Protocol):
    """A way to put load on a peer."""

    @property
    def name(self) -> str:
        """How it is asked for; unique."""

    @property
    def columns(self) -> Sequence[Column]:
        """The figures that go into the table."""

    @property
    def what(self) -> str:
        """What the table's title says of it; "" when the sheet's title says it all."""

    def run(self, subject: Subject) -> Figures:
        """Put the load on, and say what came out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Peers that are measured in turn, and compared with each other."""

    name: str
    """How it is asked for; unique."""
    title: str
    peers: Sequence[Peer]
    scenarios: Sequence[Scenario]
    bases: Mapping[str, str] = field(default_factory=dict)
    """What others are compared with: a peer's name, and the heading of the ratio's column."""
    origins: int = 2
    """How many there are."""
    rounds: float = 1.0
    """Times the rounds that are asked for; one round at least."""
    warm: bool = True
    """Whether peers are warmed up."""
    settle: float = 0.0
    """Seconds after that in which each gets a request now and then, to do all that it has put off:
    probes go out behind responses."""
    heap: int = 0
    """Megabytes that a Worker's heap may have; 0 for as many as it likes."""
    long: bool = False
    """Whether it takes minutes, so that it is measured only when it is asked for."""


Runs = Mapping[str, Mapping[str, Sequence[Figures]]]
"""Peer -> scenario -> the figures of each round."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that the run of a sheet brought."""

    sheet: Sheet
    runs: Runs
    served_by: Mapping[str, str]
    """Peer -> the X-Served-By of its first answer, which was good."""
