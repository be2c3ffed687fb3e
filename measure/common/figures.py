"""Statistics of rounds: medians, ratios between peers, and signs of noise."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

NOISY_SPREAD = 0.15
"""Spread of the rounds, as a part of their median, above which small differences mean nothing."""
NOISY_OTHERS = 0.1
NOISY_STEAL = 0.02
"""Parts of the machine's CPU time that other programs and the machine's host may take."""
BUSY_LOAD = 0.9
"""CPU seconds a second above which the single-threaded load generator is the bottleneck."""

Round = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Summary:
    """One figure over all rounds."""

    median: float
    low: float
    high: float

    @property
    def spread(self) -> float:
        """Distance between the highest and lowest round, as a part of the median."""
        return (self.high - self.low) / self.median if self.median else 0.0


def summary(values: Sequence[float]) -> Summary:
    """Summarize the rounds of a figure."""
    return Summary(statistics.median(values), min(values), max(values))


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` of the values do not exceed; 0 without values."""
    ordered = sorted(values)
    rank = max(1, math.ceil(len(ordered) * percent / 100))
    return ordered[rank - 1] if ordered else 0.0


def ratio(rounds: Sequence[Round], base: Sequence[Round], key: str) -> float:
    """The ratio of a figure to the base's.

    It is the median of the ratios of each round, so a slow-down of a whole round cancels out.
    """
    pairs = zip(rounds, base, strict=False)
    return statistics.median(one[key] / other[key] for one, other in pairs)


def noise(
    runs: Mapping[str, Mapping[str, Sequence[Round]]], compared: Sequence[str], cores: int
) -> Iterator[str]:
    """Yield the reasons why figures may mislead.

    They come from the spread of the `compared` figures, and from the figures of the machine that a
    run may have: `others`, `steal` and `load_cpu` (the load generator), all in cores.
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
    """The difference of a figure to the base's: the median of the differences of each round."""
    pairs = zip(rounds, base, strict=False)
    return statistics.median(one[key] - other[key] for one, other in pairs)


def beside(
    requests: Sequence[tuple[float, float]], spans: Sequence[tuple[float, float]]
) -> tuple[list[float], list[float]]:
    """Durations of the requests that overlap one of the spans, and of the others.

    A request is its start and its duration; a span is its start and its end.
    """
    during: list[float] = []
    between: list[float] = []
    for began, seconds in requests:
        met = any(began < end and began + seconds > start for start, end in spans)
        (during if met else between).append(seconds)
    return during, between


SLICES = 20
SETTLED = 0.5
"""The first part of the requests, in which memory may grow: caches fill, heaps find their size."""


def growth(samples: Sequence[tuple[int, float]]) -> float:
    """Bytes of memory that each further request leaves behind, once memory has settled.

    `samples` are the number of answers and the bytes of memory. Garbage collection lets memory rise
    and fall, so the lowest sample of each slice of the requests counts. The slope through these is
    the median of the slopes between any two of them (Theil-Sen), robust against outliers.
    """
    total = samples[-1][0]
    lows: dict[int, tuple[int, float]] = {}
    for answered, held in samples:
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
