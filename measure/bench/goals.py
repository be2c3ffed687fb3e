"""The goals, and whether the measured figures reach them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import median

from measure.bench.model import Figures, Measured
from measure.bench.peers import EVENKEEL, FLOOR, LEAKY, REFERENCE, REFRESHING, SHARING, scale
from measure.bench.scenarios import BUSY, DOWN, MEMORY, REFRESH, UP, count, megabytes, times
from measure.bench.scenarios.bodies import BODY_SIZE
from measure.bench.sheets import FEW, MOST, origins

FLAT = 100.0
"""Bytes of memory that a request may leave behind: the noise of a settled heap over 200,000
requests. Any object that is really kept takes several times that."""


class Sense(Enum):
    """Side of the limit on which the figure must be."""

    AT_MOST = "at most"
    AT_LEAST = "at least"


class Verdict(Enum):
    """Outcome of a goal over all rounds."""

    MET = "met"
    MISSED = "missed"
    UNCLEAR = "cannot tell"
    """Met in some rounds and missed in others."""


@dataclass(frozen=True, slots=True)
class Goal:
    """The limit of a peer's figure, or of its ratio to a base's figure."""

    text: str
    sheet: str
    scenario: str
    peer: str
    key: str
    sense: Sense
    limit: float
    base: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The measured figure of a goal."""

    goal: Goal
    values: Sequence[float]
    """One for each round."""

    @property
    def value(self) -> float:
        """The median of the rounds."""
        return median(self.values)

    @property
    def verdict(self) -> Verdict:
        """Met or missed only if all rounds agree."""
        limit, at_most = self.goal.limit, self.goal.sense is Sense.AT_MOST
        good = {value <= limit if at_most else value >= limit for value in self.values}
        if len(good) > 1:
            return Verdict.UNCLEAR
        return Verdict.MET if good.pop() else Verdict.MISSED


def _goals() -> Iterator[Goal]:
    yield Goal(
        "CPU time of a request, x the JavaScript reference",
        "requests", BUSY.name, EVENKEEL, "cpu", Sense.AT_MOST, 2.5, REFERENCE,
    )  # fmt: skip
    for scenario, what in ((DOWN, "download"), (UP, "upload")):
        yield Goal(
            f"{what} of 100 MB, x the JavaScript pass-through",
            "bodies", scenario.name, EVENKEEL, "speed", Sense.AT_LEAST, 0.95, FLOOR,
        )  # fmt: skip
        yield Goal(
            f"{what} of 100 MB, MB of memory for it",
            "bodies", scenario.name, EVENKEEL, "grown", Sense.AT_MOST, BODY_SIZE / 2,
        )  # fmt: skip
    for policy in scale.POLICIES:
        yield Goal(
            f"CPU time with {MOST:,} origins, {policy}, x with {FEW}",
            origins(policy), BUSY.name, scale.named(MOST, policy), "cpu", Sense.AT_MOST, 1.15,
            scale.named(FEW, policy),
        )  # fmt: skip
    for peer, how in ((REFRESHING, "by its own probes"), (SHARING, "from the Durable Object")):
        yield Goal(
            f"time of a request during a refresh {how}, x otherwise",
            "refresh", REFRESH.name, peer.name, "slower", Sense.AT_MOST, 1.1,
        )  # fmt: skip
    yield Goal(
        "bytes of memory that a request leaves behind",
        "memory", MEMORY.name, EVENKEEL, "growth", Sense.AT_MOST, FLAT,
    )  # fmt: skip
    yield Goal(
        "the same of the Worker that leaks 1 KB, which must be noticed",
        "memory", MEMORY.name, LEAKY.name, "growth", Sense.AT_LEAST, FLAT,
    )  # fmt: skip


GOALS: Sequence[Goal] = tuple(_goals())

FORMATS = {"grown": megabytes, "growth": count}


def shown(goal: Goal, value: float) -> str:
    """A figure of a goal as text."""
    return FORMATS.get(goal.key, times)(value)


def found(measured: Sequence[Measured], goals: Sequence[Goal] = GOALS) -> list[Found]:
    """The outcome of each goal that was measured."""
    made = []
    for goal in goals:
        for one in measured:
            values = _values(goal, one.runs) if one.sheet.name == goal.sheet else []
            if values:
                made.append(Found(goal, values))
    return made


def _values(goal: Goal, runs: Mapping[str, Mapping[str, Sequence[Figures]]]) -> list[float]:
    rounds = runs.get(goal.peer, {}).get(goal.scenario, ())
    if not goal.base:
        return [one[goal.key] for one in rounds]
    base = runs.get(goal.base, {}).get(goal.scenario, ())
    return [mine[goal.key] / its[goal.key] for mine, its in zip(rounds, base, strict=False)]
