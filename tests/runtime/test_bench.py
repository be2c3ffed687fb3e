"""The measurements run: every peer answers as it should, every figure is there, nothing stays."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bench.peers import PEERS
from bench.scenarios import SCENARIOS
from evenkeel import checkout

COMMAND = [sys.executable, "-m", "bench", "--rounds=1", "--warm-up=0.1"]


def test_a_short_run_measures_every_peer(tmp_path: Path) -> None:
    """A peer that answers anything but 200 with the origin's page fails the whole run."""
    report = tmp_path / "report.json"
    run = subprocess.run(
        [*COMMAND, "--seconds=0.2", f"--json={report}"],
        cwd=checkout.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    for peer in PEERS:
        assert peer.name in run.stdout
    measured = json.loads(report.read_text())["peers"]
    assert list(measured) == [peer.name for peer in PEERS]
    for peer in PEERS:
        assert measured[peer.name]["served_by"] in (peer.served_by or ("",))
        for scenario in SCENARIOS:
            figures = measured[peer.name]["scenarios"][scenario.name]["figures"]
            assert figures["requests"]["low"] >= 1
            # Fast or slow: that is not asked here.
            assert all(figures[column.key]["low"] > 0 for column in scenario.columns)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_stays_behind(number: signal.Signals, tmp_path: Path) -> None:
    """Interrupted, ended or killed in the middle: all processes go."""
    arguments = ["--seconds=60", "--only=pass-through, JavaScript", f"--json={tmp_path / 'none'}"]
    with subprocess.Popen(
        [*COMMAND, *arguments], cwd=checkout.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as run:
        children = _children(run.pid, at_least=5)
        run.send_signal(number)
        assert run.wait(20) != 0
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


def _children(pid: int, at_least: int) -> list[psutil.Process]:
    """The watchdog and what it guards: the group's holder, the origin, workerd, the load."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = psutil.Process(pid).children(recursive=True)
        if len(found) >= at_least:
            return found
        time.sleep(0.02)
    raise AssertionError(f"only {found} were started")
