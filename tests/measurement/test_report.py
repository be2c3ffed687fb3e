"""Statistics of the rounds, and the tables."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from measure.bench.__main__ import WIDTH, chosen, chosen_sheets, present, with_others
from measure.bench.goals import GOALS, Found
from measure.bench.load import status_of
from measure.bench.model import Column, Figures, Ground, Measured, Runs, Settings, Sheet, Subject
from measure.bench.origin import ANSWER, BODY
from measure.bench.peers import ALONE, BASES, PEERS
from measure.bench.report import document, goals_table, headings, measured_in, rows, tables
from measure.bench.sheets import sheets
from measure.common.figures import added, noise, percentile, ratio, summary
from measure.common.peers import Running
from measure.common.traffic import headers, request


class Idle:
    """A scenario that puts no load on anything."""

    name = "idle"
    what = "doing nothing"
    columns: tuple[Column, ...] = (
        Column("cpu", "CPU", "{:.1f}".format, compared=True),
        Column("p50", "p50", "{:.2f}".format),
    )

    def run(self, subject: Subject) -> Figures:
        raise NotImplementedError


def runs_of(**peers: list[float]) -> dict[str, dict[str, list[Figures]]]:
    """Rounds with these CPU figures."""
    return {
        name: {"idle": [{"cpu": value, "p50": 0.25} for value in values]}
        for name, values in peers.items()
    }


def test_a_summary_is_the_median_between_the_extremes() -> None:
    """The spread is the distance of the extremes, as a part of the median."""
    found = summary([3.0, 1.0, 2.0])
    assert (found.median, found.low, found.high) == (2.0, 1.0, 3.0)
    assert found.spread == 1.0
    assert summary([1.0, 2.0]).median == 1.5
    assert summary([0.0]).spread == 0.0


@pytest.mark.parametrize(
    ("percent", "value"), [(0, 1.0), (50, 50.0), (90, 90.0), (99, 99.0), (100, 100.0)]
)
def test_a_percentile_is_one_of_the_values(percent: float, value: float) -> None:
    """Nothing is interpolated."""
    assert percentile([float(number) for number in range(100, 0, -1)], percent) == value


def test_few_values_have_percentiles_too() -> None:
    """One value is all of its percentiles."""
    assert percentile([7.0], 99) == 7.0
    assert percentile([1.0, 2.0], 50) == 1.0
    assert percentile([], 50) == 0.0


def test_a_ratio_compares_within_rounds() -> None:
    """A slow-down of a whole round cancels out."""
    # The machine was three times slower in the second round: the ratio does not notice.
    mine = [{"cpu": 4.0}, {"cpu": 12.0}, {"cpu": 4.2}]
    its = [{"cpu": 2.0}, {"cpu": 6.0}, {"cpu": 2.0}]
    assert ratio(mine, its, "cpu") == 2.0


def test_quiet_machines_give_no_warning() -> None:
    """A spread of a tenth is normal."""
    assert list(noise(runs_of(one=[1.0, 1.05, 1.1]), ["cpu"], cores=2)) == []


def test_rounds_far_apart_give_a_warning() -> None:
    """The warning names the peers whose rounds differ, and no others."""
    (found,) = noise(runs_of(calm=[1.0, 1.1], wild=[1.0, 2.0]), ["cpu"], cores=2)
    assert "wild 67%" in found
    assert "calm" not in found


def test_figures_without_a_comparison_may_vary() -> None:
    """The slowest requests always vary."""
    runs = {"peer": {"idle": [{"p99": 1.0}, {"p99": 9.0}]}}
    assert list(noise(runs, ["cpu"], cores=2)) == []


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("others", 0.3, "other programs used up to 0.3 of 2 cores"),
        ("steal", 0.1, "host took up to 0.10 of 2 cores"),
        ("load_cpu", 0.95, "load generator was busy"),
    ],
)
def test_a_busy_machine_gives_a_warning(key: str, value: float, words: str) -> None:
    """One run on a machine that was busy is enough for a warning."""
    quiet = {"peer": {"idle": [{"cpu": 1.0, key: 0.01}]}}
    busy = {"peer": {"idle": [{"cpu": 1.0, key: 0.01}, {"cpu": 1.0, key: value}]}}
    assert list(noise(quiet, ["cpu"], cores=2)) == []
    (found,) = noise(busy, ["cpu"], cores=2)
    assert words in found
    assert found.endswith("in 1 of 2 measurements")


def sheet_of(**bases: str) -> Sheet:
    """A sheet with the scenario that does nothing."""
    return Sheet(name="sheet", title="A sheet", peers=(), scenarios=(Idle(),), bases=bases)


def test_a_row_has_medians_spread_and_ratios() -> None:
    """The ratio to a peer that was not measured is a dash."""
    runs = runs_of(mine=[3.0, 4.0, 5.0], base=[2.0, 2.0, 2.0])
    bases = {"base": "x base", "not measured": "x other"}
    assert headings(Idle(), bases) == ["peer", "CPU", "spread", "x base", "x other", "p50"]
    assert rows(runs, Idle(), bases) == [
        ["mine", "4.0", "50%", "2.00", "-", "0.25"],
        ["base", "2.0", "0%", "1.00", "-", "0.25"],
    ]


def test_a_figure_that_was_not_measured_is_a_dash() -> None:
    """Every row has as many cells as there are headings."""
    runs: Runs = {"mine": {"idle": [{"p50": 1.0}]}, "base": {"idle": []}}
    assert rows(runs, Idle(), {"base": "x base"}) == [
        ["mine", "-", "-", "-", "1.00"],
        ["base", "-", "-", "-", "-"],
    ]


class Added(Idle):
    """A scenario that shows the difference to the origin alone."""

    columns = (Column("p50", "p50", "{:.2f}".format, added="added"),)


def test_the_difference_to_the_origin_is_taken_within_rounds() -> None:
    """A machine that is slower in one round does not change the difference."""
    mine, its = (
        [{"p50": 0.5}, {"p50": 1.5}, {"p50": 0.6}],
        [{"p50": 0.1}, {"p50": 1.1}, {"p50": 0.1}],
    )
    assert added(mine, its, "p50") == pytest.approx(0.4)
    runs: Runs = {"mine": {"idle": mine}, ALONE: {"idle": its}}
    assert headings(Added(), {}) == ["peer", "p50", "added"]
    assert rows(runs, Added(), {}) == [["mine", "0.60", "0.40"], [ALONE, "0.10", "-"]]
    assert rows({"mine": {"idle": mine}}, Added(), {}) == [["mine", "0.60", "-"]]


def test_each_scenario_has_a_table() -> None:
    """Its title has the sheet's title and the scenario's."""
    (made,) = tables(Measured(sheet_of(), runs_of(mine=[3.0]), {"mine": ""}))
    assert made.title == "A sheet, doing nothing"
    assert made.row_count == 1


@pytest.mark.parametrize("full", [False, True])
def test_every_table_fits_into_100_columns(full: bool) -> None:
    """Nothing is cut off, even with large figures."""
    console = Console(width=WIDTH, file=io.StringIO(), record=True)
    for sheet in sheets(full=full):
        runs = {
            peer.name: {
                scenario.name: [{column.key: 0.0123 for column in scenario.columns}]
                for scenario in sheet.scenarios
            }
            for peer in sheet.peers
        }
        for made in tables(Measured(sheet, runs, {})):
            console.print(made)
    console.print(goals_table([Found(goal, [goal.limit]) for goal in GOALS]))
    text = console.export_text()
    assert "…" not in text
    assert all(name in text for name in ("x pass-through", "requests/s", "nginx, address hash"))


def test_the_document_is_json_with_every_round() -> None:
    """It has the ratios and warnings of the tables, and can be read again."""
    runs = runs_of(mine=[3.0, 4.0, 5.0], base=[2.0, 2.0, 2.0])
    sheet = sheet_of(base="x base")
    measured = Measured(sheet, runs, {"mine": "a", "base": ""})
    found = json.loads(json.dumps(document([measured], Settings())))
    entry = found["sheets"]["sheet"]["peers"]["mine"]["scenarios"]["idle"]
    assert entry["figures"]["cpu"] == {"median": 4.0, "low": 3.0, "high": 5.0}
    assert entry["ratios"] == {"base": {"cpu": 2.0}}
    assert [one["cpu"] for one in entry["rounds"]] == [3.0, 4.0, 5.0]
    assert found["sheets"]["sheet"]["warnings"] == ["rounds are far apart: mine 50%"]
    assert measured_in(found, [sheet]) == [measured]
    assert measured_in({"sheets": {}}, [sheet]) == []


def test_an_answer_is_complete_when_all_of_it_is_there() -> None:
    """The end is that of its length, its last chunk, or its head if it has no body."""
    assert status_of(ANSWER) == "200"
    assert status_of(ANSWER[:-1]) is None
    assert status_of(ANSWER[:40]) is None
    chunked = b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"
    assert status_of(chunked) is None
    assert status_of(chunked + b"0\r\n\r\n") == "503"
    assert status_of(b"HTTP/1.1 204 No Content\r\n\r\n") == "204"


def test_the_page_is_a_kilobyte() -> None:
    """The origin's page has the size that the documentation states."""
    assert len(BODY) == 1024


