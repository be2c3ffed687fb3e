"""A short benchmark: correct responses from every peer, all figures, and no process left."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from evenkeel.dev import checkout
from measure.bench.model import Figures, Peer, Runs, Scenario, Settings, Sheet
from measure.bench.peers import EVENKEEL, FLOOR, LEAKY, PEERS, REFRESHING, SHARING, named, scale
from measure.bench.peers.servers import SERVERS
from measure.bench.run import measure
from measure.bench.scenarios import BUSY, DOWN, MEMORY, QUIET, REFRESH, START, UP

COMMAND = [sys.executable, "-m", "measure.bench", "--rounds=1", "--warm-up=0.1"]
HERE = [peer for peer in PEERS if not peer.missing()]
"""Some servers may not be installed."""
SHORT = Settings(seconds=0.8, rounds=1, warm_up=0.1)
BODY = 3_000_000


def test_a_short_run_measures_every_peer(tmp_path: Path) -> None:
    """Every peer yields figures; a response other than 200 with the origin's page fails the run."""
    report = tmp_path / "report.json"
    run = subprocess.run(
        [*COMMAND, "--seconds=0.2", "--only=requests", f"--json={report}"],
        cwd=checkout.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    for peer in PEERS:
        assert peer.name in run.stdout
    assert "Goals" in run.stdout
    measured = json.loads(report.read_text())["sheets"]["requests"]["peers"]
    assert list(measured) == [peer.name for peer in HERE]
    for peer in HERE:
        assert measured[peer.name]["served_by"] in (peer.served_by or ("",))
        for scenario in (BUSY, QUIET):
            figures = measured[peer.name]["scenarios"][scenario.name]["figures"]
            assert figures["requests"]["low"] >= 1
            # The test does not check speed.
            assert all(figures[column.key]["low"] >= 0 for column in scenario.columns)


def runs_of(scenarios: Sequence[Scenario], *peers: Peer, origins: int = 2) -> Runs:
    """Measure once."""
    sheet = Sheet(name="x", title="x", peers=peers, scenarios=scenarios, origins=origins)
    return measure(sheet, SHORT, lambda _: None).runs


def run_of(scenario: Scenario, *peers: Peer, origins: int = 2) -> dict[str, Figures]:
    """Each peer's figures from one measurement."""
    runs = runs_of([scenario], *peers, origins=origins)
    return {peer: scenarios[scenario.name][0] for peer, scenarios in runs.items()}


def test_bodies_arrive_through_every_server() -> None:
    """Bodies arrive complete through every server; a wrong length fails the run."""
    ways = [dataclasses.replace(way, size=BODY) for way in (DOWN, UP)]
    servers = [peer for peer in SERVERS if not peer.missing()]
    found = runs_of(ways, *named(EVENKEEL, FLOOR), *servers)
    for scenarios in found.values():
        for way in ways:
            (figures,) = scenarios[way.name]
            assert figures["transfers"] >= 3
            assert figures["speed"] > 0
            assert figures["peak"] > BODY


def test_a_start_is_measured_from_nothing_to_an_answer() -> None:
    """The total time of a start includes the time of the first response."""
    found = run_of(START, *named(FLOOR))[FLOOR]
    assert 0 < found["own"] < found["total"]


def test_requests_meet_refreshes() -> None:
    """Probes of the isolate and of the Durable Object both refresh health during requests."""
    found = run_of(REFRESH, REFRESHING, SHARING)
    for figures in found.values():
        assert figures["met"] > 0
        assert figures["between"] > 0


def test_a_thousand_origins_are_served() -> None:
    """Clients get responses while a thousand origins are probed."""
    peer = scale.evenkeel(1000, "cookie")
    assert run_of(BUSY, peer, origins=1000)[peer.name]["requests"] > 0


def test_memory_is_sampled_during_the_run() -> None:
    """Memory is sampled until after the last request."""
    found = run_of(dataclasses.replace(MEMORY, requests=400), *named(EVENKEEL), LEAKY)
    for figures in found.values():
        assert figures["requests"] >= 400
        assert 0 < figures["early"] <= figures["most"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_stays_behind(number: signal.Signals, tmp_path: Path) -> None:
    """All processes end after an interrupt, a termination or a kill."""
    arguments = [
        "--seconds=60",
        "--only=requests",
        "--only=pass-through, JavaScript",
        f"--json={tmp_path / 'none'}",
    ]
    with subprocess.Popen(
        [*COMMAND, *arguments], cwd=checkout.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as run:
        try:
            children = _children(run.pid, at_least=5)
            run.send_signal(number)
            assert run.wait(20) != 0
        finally:
            run.kill()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


def _children(pid: int, at_least: int) -> list[psutil.Process]:
    """The watchdog and its processes: the group's holder, the origin, workerd, the load."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = psutil.Process(pid).children(recursive=True)
        if len(found) >= at_least:
            return found
        time.sleep(0.02)
    raise AssertionError(f"only {found} were started")
