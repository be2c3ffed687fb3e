"""Starts load generators as separate processes, and reads their reports."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from typing import TypeVar

from evenkeel.dev import checkout
from measure.bench import load as load_program
from measure.bench import transfer as transfer_program
from measure.bench.load import Order, Report
from measure.bench.model import Subject
from measure.bench.readiness import ask
from measure.common.errors import MeasurementError
from measure.common.process import Started

GRACE_SECONDS = 30.0
SLOWEST = 50
"""Requests a second that every peer answers, and megabytes a second that it passes on."""

Made = TypeVar("Made", load_program.Report, transfer_program.Report)


def load(  # noqa: PLR0913 (each is a keyword at every call)
    subject: Subject,
    connections: int,
    *,
    warm_up: float,
    seconds: float,
    requests: int = 0,
    memory_every: int = 0,
    trace: bool = False,
) -> Report:
    """Put load on a peer; MeasurementError unless every answer is good."""
    order = Order(
        port=subject.running.port,
        connections=connections,
        warm_up=warm_up,
        seconds=seconds,
        pid=subject.running.process.pid,
        origin=subject.ground.origin_process.pid,
        cookies=ask(subject.running.port).cookies,
        requests=requests,
        memory_every=memory_every,
        trace=trace,
    )
    limit = warm_up + seconds + requests / SLOWEST
    report = _run(subject, "measure.bench.load", json.dumps(asdict(order)), Report, limit)
    if report.failures or not report.requests:
        raise MeasurementError(
            f"{subject.peer.name} failed under load: {report.failures or 'no answers'}\n"
            f"{subject.running.process.output()}"
        )
    return report


def transfer(
    subject: Subject, *, size: int, upload: bool, seconds: float, least: int
) -> transfer_program.Report:
    """Pass long bodies through a peer; MeasurementError unless all of them arrive."""
    order = transfer_program.Order(
        port=subject.running.port,
        pid=subject.running.process.pid,
        origin=subject.ground.origin_process.pid,
        size=size,
        upload=upload,
        seconds=seconds,
        least=least,
        cookies=ask(subject.running.port).cookies,
    )
    limit = seconds + (least + 1) * size / (SLOWEST * 1e6)
    arguments = json.dumps(asdict(order))
    return _run(subject, "measure.bench.transfer", arguments, transfer_program.Report, limit)


def _run(subject: Subject, module: str, order: str, kind: type[Made], limit: float) -> Made:
    command = [sys.executable, "-m", module, order]
    generator = Started(subject.ground.family, command, checkout.ROOT)
    try:
        printed = generator.wait(limit + GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        generator.stop()
        raise MeasurementError(f"{subject.peer.name} hung under load") from None
    try:
        return kind(**json.loads(printed))
    except (ValueError, TypeError):
        raise MeasurementError(
            f"{subject.peer.name} could not be measured:\n{printed}\n"
            f"{subject.running.process.output()}"
        ) from None
