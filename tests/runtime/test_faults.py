"""A short fault schedule with the bounds that `make faults` checks."""

from __future__ import annotations

import asyncio

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

LINES = (
    Line(EVENKEEL, Layout.PASSIVE, schedule.HANGS),
    Line(EVENKEEL, Layout.PASSIVE, schedule.CUTS),
    Line(EVENKEEL, Layout.PASSIVE, schedule.BOTH_DOWN),
    Line(EVENKEEL, Layout.ACTIVE, schedule.RESETS),
    Line(EVENKEEL, Layout.ACTIVE, schedule.RESTARTED),
    Line(EVENKEEL, Layout.PASSIVE, schedule.URL_ANSWERS_503),
    Line(EVENKEEL, Layout.PASSIVE, schedule.SLOW_POST),
    Line(EVENKEEL, Layout.PASSIVE, schedule.CACHED),
    Line(EVENKEEL, Layout.PASSIVE, schedule.CUT_UPLOADS),
    Line(EVENKEEL, Layout.ACTIVE, schedule.CLIENTS_LEAVE),
)

EFFORT = Effort(runs=1, at_once=5, repeats=1)


@pytest.mark.alone
def test_bounds_are_kept() -> None:
    """The bounds hold while origins fail, and while a URL, a cache or clients disturb."""

    def ignore(result: Result) -> None:
        """Show no progress."""

    results = asyncio.run(run(LINES, TIMING, EFFORT, ignore))
    violations = {
        result.line.name: list(broken(result.line.fault, result.account, TIMING, ALLOWANCE))
        for result in results
    }

    assert violations == {line.name: [] for line in LINES}, [one.account for one in results]
