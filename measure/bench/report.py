"""The results: tables for the terminal, and a document for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from evenkeel.dev import checkout
from measure.bench.goals import Found, Verdict, found, shown
from measure.bench.model import Column, Measured, Runs, Scenario, Settings, Sheet
from measure.bench.peers import ALONE
from measure.common.figures import added, noise, ratio, summary
from measure.common.machine import machine

ABSENT = "-"
COLOURS = {Verdict.MET: "green", Verdict.MISSED: "red", Verdict.UNCLEAR: "yellow"}


def headings(scenario: Scenario, bases: Mapping[str, str]) -> list[str]:
    """The first row of the table."""
    made = ["peer"]
    for column in scenario.columns:
        made.append(column.title)
        if column.added:
            made.append(column.added)
        if column.compared:
            made += ["spread", *bases.values()]
    return made


def rows(runs: Runs, scenario: Scenario, bases: Mapping[str, str]) -> list[list[str]]:
    """One row for each peer: medians, and the spread and ratios of compared figures."""
    return [
        [
            peer,
            *(
                cell
                for column in scenario.columns
                for cell in _cells(runs, peer, scenario.name, column, bases)
            ),
        ]
        for peer in runs
    ]


def _cells(
    runs: Runs, peer: str, scenario: str, column: Column, bases: Mapping[str, str]
) -> Iterator[str]:
    rounds, key = runs[peer][scenario], column.key
    there = bool(rounds) and key in rounds[0]
    total = summary([one[key] for one in rounds]) if there else None
    yield column.format(total.median) if total else ABSENT
    if column.added:
        alone = runs.get(ALONE, {}).get(scenario)
        has_difference = there and alone and peer != ALONE
        yield column.format(added(rounds, alone or (), key)) if has_difference else ABSENT
    if column.compared:
        yield f"{total.spread:.0%}" if total else ABSENT
        for base in bases:
            its = runs.get(base, {}).get(scenario)
            yield f"{ratio(rounds, its, key):.2f}" if there and its else ABSENT


def title(sheet: Sheet, scenario: Scenario) -> str:
    """The title of a table."""
    return f"{sheet.title}, {scenario.what}" if scenario.what else sheet.title


def tables(measured: Measured) -> Iterator[Table]:
    """One table for each scenario."""
    for scenario in measured.sheet.scenarios:
        made = Table(title=title(measured.sheet, scenario), title_justify="left")
        for index, heading in enumerate(headings(scenario, measured.sheet.bases)):
            made.add_column(heading, justify="right" if index else "left", no_wrap=not index)
        for row in rows(measured.runs, scenario, measured.sheet.bases):
            made.add_row(*row)
        yield made


def goals_table(of: Sequence[Found]) -> Table:
    """The table of goals."""
    made = Table(title="Goals", title_justify="left")
    for number, heading in enumerate(("", "limit", "measured", "")):
        made.add_column(heading, justify="right" if number in (1, 2) else "left")
    for one in of:
        colour = COLOURS[one.verdict]
        made.add_row(*goal_cells(one), style=None if one.verdict is Verdict.MET else colour)
    return made


def goal_cells(one: Found) -> tuple[str, str, str, str]:
    """The row of a goal."""
    goal = one.goal
    limit = f"{goal.sense.value} {shown(goal, goal.limit)}"
    return goal.text, limit, shown(goal, one.value), one.verdict.value


def warnings(measured: Measured) -> list[str]:
    """Reasons why the figures may mislead."""
    # The origin alone only shows the limit of the origin and the load generator.
    peers = {peer: scenario for peer, scenario in measured.runs.items() if peer != ALONE}
    compared = [
        column.key
        for scenario in measured.sheet.scenarios
        for column in scenario.columns
        if column.compared
    ]
    return list(noise(peers, compared, os.cpu_count() or 1))


def runtime() -> str:
    """The version of workerd."""
    return str(json.loads((checkout.ROOT / "package.json").read_text())["dependencies"]["workerd"])


def document(measured: Sequence[Measured], settings: Settings) -> dict[str, Any]:
    """All results as numbers, in seconds and bytes."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "runtime": runtime(),
        "settings": asdict(settings),
        "goals": [
            {
                "text": one.goal.text,
                "sense": one.goal.sense.value,
                "limit": one.goal.limit,
                "value": one.value,
                "rounds": list(one.values),
                "verdict": one.verdict.value,
            }
            for one in found(measured)
        ],
        "sheets": {
            one.sheet.name: {
                "warnings": warnings(one),
                "peers": {
                    peer: {
                        "served_by": one.served_by[peer],
                        "scenarios": {
                            scenario.name: _entry(one, peer, scenario)
                            for scenario in one.sheet.scenarios
                            if one.runs[peer][scenario.name]
                        },
                    }
                    for peer in one.runs
                },
            }
            for one in measured
        },
    }


def _entry(measured: Measured, peer: str, scenario: Scenario) -> dict[str, Any]:
    runs, bases = measured.runs, measured.sheet.bases
    rounds = runs[peer][scenario.name]
    return {
        "figures": {key: asdict(summary([one[key] for one in rounds])) for key in rounds[0]},
        "ratios": {
            base: {
                column.key: ratio(rounds, runs[base][scenario.name], column.key)
                for column in scenario.columns
                if column.compared and column.key in rounds[0]
            }
            for base in bases
            if base in runs
        },
        "rounds": list(rounds),
    }


def measured_in(read: Mapping[str, Any], sheets: Sequence[Sheet]) -> list[Measured]:
    """The results in a document, for reports without a new measurement."""
    made = []
    for sheet in sheets:
        entry = read["sheets"].get(sheet.name)
        if entry is None:
            continue
        runs = {
            name: {
                scenario.name: peer["scenarios"].get(scenario.name, {}).get("rounds", [])
                for scenario in sheet.scenarios
            }
            for name, peer in entry["peers"].items()
        }
        served_by = {name: peer["served_by"] for name, peer in entry["peers"].items()}
        made.append(Measured(sheet, runs, served_by))
    return made
