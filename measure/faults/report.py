"""The results: tables for the terminal, and a document for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from measure.common.machine import machine
from measure.faults.account import Account
from measure.faults.bounds import BOUNDS, broken, untrustworthy
from measure.faults.model import Timing
from measure.faults.run import Line, Result

HEADINGS = (
    "fault",
    "GETs lost",
    "POSTs lost",
    "replayed",
    "lost after",
    "in a row",
    "strayed",
    "beside",
    "slowest",
)
"""`beside` are the lost requests of a disturbance and all of them."""

UNBROKEN = ("fault", "beside", "slowest")
"""Columns whose cells are not wrapped."""


def grouped(results: Iterable[Result]) -> Mapping[Line, Sequence[Result]]:
    """The results of each line, in the order of the lines."""
    found: dict[Line, list[Result]] = {}
    for result in sorted(results, key=lambda one: one.run):
        found.setdefault(result.line, []).append(result)
    return found


def tables(results: Sequence[Result]) -> Iterator[Table]:
    """One table for each peer and layout; figures that differ between runs are all shown."""
    lines = grouped(results)
    for peer, layout in dict.fromkeys((line.peer.name, line.layout) for line in lines):
        made = Table(title=f"{peer}, {layout.value}", title_justify="left")
        for index, heading in enumerate(HEADINGS):
            made.add_column(
                heading, justify="right" if index else "left", no_wrap=heading in UNBROKEN
            )
        for line, runs in lines.items():
            if (line.peer.name, line.layout) == (peer, layout):
                made.add_row(*row(line, runs))
        yield made


def row(line: Line, runs: Sequence[Result]) -> list[str]:
    """A row of the table."""
    accounts = [one.account for one in runs]
    counts: list[Sequence[int | str]] = [
        [one.gets_lost for one in accounts],
        [one.posts_lost for one in accounts],
        [one.replayed for one in accounts],
        [one.lost_after for one in accounts],
        [one.in_a_row for one in accounts],
        [one.strayed if line.fault.needs.sessions else "" for one in accounts],
        [_beside(one) for one in accounts],
    ]
    slowest = max(one.slowest for one in accounts)
    return [line.fault.name, *(_each(count) for count in counts), f"{slowest:.2f} s"]


def _beside(account: Account) -> str:
    return f"{account.beside_lost} of {account.beside_sent}" if account.beside_sent else ""


def _each(values: Sequence[int | str]) -> str:
    return str(values[0]) if len(set(values)) == 1 else " / ".join(map(str, values))


def violations(results: Sequence[Result], timing: Timing) -> list[str]:
    """A sentence for each bound that was broken."""
    return [
        f"{result.line.name} (run {result.run}): {what}"
        for result in results
        if result.line.peer.bounded
        for what in broken(result.line.fault, result.account, timing)
    ]


def warnings(results: Sequence[Result]) -> list[str]:
    """Lines in which the load generator was late."""
    return [
        f"{result.line.name} (run {result.run}): {what}"
        for result in results
        if (what := untrustworthy(result.account))
    ]


def document(results: Sequence[Result], timing: Timing) -> dict[str, Any]:
    """All figures of all runs."""
    return {
        "machine": machine(),
        "timing": {**asdict(timing), "requests": timing.requests},
        "bounds": {fault.name: asdict(bounds) for fault, bounds in BOUNDS.items()},
        "lines": [
            {
                "peer": result.line.peer.name,
                "layout": result.line.layout.value,
                "fault": result.line.fault.name,
                "run": result.run,
                **asdict(result.account),
            }
            for result in results
        ],
        "broken": violations(results, timing),
    }
