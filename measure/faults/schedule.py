"""The schedule: for each fault, the modes of the two origins over time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from measure.common.breaking_origin import Mode

ONE, TWO = 0, 1
"""Indexes of the primary and of the other origin."""


class Step(NamedTuple):
    """A change of an origin's mode."""

    at: float
    """Seconds from the beginning of the fault."""
    origin: int
    mode: Mode


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of the schedule."""

    name: str
    steps: Callable[[float], Sequence[Step]]
    """The steps for a duration in seconds. At its end both origins recover in any case."""


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


REFUSES = Fault("refuses", primary(Mode.REFUSE))
RESETS = Fault("resets", primary(Mode.RESET))
HANGS = Fault("hangs", primary(Mode.HANG))
SLOW = Fault("is slow", primary(Mode.SLOW))
ANSWERS_500 = Fault("answers 500", primary(Mode.ERROR_500))
ANSWERS_503 = Fault("answers 503", primary(Mode.ERROR_503))
ANSWERS_530 = Fault("answers 530", primary(Mode.ERROR_530))
FLAPS = Fault("flaps", flapping)
CUTS = Fault("cuts bodies", primary(Mode.CUT))
GARBAGE = Fault("answers garbage", primary(Mode.GARBAGE))
SICK = Fault("fails its health path", primary(Mode.SICK))
RESTARTED = Fault("both restarted in turn", restarted)
BOTH_DOWN = Fault("both down", both_down)

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
)
