"""Many requests: whether memory grows with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from measure.bench.generator import load
from measure.bench.load import Report
from measure.bench.model import Column, Figures, Subject
from measure.bench.scenarios.machine import machine_figures
from measure.common.figures import growth

REQUESTS = 200_000
SAMPLES = 400
"""Samples of the peer's memory, evenly spread over the requests."""
CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Memory:
    """A fixed number of requests."""

    name: str
    columns: Sequence[Column]
    what: str = ""
    requests: int = REQUESTS

    def run(self, subject: Subject) -> Figures:
        """Send the requests."""
        every = max(1, self.requests // SAMPLES)
        report = load(
            subject,
            CONNECTIONS,
            warm_up=0.0,
            seconds=0.0,
            requests=self.requests,
            memory_every=every,
        )
        return figures(report)


def figures(report: Report) -> Figures:
    """Memory at several points, and its growth per request."""
    samples = report.memory
    quarter = samples[len(samples) // 4]
    return {
        "early": quarter[1],
        "late": samples[-1][1],
        "most": max(held for _, held in samples),
        "growth": growth(samples),
        "requests": report.requests,
        **machine_figures(report),
    }