def test_requests_are_a_browsers_behind_cloudflare() -> None:
    """Each client has its own address and cookies."""
    text = request(headers("lb=abc", client=4)).decode()
    assert text.startswith("GET /products/list?page=2&sort=price HTTP/1.1\r\nHost: ")
    assert "\r\nCF-Connecting-IP: 203.0.113.5\r\n" in text
    assert text.endswith("; lb=abc\r\n\r\n")
    assert text.count("\r\n") > 12


def test_names_are_unique_and_chosen_by_a_part() -> None:
    """Peers, scenarios and sheets are chosen by the same words."""
    names = [peer.name for peer in PEERS]
    assert len(set(names)) == len(names)
    assert set(BASES) <= set(names)
    assert [peer.name for peer in chosen(PEERS, ["EVENKEEL", "alone"])] == [
        name for name in names if "Evenkeel" in name or "alone" in name
    ]
    # A word that fits no peer chooses none away.
    assert len(chosen(PEERS, ["quiet"])) == len(PEERS)
    for full in (False, True):
        every = [sheet.name for sheet in sheets(full=full)]
        assert len(set(every)) == len(every)
        for sheet in sheets(full=full):
            assert set(sheet.bases) <= {peer.name for peer in sheet.peers}


def test_sheets_are_chosen_by_their_names_and_their_scenarios() -> None:
    """Long sheets are measured with `full`, or by their name."""
    every = sheets(full=False)

    def names(*only: str, full: bool = False) -> list[str]:
        return [sheet.name for sheet in chosen_sheets(every, only, full=full)]

    assert names("memory") == ["memory"]
    assert "memory" not in names()
    assert names(full=True) == [sheet.name for sheet in every]
    assert names("origins, hash", "bodies") == ["bodies", "origins, hash"]
    # A word that fits peers alone leaves all sheets, with the peers that it fits.
    assert names("nginx") == names()
    (quiet,) = chosen_sheets(every, ["quiet", "nginx"], full=False)
    assert quiet.name == "requests"
    assert [one.name for one in quiet.scenarios] == ["quiet"]
    assert [peer.name for peer in quiet.peers] == ["nginx, address hash"]


def test_a_missing_peer_is_left_out_with_a_message() -> None:
    """The message names the package to install."""

    class Missing:
        name, served_by = "Absent", ()

        def missing(self) -> str:
            return "absentd is not installed"

        def start(self, ground: Ground) -> Running:
            raise NotImplementedError

    sheet, lines = present(dataclasses.replace(sheet_of(), peers=(Missing(), PEERS[0])))
    assert [peer.name for peer in sheet.peers] == [PEERS[0].name]
    assert lines == ["Absent is left out: absentd is not installed"]


def test_another_source_is_measured_next_to_this_one(tmp_path: Path) -> None:
    """Another checkout's Evenkeel follows this one's."""
    assert with_others(PEERS, None) == list(PEERS)
    names = [peer.name for peer in with_others(PEERS, tmp_path)]
    assert names[1] == f"{names[0]} (other source)"
    assert with_others(PEERS, tmp_path)[1].missing().endswith("has no entry.py")
