"""Steady load: a number of connections, each asking again as soon as it has its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from measure.bench.generator import load
from measure.bench.load import Report
from measure.bench.model import Column, Figures, Subject
from measure.bench.scenarios.machine import machine_figures

SETTLE_SECONDS = 0.2
"""Load before each measurement: connections are opened, caches filled."""


@dataclass(frozen=True, slots=True)
class Steady:
    """The load of `connections` clients."""

    name: str
    connections: int
    columns: Sequence[Column]
    what: str = ""

    def run(self, subject: Subject) -> Figures:
        """Put it on for the time that is set."""
        seconds = subject.ground.settings.seconds
        return figures(load(subject, self.connections, warm_up=SETTLE_SECONDS, seconds=seconds))


def figures(report: Report) -> Figures:
    """What a report means for one request and one second."""
    return {
        "cpu": report.cpu / report.requests,
        "rate": report.requests / report.seconds,
        "p50": report.p50,
        "p90": report.p90,
        "p99": report.p99,
        "requests": report.requests,
        **machine_figures(report),
    }
