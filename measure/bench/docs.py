"""Writes the figures of a run into the documentation, between the marks for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evenkeel.dev import checkout
from measure.bench.chart import bars, chart
from measure.bench.goals import Found, found
from measure.bench.model import Measured
from measure.bench.report import goal_cells, headings, rows, title, warnings
from measure.common.errors import MeasurementError

PAGE = checkout.ROOT / "docs" / "performance.md"
CHART = checkout.ROOT / "docs" / "performance.svg"
CHART_OF = "requests"
MARKS = "<!-- {name} -->\n(.*?)<!-- / -->"
MARKED = "<!-- {name} -->\n{text}<!-- / -->"
GOALS = "goals"
FAMILIES = ("origins",)
"""Beginnings of the names of sheets that share a mark."""


def write(read: Mapping[str, Any], measured: Sequence[Measured]) -> list[Path]:
    """Write the figures into the documentation; tables that were not measured stay."""
    page = PAGE.read_text()
    for name, text in blocks(read, measured).items():
        page = replaced(page, name, lambda _, text=text: text)  # type: ignore[misc]
    reached = {one.goal.text: one for one in found(measured)}
    if reached:
        page = replaced(page, GOALS, lambda old: goals(old, list(reached.values())))
    PAGE.write_text(page)
    written = [PAGE]
    for one in measured:
        drawn = bars(one) if one.sheet.name == CHART_OF else []
        if drawn:
            CHART.write_text(chart(drawn, note(read)))
            written.append(CHART)
    return written


def blocks(read: Mapping[str, Any], measured: Sequence[Measured]) -> dict[str, str]:
    """The text for each mark."""
    made: dict[str, str] = {}
    for one in measured:
        name = next((kind for kind in FAMILIES if one.sheet.name.startswith(kind)), one.sheet.name)
        tables = "\n".join(_tables(one))
        made[name] = made[name] + "\n" + tables if name in made else f"\n{note(read)}\n\n{tables}"
    return made


def _tables(measured: Measured) -> Iterator[str]:
    sheet = measured.sheet
    for scenario in sheet.scenarios:
        yield f"{title(sheet, scenario)}:\n"
        yield table(headings(scenario, sheet.bases), rows(measured.runs, scenario, sheet.bases))
    for warning in warnings(measured):
        yield f"The machine was not quiet: {warning}.\n"


def table(heading: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """A Markdown table: text in the first column, numbers in the others."""
    lines = [heading, ["---", *["---:"] * (len(heading) - 1)], *cells]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def goals(old: str, of: Sequence[Found]) -> str:
    """The table of goals; goals that were not measured keep their old rows."""
    kept = {
        line.split("|")[1].strip(): line
        for line in old.splitlines()
        if line.startswith("|") and not line.startswith(("| goal ", "| --- "))
    }
    fresh = {cells[0]: f"| {' | '.join(cells)} |" for cells in map(goal_cells, of)}
    lines = table(("goal", "limit", "measured", "verdict"), ()) + "".join(
        f"{line}\n" for line in {**kept, **fresh}.values()
    )
    return f"\n{lines}\n"


def replaced(page: str, name: str, text: Callable[[str], str]) -> str:
    """The page with new text between the marks of this name; `text` gets the old text."""
    pattern = re.compile(MARKS.format(name=re.escape(name)), re.DOTALL)
    if not pattern.search(page):
        raise MeasurementError(
            f"{PAGE.name} has no place for {name}: <!-- {name} --> ... <!-- / -->"
        )
    return pattern.sub(
        lambda match: MARKED.format(name=name, text=text(match.group(1))), page, count=1
    )


def note(read: Mapping[str, Any]) -> str:
    """Date and machine of the figures."""
    machine, settings = read["machine"], read["settings"]
    return (
        f"Medians, {read['time'][:10]}, {machine['cores']} cores of {machine['processor']}, "
        f"workerd {read['runtime']}, {settings['rounds']} rounds or more."
    )
