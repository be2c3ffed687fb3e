"""All ways to put load on a peer, in the order of the table's columns: one entry each."""

from __future__ import annotations

from bench.model import Column, Scenario
from bench.scenarios.steady import Steady


def microseconds(seconds: float) -> str:
    """As text."""
    return f"{seconds * 1e6:.0f}"


def milliseconds(seconds: float) -> str:
    """As text."""
    return f"{seconds * 1e3:.2f}"


def count(number: float) -> str:
    """As text."""
    return f"{number:,.0f}"


SCENARIOS: tuple[Scenario, ...] = (
    Steady(
        "many",
        16,
        (
            Column("cpu", "CPU us/request", microseconds, compared=True),
            Column("rate", "requests/s", count),
            Column("p50", "p50 ms", milliseconds),
        ),
    ),
    Steady(
        "one",
        1,
        (
            Column("p50", "alone p50 ms", milliseconds),
            Column("p90", "p90 ms", milliseconds),
            Column("p99", "p99 ms", milliseconds),
        ),
    ),
)
