"""Processes that tests start can be interrupted, whatever started the tests."""

import signal
import subprocess
import sys

import pytest

from evenkeel.dev import checkout
from support.interrupts import INHERITED

SLEEP = "import time; print('ready', flush=True); time.sleep(60)"
# As a shell does for a command in the background, and nohup.
IGNORING = ["sh", "-c", "trap '' INT HUP; exec \"$@\"", "sh"]
INTERRUPTED = "test_a_signal_ends_a_child"


@pytest.mark.parametrize("number", INHERITED, ids=lambda number: number.name)
def test_a_signal_ends_a_child(number: signal.Signals) -> None:
    """A child of a test starts with the default action of a signal, which is to end."""
    command = [sys.executable, "-I", "-S", "-c", SLEEP]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(number)
        try:
            # Python turns SIGINT into an exception, and then ends by the signal itself.
            assert child.wait(10) == -number
        finally:
            child.kill()


def test_a_signal_ends_a_child_of_tests_that_ignore_it() -> None:
    """Tests that are started in the background, or with nohup, can interrupt their children."""
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
    """A signal that was ignored at the start does not end the tests."""
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
