"""Runs every scenario on every peer, round after round."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from evenkeel.dev import checkout
from measure.bench.generator import load
from measure.bench.model import Figures, Ground, Measured, Settings, Sheet, Subject
from measure.bench.readiness import ask, first_answer
from measure.common.errors import MeasurementError
from measure.common.peers import run_folder
from measure.common.process import Started

FOLDER = checkout.CACHE / "bench"
ORIGIN_SECONDS = 10.0
WARM_UP_CONNECTIONS = 16
WARM_UP_SECONDS = 0.2
"""Measured at the end of the warm-up, and discarded."""
NOW_AND_THEN = 0.1
"""Seconds between two requests while peers settle."""


@contextmanager
def prepared(settings: Settings, origins: int = 2, heap: int = 0) -> Iterator[Ground]:
    """Start the origins; they and all that is started on this ground end with it."""
    with run_folder(FOLDER) as (family, folder):
        command = [sys.executable, "-m", "measure.bench.origin", str(origins)]
        origin = Started(family, command, checkout.ROOT)
        deadline = time.monotonic() + ORIGIN_SECONDS
        while not origin.output() and origin.runs() and time.monotonic() < deadline:
            time.sleep(0.01)
        try:
            ports = json.loads(origin.output())
        except ValueError:
            raise MeasurementError(f"the origin did not start:\n{origin.output()}") from None
        yield Ground(family, folder, ports, origin, settings, heap=heap)


def measure(sheet: Sheet, settings: Settings, show: Callable[[str], None]) -> Measured:
    """Start all peers, then measure in turns, so that other load on the machine hits all alike."""
    runs: dict[str, dict[str, list[Figures]]] = {
        peer.name: {scenario.name: [] for scenario in sheet.scenarios} for peer in sheet.peers
    }
    served_by: dict[str, str] = {}
    rounds = max(1, round(sheet.rounds * settings.rounds))
    with prepared(settings, sheet.origins, sheet.heap) as ground:
        subjects = []
        for peer in sheet.peers:
            show(f"{sheet.name}: starting {peer.name}")
            subject = Subject(peer, peer.start(ground), ground)
            served_by[peer.name] = first_answer(peer, subject.running).served_by
            if sheet.warm:
                load(
                    subject,
                    WARM_UP_CONNECTIONS,
                    warm_up=settings.warm_up,
                    seconds=WARM_UP_SECONDS,
                )
            subjects.append(subject)
        _settle(subjects, sheet.settle, show)
        for number in range(1, rounds + 1):
            for scenario in sheet.scenarios:
                for subject in subjects:
                    name = subject.peer.name
                    show(f"{sheet.name}: round {number} of {rounds}: {scenario.name}, {name}")
                    runs[name][scenario.name].append(scenario.run(subject))
    return Measured(sheet, runs, served_by)


def _settle(subjects: Sequence[Subject], seconds: float, show: Callable[[str], None]) -> None:
    """Let all peers settle at the same time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        show(f"letting peers settle: {end - time.monotonic():.0f} seconds")
        for subject in subjects:
            ask(subject.running.port)
        time.sleep(NOW_AND_THEN)
