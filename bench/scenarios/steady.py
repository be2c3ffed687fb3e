"""Steady load: a number of connections, each asking again as soon as it has its answer."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bench.load import Order, Report
from bench.model import BenchError, Column, Figures, Subject
from bench.process import Started
from bench.readiness import ask
from evenkeel import checkout

SETTLE_SECONDS = 0.2
"""Load before each measurement: connections are opened, caches filled."""
GRACE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Steady:
    """The load of `connections` clients."""

    name: str
    connections: int
    columns: Sequence[Column]

    def run(self, subject: Subject) -> Figures:
        """Put it on for the time that is set."""
        return figures(
            load(subject, self.connections, SETTLE_SECONDS, subject.ground.settings.seconds)
        )


def load(subject: Subject, connections: int, warm_up: float, seconds: float) -> Report:
    """Run the load generator, and insist on answers that are all good."""
    order = Order(
        port=subject.running.port,
        connections=connections,
        warm_up=warm_up,
        seconds=seconds,
        pid=subject.running.process.pid,
        origin=subject.ground.origin_process.pid,
        cookies=ask(subject.running.port).cookies,
    )
    command = [sys.executable, "-m", "bench.load", json.dumps(asdict(order))]
    generator = Started(subject.ground.family, command, checkout.ROOT)
    try:
        said = generator.wait(warm_up + seconds + GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        generator.stop()
        raise BenchError(f"{subject.peer.name} hung under load") from None
    try:
        report = Report(**json.loads(said))
    except (ValueError, TypeError):
        raise BenchError(f"{subject.peer.name} could not be measured:\n{said}") from None
    if report.failures or not report.requests:
        raise BenchError(
            f"{subject.peer.name} failed under load: {report.failures or 'no answers'}\n"
            f"{subject.running.process.output()}"
        )
    return report


def figures(report: Report) -> Figures:
    """What a report means for one request and one second."""
    return {
        "cpu": report.cpu / report.requests,
        "rate": report.requests / report.seconds,
        "p50": report.p50,
        "p90": report.p90,
        "p99": report.p99,
        "requests": report.requests,
        "load_cpu": report.own_cpu / report.seconds,
        "others": report.other_cpu / report.seconds,
        "steal": report.steal / report.seconds,
    }
