"""`python -m measure.soak`: serves for an hour, prints a table, writes a JSON file."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from measure.common.errors import MeasurementError
from measure.common.machine import machine
from measure.common.program import open_console, require_setup, save
from measure.soak.figures import figures
from measure.soak.model import MEGABYTE, Figure, Sample, Seen, Settings, lost
from measure.soak.run import FOLDER, soak

WIDTH = 100
LATE = 0.25
"""Most seconds by which this program may be late without a warning."""


def options() -> argparse.Namespace:
    """The options of the command line."""
    usual = Settings()
    parser = argparse.ArgumentParser(
        prog="python -m measure.soak",
        description="Serve for a long time with an origin that flaps.",
    )
    parser.add_argument("--minutes", type=float, default=usual.minutes)
    parser.add_argument("--rate", type=float, default=usual.rate, help="requests a second")
    parser.add_argument("--json", type=Path, default=FOLDER / "last.json", metavar="PATH")
    return parser.parse_args()


def table(found: Sequence[Figure]) -> Table:
    """The summary as a table."""
    made = Table(title="Soak", title_justify="left")
    for name, side in (("", "left"), ("seen", "right"), ("at most", "right"), ("", "left")):
        made.add_column(name, justify="right" if side == "right" else "left")
    for one in found:
        bound = "" if one.bound is None else f"{one.bound:,.4g} {one.unit}"
        made.add_row(
            one.name,
            f"{one.value:,.4g} {one.unit}",
            bound,
            "BROKEN" if one.broken else "",
            style="red" if one.broken else "",
        )
    return made


def document(settings: Settings, seen: Seen, found: Sequence[Figure]) -> dict[str, Any]:
    """All results, for programs."""
    return {
        "settings": dataclasses.asdict(settings),
        "machine": machine(),
        "figures": [{**dataclasses.asdict(one), "broken": one.broken} for one in found],
        "lost": dict(lost(seen.records)),
        "requests": len(seen.records),
        "events": dict(seen.events),
        "errors": seen.errors[:100],
        "ended": seen.ended,
        "samples": [dataclasses.asdict(one) for one in seen.samples],
    }


def main() -> int:
    """Run the command; the exit code is 1 if a bound was broken."""
    asked = options()
    console = open_console(WIDTH)
    require_setup()
    settings = Settings(minutes=asked.minutes, rate=asked.rate)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        task = progress.add_task("starting", total=settings.seconds)

        def show(one: Sample) -> None:
            text = (
                f"{one.memory / MEGABYTE:.0f} MB, {one.files} files, "
                f"{one.requests:,} requests, {one.lost} lost, stall {one.stall * 1000:.0f} ms"
            )
            progress.update(task, completed=one.at, description=text)
            if not console.is_terminal:
                console.print(f"{one.at:6.0f} s: {text}")

        try:
            seen = asyncio.run(soak(settings, show))
        except MeasurementError as error:
            sys.exit(f"soak: {error}")
        except KeyboardInterrupt:
            sys.exit("soak: interrupted")
    found = figures(seen, settings)
    console.print(table(found))
    for kind, count in sorted(lost(seen.records).items()):
        console.print(f"Lost: {kind}: {count}.")
    for line in seen.errors[:10]:
        console.print(line, markup=False, soft_wrap=True)
    if seen.late > LATE:
        console.print(f"This program was late by {seen.late:.2f} s: the machine is busy.")
    save(document(settings, seen, found), asked.json, console)
    return 1 if any(one.broken for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
