"""A short fault schedule with the bounds that `make faults` checks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from measure.faults import schedule
from measure.faults.bounds import broken
from measure.faults.model import Effort, Layout, Timing
from measure.faults.peers import EVENKEEL
from measure.faults.run import Line, Result, run

TIMING = Timing(rate=40, before=1.0, fault=3.0, after=1.5, first_byte_timeout=3.0)
"""Generous, so that a busy machine does not make a good origin time out."""

ALLOWANCE = 20.0
"""Seconds; the test does not check speed."""

ORIGINS = (
    Line(EVENKEEL, Layout.PASSIVE, schedule.HANGS),
    Line(EVENKEEL, Layout.PASSIVE, schedule.CUTS),
    Line(EVENKEEL, Layout.PASSIVE, schedule.BOTH_DOWN),
    Line(EVENKEEL, Layout.ACTIVE, schedule.RESETS),
    Line(EVENKEEL, Layout.ACTIVE, schedule.RESTARTED),
)
DISTURBANCES = (
    Line(EVENKEEL, Layout.PASSIVE, schedule.URL_ANSWERS_503),
    Line(EVENKEEL, Layout.PASSIVE, schedule.SLOW_POST),
    Line(EVENKEEL, Layout.PASSIVE, schedule.CACHED),
    Line(EVENKEEL, Layout.PASSIVE, schedule.CUT_UPLOADS),
    Line(EVENKEEL, Layout.ACTIVE, schedule.CLIENTS_LEAVE),
)


def violations(lines: Sequence[Line]) -> dict[str, list[str]]:
    """Run lines side by side, and return the broken bounds of each that broke one."""
    accounts: dict[str, list[str]] = {}

    def check(result: Result) -> None:
        found = list(broken(result.line.fault, result.account, TIMING, ALLOWANCE))
        if found:
            accounts[result.line.name] = [*found, str(result.account)]

    asyncio.run(run(lines, TIMING, Effort(runs=1, at_once=len(lines), repeats=1), check))
    return accounts


@pytest.mark.alone
def test_bounds_are_kept_where_origins_fail() -> None:
    """The bounds hold while origins hang, reset, truncate responses, restart, or are both down."""
    assert violations(ORIGINS) == {}


@pytest.mark.alone
def test_bounds_are_kept_where_no_origin_is_to_blame() -> None:
    """The bounds hold while a URL fails, answers come from a cache, and clients leave."""
    assert violations(DISTURBANCES) == {}
