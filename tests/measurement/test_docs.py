"""The chart and the tables in the documentation."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest

from measure.bench.chart import PANEL, WIDTH, Bar, bars, chart, kind_of
from measure.bench.docs import GOALS as GOALS_MARK
from measure.bench.docs import PAGE, blocks, goals, note, replaced, table
from measure.bench.goals import GOALS, Found
from measure.bench.model import Measured, Sheet
from measure.bench.peers import ALONE, EVENKEEL, PEERS
from measure.bench.scenarios import BUSY, CPU_ALONE, QUIET
from measure.bench.sheets import sheets
from measure.common.errors import MeasurementError

SVG = "{http://www.w3.org/2000/svg}"
READ: dict[str, Any] = {
    "time": "2026-11-21T12:00:00+00:00",
    "machine": {"cores": 2, "processor": "a processor"},
    "runtime": "1.2.3",
    "settings": {"rounds": 3},
}
FOUND = [
    Bar("Evenkeel", "own", 500e-6, 0.0008),
    Bar("a Worker <&>", "worker", 250e-6, 0.0004),
    Bar("nginx", "server", 25e-6, -0.00001),
]


def drawn(found: list[Bar]) -> ET.Element:
    """The chart as XML."""
    return ET.fromstring(chart(found, "a note"))


def test_a_chart_has_two_bars_for_each_peer() -> None:
    """The longest bar fills its panel, and the shortest is still visible."""
    found = drawn(FOUND)
    marks = [mark for mark in found.iter(f"{SVG}rect") if mark.get("class") != "bg"]
    assert [mark.get("class") for mark in marks] == ["own"] * 2 + ["worker"] * 2 + ["server"] * 2
    widths = [float(mark.get("width", "")) for mark in marks]
    assert widths == [PANEL, PANEL, PANEL / 2, PANEL / 2, 11.8, 2.0]
    assert all(float(mark.get("x", "")) + PANEL < WIDTH for mark in marks)


def test_a_chart_has_text_for_readers_and_screen_readers() -> None:
    """Names are escaped, figures stand beside their bars, and a description has them all."""
    found = drawn(FOUND)
    texts = [text.text for text in found.iter(f"{SVG}text")]
    assert {"Evenkeel", "a Worker <&>", "500", "0.80", "-0.01", "a note"} <= set(texts)
    described = found.find(f"{SVG}desc")
    assert described is not None
    assert "a Worker <&>: 250 microseconds and 0.40 ms" in str(described.text)
    style = found.find(f"{SVG}style")
    assert style is not None
    assert "prefers-color-scheme:dark" in str(style.text)


def test_a_chart_without_servers_has_no_heading_for_them() -> None:
    """A group without peers is left out."""
    texts = [str(text.text) for text in drawn(FOUND[:2]).iter(f"{SVG}text")]
    assert not any(text.startswith("Servers") for text in texts)
    assert drawn([]).tag == f"{SVG}svg"


def requests(**peers: tuple[float, float]) -> Measured:
    """One round of the sheet `requests`: peer -> CPU time and latency."""
    (sheet,) = (sheet for sheet in sheets(full=False) if sheet.name == "requests")
    runs = {
        name: {BUSY.name: [{"cpu": cpu, "p50": 1.0, "rate": 1.0}], QUIET.name: [{"p50": latency}]}
        for name, (cpu, latency) in peers.items()
    }
    return Measured(sheet, runs, {})


def test_bars_show_the_latency_above_the_origin_alone() -> None:
    """The origin itself has no bar; without its figures there are none."""
    found = bars(requests(**{EVENKEEL: (0.5, 3.0), "unknown": (1.0, 1.0), ALONE: (0.1, 1.0)}))
    assert found == [Bar(EVENKEEL, "own", 0.5, 2.0)]
    assert bars(requests(**{EVENKEEL: (0.5, 3.0)})) == []
    assert {kind_of(peer) for peer in PEERS} == {"own", "worker", "server"}


def test_text_goes_between_marks() -> None:
    """Text outside the marks stays."""
    page = "a\n<!-- one -->\nold\n<!-- / -->\nb\n<!-- two -->\n<!-- / -->\n"
    assert replaced(page, "one", lambda old: old + "new\n") == page.replace("old", "old\nnew")
    assert replaced(page, "two", lambda _: "x\\1\n").endswith("<!-- two -->\nx\\1\n<!-- / -->\n")
    with pytest.raises(MeasurementError, match="no place for three"):
        replaced(page, "three", str)


def test_tables_are_markdown() -> None:
    """The first column is left-aligned, the others are right-aligned."""
    assert table(["peer", "us"], [["a", "1"]]) == "| peer | us |\n| --- | ---: |\n| a | 1 |\n"


def test_sheets_of_a_family_share_a_mark() -> None:
    """Date and machine stand once above them."""
    runs = {"a": {CPU_ALONE.name: [{"cpu": 1e-6, "rate": 2.0}]}}
    of = [
        Measured(Sheet(name=name, title=name.title(), peers=(), scenarios=(CPU_ALONE,)), runs, {})
        for name in ("origins, random", "origins, hash", "other")
    ]
    made = blocks(READ, of)
    assert list(made) == ["origins", "other"]
    assert made["origins"].count("a processor") == 1
    assert made["origins"].index("Origins, Random") < made["origins"].index("Origins, Hash")
    assert "| a | 1 | 0% | 2 |" in made["other"]
    assert note(READ).startswith("Medians, 2026-11-21, 2 cores of a processor, workerd 1.2.3")


def test_goals_that_were_not_measured_keep_their_rows() -> None:
    """A run of one sheet changes the rows of its own goals only."""
    first, second = (Found(goal, [goal.limit]) for goal in GOALS[:2])
    both = goals("", [first, second])
    assert both.count("| met |") == 2
    missed = Found(GOALS[1], [GOALS[1].limit / 2])
    again = goals(both, [missed])
    assert again.count("| met |") == 1
    assert again.count("| missed |") == 1
    assert again.splitlines()[3] == both.splitlines()[3]


def test_the_page_has_marks_for_every_sheet() -> None:
    """The figures of every run can be written into it."""
    page = PAGE.read_text()
    for full in (False, True):
        empty = [Measured(sheet, {}, {}) for sheet in sheets(full=full)]
        for name in [*blocks(READ, empty), GOALS_MARK]:
            page = replaced(page, name, lambda old: old)
    assert page == PAGE.read_text()
