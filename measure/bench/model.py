"""The terms of a measurement: peers, scenarios, sheets and figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from measure.common.peers import Place
from measure.common.process import Started

if TYPE_CHECKING:
    from measure.common.peers import Running


Figures = Mapping[str, float]
"""The result of one run of a scenario on one peer, by the keys of the scenario's columns."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Duration and number of the runs."""

    seconds: float = 1.0
    """Duration of one run of a scenario on one peer."""
    rounds: int = 3
    warm_up: float = 1.5
    """Seconds of load before the first round: code is compiled, memory grows."""


@dataclass(frozen=True, slots=True)
class Ground(Place):
    """A place with origins that are measured."""

    origin_process: Started
    settings: Settings


class Peer(Protocol):
    """A program that passes requests on to origins."""

    @property
    def name(self) -> str:
        """Name in the table; unique."""

    @property
    def served_by(self) -> tuple[str, ...]:
        """Values of X-Served-By in its answers; empty if it sets none."""

    def missing(self) -> str:
        """What this machine lacks to run it, "" if nothing."""

    def start(self, ground: Ground) -> Running:
        """Start it in front of the ground's origins; it need not answer yet."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A running peer; a scenario may start further copies of it."""

    peer: Peer
    running: Running
    ground: Ground


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table."""

    key: str
    title: str
    format: Callable[[float], str]
    compared: bool = False
    """Whether the spread and the ratios to other peers are shown too."""
    added: str = ""
    """Heading of the difference to the origin alone; "" = not shown."""


class Scenario(Protocol):
    """A kind of load on a peer."""

    @property
    def name(self) -> str:
        """Name for --only; unique."""

    @property
    def columns(self) -> Sequence[Column]:
        """The columns of the table."""

    @property
    def what(self) -> str:
        """End of the table's title; "" if the sheet's title is enough."""

    def run(self, subject: Subject) -> Figures:
        """Put the load on the peer, and return the figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Peers that are measured in turn and compared with each other."""

    name: str
    """Name for --only; unique."""
    title: str
    peers: Sequence[Peer]
    scenarios: Sequence[Scenario]
    bases: Mapping[str, str] = field(default_factory=dict)
    """Peers for comparison: name -> heading of the ratio's column."""
    origins: int = 2
    """Number of origins."""
    rounds: float = 1.0
    """Factor on the number of rounds; at least one round is run."""
    warm: bool = True
    """Whether peers are warmed up."""
    settle: float = 0.0
    """Seconds after the warm-up in which each peer gets a request now and then, and sends probes
    behind the responses."""
    heap: int = 0
    """Limit of a Worker's heap in megabytes; 0 = none."""
    long: bool = False
    """Whether it takes minutes, and is measured on demand only."""


Runs = Mapping[str, Mapping[str, Sequence[Figures]]]
"""Peer -> scenario -> the figures of each round."""


@dataclass(frozen=True, slots=True)
class Measured:
    """All results of a sheet."""

    sheet: Sheet
    runs: Runs
    served_by: Mapping[str, str]
    """Peer -> X-Served-By of its first good answer."""
