"""Figures of the machine that every measurement has."""

from __future__ import annotations

from typing import Protocol

from measure.bench.model import Figures


class Spent(Protocol):
    """The part of a load generator's report about the machine."""

    seconds: float
    own_cpu: float
    other_cpu: float
    steal: float


def machine_figures(report: Spent) -> Figures:
    """Cores used by the load generator, by other programs, and by the machine's host."""
    return {
        "load_cpu": report.own_cpu / report.seconds,
        "others": report.other_cpu / report.seconds,
        "steal": report.steal / report.seconds,
    }
