"""Processes that tests start can be interrupted, however the tests were started."""

import signal
import subprocess
import sys

import pytest

from evenkeel.dev import checkout
from support.interrupts import INHERITED

SLEEP = "import time; print('ready', flush=True); time.sleep(60)"
# As a shell does for a background command, and nohup.
IGNORING = ["sh", "-c", "trap '' INT HUP; exec \"$@\"", "sh"]
INTERRUPTED = "test_a_signal_ends_a_child"


@pytest.mark.parametrize("number", INHERITED, ids=lambda number: number.name)
def test_a_signal_ends_a_child(number: signal.Signals) -> None:
    """A signal ends a child process of a test, which starts with the signal's default action."""
    command = [sys.executable, "-I", "-S", "-c", SLEEP]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(number)
        try:
            # Python turns SIGINT into an exception, and then ends by the signal.
            assert child.wait(10) == -number
        finally:
            child.kill()


def test_a_signal_ends_a_child_of_tests_that_ignore_it() -> None:
    """Tests that run in the background or under nohup can interrupt their child processes."""
    pytest_command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    ran = subprocess.run(
        [*IGNORING, *pytest_command, f"{__file__}::{INTERRUPTED}"],
        cwd=checkout.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 passed" in ran.stdout


def test_the_tests_themselves_go_on_ignoring_it() -> None:
    """The tests keep ignoring a signal that was ignored when they started."""
    script = (
        "import os, signal, support.interrupts as tool; tool.give_children_the_default()\n"
        "for number in tool.INHERITED: os.kill(os.getpid(), number)\n"
        "print('still here')"
    )
    ran = subprocess.run(
        [*IGNORING, sys.executable, "-c", script],
        cwd=checkout.ROOT / "tests",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, "still here\n"), ran.stderr
