"""What every measurement tells of the machine beside its own figures."""

from __future__ import annotations

from typing import Protocol

from measure.bench.model import Figures


class Spent(Protocol):
    """A load generator's report."""

    seconds: float
    own_cpu: float
    other_cpu: float
    steal: float


def machine_figures(report: Spent) -> Figures:
    """Cores that were used by the load generator, by strangers, and by the machine's host."""
    return {
        "load_cpu": report.own_cpu / report.seconds,
        "others": report.other_cpu / report.seconds,
        "steal": report.steal / report.seconds,
    }
