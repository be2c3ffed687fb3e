"""The arithmetic: medians of rounds, ratios between peers, and whether figures can be trusted."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

NOISY_SPREAD = 0.15
"""Rounds further apart than this part of their median do not tell a small difference."""
NOISY_OTHERS = 0.1
NOISY_STEAL = 0.02
"""Parts of the machine's CPU time."""
BUSY_LOAD = 0.9
"""CPU seconds a second above which the one thread of the load generator is what is measured."""

Round = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Summary:
    """One figure of all rounds."""

    median: float
    low: float
    high: float

    @property
    def spread(self) -> float:
        """How far rounds are apart, as a part of the median."""
        return (self.high - self.low) / self.median if self.median else 0.0


def summary(values: Sequence[float]) -> Summary:
    """The summary of a figure's rounds."""
    return Summary(statistics.median(values), min(values), max(values))


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` of the values do not exceed; 0 when there is none."""
    ordered = sorted(values)
    rank = max(1, math.ceil(len(ordered) * percent / 100))
    return ordered[rank - 1] if ordered else 0.0


def ratio(rounds: Sequence[Round], base: Sequence[Round], key: str) -> float:
    """How many times the base's figure this one is.

    The median of each round's own ratio: what slows a whole round down cancels out.
    """
    pairs = zip(rounds, base, strict=False)
    return statistics.median(mine[key] / its[key] for mine, its in pairs)


def noise(
    runs: Mapping[str, Mapping[str, Sequence[Round]]], compared: Sequence[str], cores: int
) -> Iterator[str]:
    """Say why figures may mislead; nothing when they can be trusted.

    Looks at the figures `compared` of the rounds, and at what every run may tell of the machine:
    `others` and `steal`, in cores, and `load_cpu`, in cores of the load generator.
    """
    apart = {
        peer: max(
            (
                summary([one[key] for one in rounds]).spread
                for rounds in scenarios.values()
                for key in compared
                if rounds and key in rounds[0]
            ),
            default=0.0,
        )
        for peer, scenarios in runs.items()
    }
    noisy = [f"{peer} {part:.0%}" for peer, part in apart.items() if part > NOISY_SPREAD]
    if noisy:
        yield f"rounds are far apart: {', '.join(noisy)}"
    every = [one for scenarios in runs.values() for rounds in scenarios.values() for one in rounds]
    for key, limit, what in (
        ("others", NOISY_OTHERS * cores, "other programs used up to {:.1f} of {} cores"),
        ("steal", NOISY_STEAL * cores, "the machine's host took up to {:.2f} of {} cores"),
        ("load_cpu", BUSY_LOAD, "the load generator was busy for up to {:.1f} of its one core"),
    ):
        over = [one[key] for one in every if one.get(key, 0.0) > limit]
        if over:
            often = f" in {len(over)} of {len(every)} measurements"
            yield what.format(max(over), cores) + often


def added(rounds: Sequence[Round], base: Sequence[Round], key: str) -> float:
    """How much this figure is above the base's: the median of each round's own difference."""
    pairs = zip(rounds, base, strict=False)
    return statistics.median(mine[key] - its[key] for mine, its in pairs)


def beside(
    requests: Sequence[tuple[float, float]], spans: Sequence[tuple[float, float]]
) -> tuple[list[float], list[float]]:
    """The seconds of the requests that were under way in one of the spans, and of the others.

    A request is its beginning and its seconds; a span is its beginning and its end.
    """
    during: list[float] = []
    between: list[float] = []
    for began, seconds in requests:
        met = any(began < end and began + seconds > start for start, end in spans)
        (during if met else between).append(seconds)
    return during, between


SLICES = 20
SETTLED = 0.5
"""The part of the requests in which memory may grow: caches fill, heaps find their size."""


def growth(looks: Sequence[tuple[int, float]]) -> float:
    """Bytes of memory that each further request leaves behind, once memory has settled.

    Collectors let memory rise and fall, so what counts is how low it falls: the least of each
    slice of the requests. The slope through these is the median of the slopes between any two of
    them (Theil and Sen), which a single slice cannot bend.
    """
    total = looks[-1][0]
    lows: dict[int, tuple[int, float]] = {}
    for answered, held in looks:
        at = answered * SLICES // (total + 1)
        if answered >= total * SETTLED and (at not in lows or held < lows[at][1]):
            lows[at] = (answered, held)
    points = list(lows.values())
    slopes = [
        (other[1] - one[1]) / (other[0] - one[0])
        for number, one in enumerate(points)
        for other in points[number + 1 :]
    ]
    return statistics.median(slopes) if slopes else 0.0
