"""Steady load: each connection sends its next request as soon as the last one is answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from measure.bench.generator import load
from measure.bench.load import Report
from measure.bench.model import Column, Figures, Subject
from measure.bench.scenarios.machine import machine_figures

SETTLE_SECONDS = 0.2
"""Seconds of load before each measurement: connections are opened, caches filled."""


@dataclass(frozen=True, slots=True)
class Steady:
    """The load of `connections` clients."""

    name: str
    connections: int
    columns: Sequence[Column]
    what: str = ""

    def run(self, subject: Subject) -> Figures:
        """Put the load on the peer for the set time."""
        seconds = subject.ground.settings.seconds
        return figures(load(subject, self.connections, warm_up=SETTLE_SECONDS, seconds=seconds))


def figures(report: Report) -> Figures:
    """Figures of one request and of one second."""
    return {
        "cpu": report.cpu / report.requests,
        "rate": report.requests / report.seconds,
        "p50": report.p50,
        "p90": report.p90,
        "p99": report.p99,
        "requests": report.requests,
        **machine_figures(report),
    }
