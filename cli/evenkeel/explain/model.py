"""The explanation of a request; its fields are the JSON of `evenkeel explain --json`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One decision."""

    about: str
    found: str
    why: str


@dataclass(frozen=True, slots=True)
class OriginLine:
    """An origin of the load balancer and its state."""

    name: str
    url: str
    standing: str
    why: str


@dataclass(frozen=True, slots=True)
class PoolLine:
    """A pool of the load balancer and its state."""

    name: str
    health: str
    available: bool
    """Whether it takes new traffic."""
    why: str
    origin_steering: str
    load_shedding: str
    """The traffic that it leaves to other pools, "" if none."""
    origins: tuple[OriginLine, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """An origin that an attempt may be sent to."""

    pool: str
    origin: str
    share: float
    """Part of such requests, 0 to 1."""
    why: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One attempt, after all before it went to their likeliest origins and failed."""

    number: int
    choices: tuple[Choice, ...]
    """Likeliest first."""
    timeout: float
    new_cookie: bool
    """Whether the answer of this attempt sets an affinity cookie."""


@dataclass(frozen=True, slots=True)
class Own:
    """A response of the balancer's own."""

    status: int
    reason: str
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The course of a request, with the decisions before it."""

    load_balancer: str | None
    steps: tuple[Step, ...]
    pools: tuple[PoolLine, ...] = ()
    turns: tuple[Turn, ...] = ()
    stopped: str = ""
    """Reason why there is no further attempt."""
    untried: tuple[Choice, ...] = ()
    """The origins that would come next, in order."""
    own: Own | None = None
    """The balancer's own response: to the request, or after the last attempt has failed."""
