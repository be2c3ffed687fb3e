"""Causes of failed probes, from errors of the runtime."""

from __future__ import annotations

import pytest

from lb.probing.causes import FAILURES, Phase, Sign, ended, failure_of, timed_out
from lb.probing.probe import TIMEOUTS, ProbeFailure


def test_the_table_of_failures_is_total() -> None:
    """Every error in every phase has a cause."""
    assert set(FAILURES) == set(Phase)
    assert all(set(row) == set(Sign) for row in FAILURES.values())


def test_a_probe_that_takes_too_long_or_is_cut_short_has_the_cause_of_its_phase() -> None:
    """Time-outs of ours and closed connections raise no error of the runtime."""
    assert timed_out(Phase.CONNECTING) is ProbeFailure.TCP_TIMEOUT
    assert timed_out(Phase.READING) is ProbeFailure.TIMEOUT
    assert ended(Phase.TALKING) is ProbeFailure.RESET


@pytest.mark.parametrize(
    ("phase", "name", "message", "failure"),
    [
        (Phase.ASKING, "Error", "Network connection lost.", ProbeFailure.CONNECTION),
        (Phase.ASKING, "AbortError", "The operation was aborted", ProbeFailure.TIMEOUT),
        (Phase.ASKING, "Error", "internal error; reference = abc", ProbeFailure.OTHER),
        (Phase.ASKING, "TypeError", "Fetch API cannot load: x", ProbeFailure.CONFIG),
        (Phase.READING, "Error", "Network connection lost.", ProbeFailure.RESET),
        (Phase.READING, "AbortError", "The operation was aborted", ProbeFailure.TIMEOUT),
        (Phase.CONNECTING, "AbortError", "", ProbeFailure.TCP_TIMEOUT),
        (Phase.TALKING, "Error", "Network connection lost.", ProbeFailure.RESET),
        (
            Phase.CONNECTING,
            "Error",
            "proxy request failed, cannot connect to the specified address",
            ProbeFailure.CONNECTION,
        ),
    ],
)
def test_what_the_runtimes_errors_mean(
    phase: Phase, name: str, message: str, failure: ProbeFailure
) -> None:
    """Errors as workerd words them have their causes."""
    assert failure_of(phase, name, message) is failure


def test_time_outs_are_what_is_tried_again() -> None:
    """Time-outs of connections and of answers are tried again."""
    assert {failure for failure in ProbeFailure if "ime" in failure.value} == TIMEOUTS
