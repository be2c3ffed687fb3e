"""Long bodies: how fast they stream, and whether they are held in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from measure.bench.generator import transfer
from measure.bench.model import Column, Figures, Subject
from measure.bench.scenarios.machine import machine_figures
from measure.bench.transfer import Report

BODY_SIZE = 100_000_000
SHORTER = 3
"""Divisor of the time: a few bodies are enough, and more rounds help more than more bodies."""
LEAST = 3
"""Least number of bodies in a round."""


@dataclass(frozen=True, slots=True)
class Bodies:
    """Bodies of 100 MB, one after the other."""

    name: str
    upload: bool
    columns: Sequence[Column]
    what: str
    size: int = BODY_SIZE

    def run(self, subject: Subject) -> Figures:
        """Transfer bodies for a part of the set time."""
        seconds = subject.ground.settings.seconds / SHORTER
        report = transfer(subject, size=self.size, upload=self.upload, seconds=seconds, least=LEAST)
        return figures(report, self.size)


def figures(report: Report, size: int) -> Figures:
    """Bytes a second, and CPU seconds for a megabyte."""
    passed = report.transfers * size
    return {
        "speed": passed / report.seconds,
        "cpu": report.cpu / passed * 1e6,
        "peak": report.peak,
        "grown": max(0.0, report.peak - report.idle),
        "transfers": report.transfers,
        **machine_figures(report),
    }
