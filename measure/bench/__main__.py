"""`python -m measure.bench`: measures and prints tables, or writes the documentation."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from measure.bench.docs import write
from measure.bench.goals import found
from measure.bench.model import Measured, Peer, Scenario, Settings, Sheet
from measure.bench.report import document, goals_table, measured_in, tables, warnings
from measure.bench.run import FOLDER, measure
from measure.bench.sheets import sheets
from measure.common.errors import MeasurementError
from measure.common.evenkeel_worker import Evenkeel
from measure.common.program import matches, open_console, require_setup, save

WIDTH = 100
"""Columns of the tables where the output is no terminal."""

Named = TypeVar("Named", Peer, Scenario)


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options of the command line."""
    usual = Settings()
    parser = argparse.ArgumentParser(
        prog="python -m measure.bench",
        description="Measure Evenkeel beside its alternatives: about five minutes.",
        epilog=f"Sheets: {'; '.join(sheet.name for sheet in sheets(full=True))}.",
    )
    parser.add_argument(
        "--seconds", type=float, default=usual.seconds, help="seconds of each measurement"
    )
    parser.add_argument(
        "--rounds", type=int, default=usual.rounds, help="rounds of all measurements"
    )
    parser.add_argument(
        "--warm-up", type=float, default=usual.warm_up, help="seconds of warm-up for each peer"
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help="also the long sheets: memory over 200,000 requests (alone: --only memory), and more "
        "numbers of origins; half an hour in all",
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help="sheets, scenarios and peers whose name contains NAME; repeatable",
    )
    parser.add_argument("--json", type=Path, default=FOLDER / "last.json", metavar="PATH")
    parser.add_argument(
        "--against", type=Path, metavar="SRC", help="measure another checkout's src/ too"
    )
    parser.add_argument(
        "--write-docs",
        action="store_true",
        help="measure nothing: write the figures of the JSON file into docs/performance.md and "
        "draw its chart",
    )
    return parser.parse_args(arguments)


def chosen(named: Sequence[Named], only: Sequence[str]) -> list[Named]:
    """The items whose name contains one of the words; all if no name does."""
    return [one for one in named if matches(one.name, only)] or list(named)


def chosen_sheets(every: Sequence[Sheet], only: Sequence[str], *, full: bool) -> list[Sheet]:
    """The chosen sheets, each with its chosen scenarios and peers.

    A word chooses sheets by their name or that of a scenario. If no word does, all sheets are
    chosen, the long ones only with `full`. Then the words choose peers.
    """
    named = [
        sheet
        for sheet in every
        if matches(sheet.name, only) or any(matches(one.name, only) for one in sheet.scenarios)
    ]
    return [
        dataclasses.replace(
            sheet, peers=chosen(sheet.peers, only), scenarios=chosen(sheet.scenarios, only)
        )
        for sheet in named or [sheet for sheet in every if full or not sheet.long]
    ]


def with_others(peers: Sequence[Peer], source: Path | None) -> list[Peer]:
    """The peers, each Evenkeel followed by its copy from another checkout's src/."""
    made: list[Peer] = []
    for peer in peers:
        made.append(peer)
        if source is not None and isinstance(peer, Evenkeel):
            name = f"{peer.name} (other source)"
            made.append(dataclasses.replace(peer, name=name, source=source.resolve()))
    return made


def present(sheet: Sheet) -> tuple[Sheet, list[str]]:
    """The sheet with the peers that this machine can run, and why the others are left out."""
    missing = {peer.name: peer.missing() for peer in sheet.peers}
    peers = [peer for peer in sheet.peers if not missing[peer.name]]
    lines = [f"{name} is left out: {why}" for name, why in missing.items() if why]
    return dataclasses.replace(sheet, peers=peers), lines


def main() -> None:
    """Run the command."""
    asked = options()
    console = open_console(WIDTH)
    every = sheets(full=asked.full)
    if asked.write_docs:
        read = json.loads(asked.json.read_text())
        for path in write(read, measured_in(read, every)):
            console.print(f"Written: {os.path.relpath(path)}", soft_wrap=True)
        return
    require_setup()
    settings = Settings(asked.seconds, asked.rounds, asked.warm_up)
    every = tuple(
        dataclasses.replace(sheet, peers=with_others(sheet.peers, asked.against)) for sheet in every
    )
    try:
        measured = _all(chosen_sheets(every, asked.only, full=asked.full), settings, console)
    except MeasurementError as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit("bench: interrupted")
    reached = found(measured)
    if reached:
        console.print(goals_table(reached))
    save(document(measured, settings), asked.json, console)


def _all(asked: Sequence[Sheet], settings: Settings, console: Console) -> list[Measured]:
    """Measure sheet after sheet; print once which peers are left out, and why."""
    measured: list[Measured] = []
    printed: set[str] = set()
    for wanted in asked:
        sheet, absent = present(wanted)
        for line in absent:
            if line not in printed:
                console.print(line, style="yellow")
        printed.update(absent)
        if sheet.peers:
            measured.append(_measured(sheet, settings, console))
    return measured


def _measured(sheet: Sheet, settings: Settings, console: Console) -> Measured:
    """Measure a sheet, and print its tables at once."""
    with console.status("starting") as status:
        measured = measure(sheet, settings, status.update)
    for table in tables(measured):
        console.print(table)
    for warning in warnings(measured):
        console.print(f"Noisy: {warning}.", style="yellow")
    return measured


if __name__ == "__main__":
    main()
