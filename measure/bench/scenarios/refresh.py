"""Requests during a refresh of health, compared with those before and after."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from measure.bench.generator import load
from measure.bench.load import Report
from measure.bench.model import Column, Figures, Subject
from measure.bench.readiness import ask
from measure.bench.scenarios.machine import machine_figures
from measure.bench.scenarios.steady import SETTLE_SECONDS
from measure.common.errors import MeasurementError
from measure.common.figures import beside, percentile

PERIODS = 4
"""Factor on the time of other measurements, so that several refreshes fall into it."""


@dataclass(frozen=True, slots=True)
class Refresh:
    """One client, on a peer that probes the origins' slow health path each second."""

    name: str
    columns: Sequence[Column]
    what: str = ""

    def run(self, subject: Subject) -> Figures:
        """Send requests all the time, then ask the origin when it was probed."""
        seconds = PERIODS * subject.ground.settings.seconds
        report = load(subject, 1, warm_up=SETTLE_SECONDS, seconds=seconds, trace=True)
        spans = json.loads(ask(subject.ground.origins[0], "/probes").body)
        return figures(report, spans)


def figures(report: Report, spans: Sequence[tuple[float, float]]) -> Figures:
    """Compare the requests that met a probe with those that did not."""
    during, between = beside(report.trace, spans)
    if not during or not between:
        raise MeasurementError(f"{len(during)} requests met a probe, {len(between)} did not")
    return {
        "during": percentile(during, 50),
        "between": percentile(between, 50),
        "slower": percentile(during, 50) / percentile(between, 50),
        "during_p99": percentile(during, 99),
        "between_p99": percentile(between, 99),
        "slowest": max(during),
        "met": len(during),
        **machine_figures(report),
    }
