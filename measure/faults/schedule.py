"""The schedule: for each fault, the modes of the two origins over time, and what disturbs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import NamedTuple

from measure.common.breaking_origin import Mode
from measure.common.open_loop import Clients
from measure.faults.model import Needs, Timing

USUAL = Needs()

ONE, TWO = 0, 1
"""Indexes of the primary and of the other origin."""


class Step(NamedTuple):
    """A change of an origin's mode."""

    at: float
    """Seconds from the beginning of the fault."""
    origin: int
    mode: Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """Requests beside the normal load, until the end of the fault. They may fail."""

    clients: Clients
    rate: float
    """Requests a second."""
    early: bool = False
    """Whether they begin with the line, rather than with the fault."""

    def begin(self, timing: Timing) -> float:
        """When the first one is sent, in seconds from the line's start."""
        return 0.0 if self.early else timing.before

    def requests(self, timing: Timing) -> int:
        """Number of requests sent."""
        return round(self.rate * (timing.recovery - self.begin(timing)))


@dataclass(frozen=True, slots=True, eq=False)
class Fault:
    """One fault of the schedule."""

    name: str
    steps: Callable[[float], Sequence[Step]]
    """The steps for a duration in seconds. At its end both origins recover in any case."""
    _: KW_ONLY
    paths: Mapping[bytes, Mode] = field(default_factory=dict)
    """Modes of single paths, on both origins during the fault."""
    beside: Disturbance | None = None
    needs: Needs = USUAL
    edge: bool = False
    """Whether it exists only behind Cloudflare's edge."""


def primary(mode: Mode) -> Callable[[float], Sequence[Step]]:
    """The primary does this all the time."""
    return lambda _: [Step(0.0, ONE, mode)]


def flapping(seconds: float) -> list[Step]:
    """The primary is down every other second."""
    modes = (Mode.REFUSE, Mode.FINE)
    return [Step(float(at), ONE, modes[at % 2]) for at in range(int(seconds))]


def restarted(seconds: float) -> list[Step]:
    """The primary is down for a while, and later the other origin."""
    return [
        Step(0.0, ONE, Mode.REFUSE),
        Step(0.3 * seconds, ONE, Mode.FINE),
        Step(0.5 * seconds, TWO, Mode.REFUSE),
        Step(0.8 * seconds, TWO, Mode.FINE),
    ]


def both_down(seconds: float) -> list[Step]:
    """Both origins are down."""
    del seconds
    return [Step(0.0, ONE, Mode.REFUSE), Step(0.0, TWO, Mode.REFUSE)]


def no_steps(seconds: float) -> list[Step]:
    """Both origins are well, apart from the fault's paths."""
    del seconds
    return []


def everywhere(name: str, mode: Mode, post_every: int) -> Fault:
    """One URL fails on both origins, ten times a second beside normal load."""
    return Fault(
        name,
        no_steps,
        paths={b"/poison": mode},
        beside=Disturbance(clients=Clients(path="/poison", post_every=post_every), rate=10),
        needs=Needs(sessions=True),
    )


ONE_TIMEOUT = Needs(one_timeout=True)
SESSIONS = Needs(sessions=True)
LIMITED = Needs(sessions=True, max_requests=50)
"""Normal load has few requests under way at once, those that are not given back soon fill this."""

REFUSES = Fault("refuses", primary(Mode.REFUSE))
RESETS = Fault("resets", primary(Mode.RESET))
HANGS = Fault("hangs", primary(Mode.HANG), needs=ONE_TIMEOUT)
SLOW = Fault("is slow", primary(Mode.SLOW), needs=ONE_TIMEOUT)
ANSWERS_500 = Fault("answers 500", primary(Mode.ERROR_500))
ANSWERS_503 = Fault("answers 503", primary(Mode.ERROR_503))
ANSWERS_530 = Fault("answers 530", primary(Mode.ERROR_530))
FLAPS = Fault("flaps", flapping)
CUTS = Fault("cuts bodies", primary(Mode.CUT))
GARBAGE = Fault("answers garbage", primary(Mode.GARBAGE))
SICK = Fault("fails its health path", primary(Mode.SICK))
RESTARTED = Fault("both restarted in turn", restarted)
BOTH_DOWN = Fault("both down", both_down)
CUTS_SMALL = Fault("cuts small bodies", primary(Mode.CUT_SMALL))
# A POST that is reset says nothing of other origins, as it cannot be sent again: GETs alone.
URL_ANSWERS_503 = everywhere("a URL answers 503", Mode.ERROR_503, post_every=20)
URL_RESETS = everywhere("a URL resets", Mode.RESET, post_every=0)
URL_SLOW = everywhere("a URL is slow", Mode.SLOW, post_every=20)
SLOW_POST = Fault(
    "a slow POST",
    no_steps,
    paths={b"/report": Mode.SLOW},
    beside=Disturbance(clients=Clients(path="/report", post_every=1), rate=1),
    needs=SESSIONS,
)
CACHED = Fault(
    "cached answers",
    primary(Mode.RESET),
    paths={b"/static": Mode.CACHED},
    # A third of all requests: there are never three failures without such an answer between them.
    beside=Disturbance(clients=Clients(path="/static", post_every=0), rate=30),
    needs=Needs(consecutive_failures=3),
    edge=True,
)
SLOW_UPLOADS = Fault(
    "slow uploads",
    primary(Mode.HANG),
    beside=Disturbance(
        clients=Clients(path="/uploads", post_every=1, upload=1.5), rate=6, early=True
    ),
    needs=ONE_TIMEOUT,
)
CUT_UPLOADS = Fault(
    "uploads that end early",
    no_steps,
    beside=Disturbance(
        clients=Clients(path="/uploads", post_every=1, missing=97, leaves=0.3), rate=12
    ),
    needs=LIMITED,
)
CLIENTS_LEAVE = Fault(
    "clients that leave",
    no_steps,
    paths={b"/report": Mode.SLOW},
    beside=Disturbance(clients=Clients(path="/report", post_every=0, leaves=0.2), rate=20),
    needs=LIMITED,
)

FAULTS = (
    REFUSES,
    RESETS,
    HANGS,
    SLOW,
    ANSWERS_500,
    ANSWERS_503,
    ANSWERS_530,
    FLAPS,
    CUTS,
    GARBAGE,
    SICK,
    RESTARTED,
    BOTH_DOWN,
    CUTS_SMALL,
    URL_ANSWERS_503,
    URL_RESETS,
    URL_SLOW,
    SLOW_POST,
    CACHED,
    SLOW_UPLOADS,
    CUT_UPLOADS,
    CLIENTS_LEAVE,
)
