"""`python -m measure.faults`: runs the schedule, prints its tables, writes a JSON file."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from measure.common.errors import MeasurementError
from measure.common.program import matches, open_console, require_setup, save
from measure.faults.model import Effort, Layout, Timing
from measure.faults.peers import PEERS
from measure.faults.report import document, tables, violations, warnings
from measure.faults.run import FOLDER, Line, Result, run
from measure.faults.schedule import FAULTS

WIDTH = 120
"""Columns of the tables where the output is no terminal."""


def options() -> argparse.Namespace:
    """The options of the command line."""
    usual = Effort()
    parser = argparse.ArgumentParser(
        prog="python -m measure.faults",
        description="Break origins behind Evenkeel under load, and count the lost requests.",
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help="faults and layouts whose name contains NAME; repeatable",
    )
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="NAME",
        help="peers whose name contains NAME; repeatable",
    )
    parser.add_argument("--runs", type=int, default=usual.runs, help="runs of every line")
    parser.add_argument("--at-once", type=int, default=usual.at_once, help="lines side by side")
    parser.add_argument("--json", type=Path, default=FOLDER / "last.json", metavar="PATH")
    return parser.parse_args()


def chosen(only: Sequence[str], peers: Sequence[str]) -> list[Line]:
    """The chosen lines; all faults or layouts if no word matches one."""
    faults = [fault for fault in FAULTS if matches(fault.name, only)] or list(FAULTS)
    layouts = [one for one in Layout if matches(one.value, only)] or list(Layout)
    return [
        Line(peer, layout, fault)
        for peer in PEERS
        if not peers or matches(peer.name, peers)
        for layout in layouts
        if layout in peer.layouts
        for fault in faults
        if peer.edge or not fault.edge
    ]


def main() -> None:
    """Run the command; the exit code is 1 if a bound was broken."""
    asked = options()
    console = open_console(WIDTH)
    require_setup()
    timing, lines = Timing(), chosen(asked.only, asked.peer)
    for peer in dict.fromkeys(line.peer for line in lines):
        if peer.missing():
            console.print(f"{peer.name} is left out: {peer.missing()}", style="yellow")
    lines = [line for line in lines if not line.peer.missing()]
    results = _run(lines, timing, asked, console)
    for table in tables(results):
        console.print(table)
    for warning in warnings(results):
        console.print(f"Noisy: {warning}.", style="yellow")
    save(document(results, timing), asked.json, console)
    broken = violations(results, timing)
    for violation in broken:
        console.print(f"Broken: {violation}.", style="red", soft_wrap=True)
    if broken:
        sys.exit(1)
    if any(line.peer.bounded for line in lines):
        console.print("Every bound was kept.", style="green")


def _run(
    lines: Sequence[Line], timing: Timing, asked: argparse.Namespace, console: Console
) -> list[Result]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("lines", total=len(lines) * asked.runs)

        def done(result: Result) -> None:
            progress.update(task, advance=1, description=result.line.name)

        try:
            return asyncio.run(run(lines, timing, Effort(asked.runs, asked.at_once), done))
        except* MeasurementError as errors:
            sys.exit("\n".join(f"faults: {error}" for error in errors.exceptions))
        except* KeyboardInterrupt:
            sys.exit("faults: interrupted")


if __name__ == "__main__":
    main()
