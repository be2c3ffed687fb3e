"""What came out: a table for people, a document for programs."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.figures import noise, ratio, summary
from bench.model import Column, Measured, Runs, Scenario, Settings
from bench.peers import ALONE

ABSENT = "-"


def headings(scenarios: Sequence[Scenario], bases: Mapping[str, str]) -> list[str]:
    """The table's first row."""
    found = ["peer"]
    for scenario in scenarios:
        for column in scenario.columns:
            found.append(column.title)
            if column.compared:
                found += ["spread", *bases.values()]
    return found


def rows(runs: Runs, scenarios: Sequence[Scenario], bases: Mapping[str, str]) -> list[list[str]]:
    """A row for each peer: medians; for figures that are compared also spread and ratios."""
    return [
        [
            peer,
            *(
                cell
                for scenario in scenarios
                for column in scenario.columns
                for cell in _cells(runs, peer, scenario.name, column, bases)
            ),
        ]
        for peer in runs
    ]


def _cells(
    runs: Runs, peer: str, scenario: str, column: Column, bases: Mapping[str, str]
) -> list[str]:
    rounds = runs[peer][scenario]
    if not rounds or column.key not in rounds[0]:
        return [ABSENT] * (1 + column.compared * (1 + len(bases)))
    total = summary([one[column.key] for one in rounds])
    cells = [column.format(total.median)]
    if column.compared:
        cells.append(f"{total.spread:.0%}")
        cells += [
            f"{ratio(rounds, runs[base][scenario], column.key):.2f}" if base in runs else ABSENT
            for base in bases
        ]
    return cells


def table(runs: Runs, scenarios: Sequence[Scenario], bases: Mapping[str, str]) -> Table:
    """The table."""
    made = Table(title="Medians of interleaved rounds", title_justify="left")
    for index, heading in enumerate(headings(scenarios, bases)):
        made.add_column(heading, justify="right" if index else "left", no_wrap=not index)
    for row in rows(runs, scenarios, bases):
        made.add_row(*row)
    return made


def warnings(runs: Runs, scenarios: Sequence[Scenario]) -> list[str]:
    """Why the figures may mislead."""
    # The origin alone is there to show how much the origin and the load generator can do at most.
    peers = {peer: scenario for peer, scenario in runs.items() if peer != ALONE}
    compared = [
        column.key for scenario in scenarios for column in scenario.columns if column.compared
    ]
    return list(noise(peers, compared, os.cpu_count() or 1))


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    model = ""
    cpu_info = Path("/proc/cpuinfo")
    if cpu_info.exists():
        lines = cpu_info.read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if "model name" in line), "")
    return {
        "cores": os.cpu_count(),
        "processor": model or platform.processor(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def document(
    measured: Measured, scenarios: Sequence[Scenario], bases: Mapping[str, str], settings: Settings
) -> dict[str, Any]:
    """Everything, in seconds and as numbers."""
    runs = measured.runs
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "settings": asdict(settings),
        "warnings": warnings(runs, scenarios),
        "peers": {
            peer: {
                "served_by": measured.served_by[peer],
                "scenarios": {
                    scenario.name: _entry(runs, peer, scenario, bases)
                    for scenario in scenarios
                    if runs[peer][scenario.name]
                },
            }
            for peer in runs
        },
    }


def _entry(runs: Runs, peer: str, scenario: Scenario, bases: Mapping[str, str]) -> dict[str, Any]:
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
