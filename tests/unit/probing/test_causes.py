"""Causes of failed probes, from errors of the runtime."""

from __future__ import annotations

import pytest

from lb.probing.causes import (
    BARRIER_CAUSES,
    EDGE_CAUSES,
    EDGE_ERRORS,
    ERROR_BYTES,
    FAILURES,
    OTHER_EDGE_CAUSE,
    Phase,
    Sign,
    edge_cause,
    ended,
    failure_of,
    timed_out,
)
from lb.probing.probe import TIMEOUTS, ProbeFailure
from lb.request.edge_answers import EDGE_PAGES, Barrier


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


def test_every_page_of_the_edge_about_an_origin_has_a_cause() -> None:
    """Every barrier too; 527 is a product that is no more."""
    assert set(BARRIER_CAUSES) == set(Barrier)
    assert set(EDGE_PAGES) - set(EDGE_CAUSES) == {527}


@pytest.mark.parametrize(
    ("status", "body", "cause"),
    [
        (530, b"error code: 1033", "No route to host (1033: the tunnel is down)"),
        (530, b"error code: 1016\n", "No route to host (1016: the hostname does not resolve)"),
        (530, b"", "No route to host"),
        (530, b"error code: 1999", "No route to host"),
        (530, b"error code: 10330", "No route to host"),
        (521, b"error code: 521", "TCP connection failed"),
        (530, b"<html>error code: 1033", "No route to host"),
        (530, b" " * ERROR_BYTES + b"error code: 1033", "No route to host"),
        (403, b"error code: 1020", f"{EDGE_CAUSES[403]} (1020: a WAF rule)"),
        (404, b"", OTHER_EDGE_CAUSE),
        (404, b"error code: 1042", f"{OTHER_EDGE_CAUSE} (1042: {EDGE_ERRORS[1042]})"),
        (418, b"\xff\x00", OTHER_EDGE_CAUSE),
    ],
)
def test_the_cause_of_an_answer_of_the_edge(status: int, body: bytes, cause: str) -> None:
    """By the status, and by the error that the edge names at the start of a short body."""
    assert edge_cause(status, body) == cause
