"""The arithmetic of the measurements, and the table that is made of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.__main__ import chosen, with_others
from bench.figures import noise, percentile, ratio, summary
from bench.load import status_of
from bench.model import Column, Figures, Measured, Runs, Settings, Subject
from bench.origin import ANSWER, BODY
from bench.peers import BASES, PEERS
from bench.report import document, headings, rows
from bench.scenarios import SCENARIOS
from bench.traffic import headers, request


class Idle:
    """A scenario that puts no load on anything."""

    name = "idle"
    columns = (
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
    """What slows a whole round down cancels out."""
    # The machine was three times slower in the second round: the ratio does not notice.
    mine = [{"cpu": 4.0}, {"cpu": 12.0}, {"cpu": 4.2}]
    its = [{"cpu": 2.0}, {"cpu": 6.0}, {"cpu": 2.0}]
    assert ratio(mine, its, "cpu") == 2.0


def test_quiet_machines_give_no_warning() -> None:
    """A tenth more or less is nothing to speak of."""
    assert list(noise(runs_of(one=[1.0, 1.05, 1.1]), ["cpu"], cores=2)) == []


def test_rounds_far_apart_are_warned_of() -> None:
    """The warning names the peers whose rounds differ, and no others."""
    (found,) = noise(runs_of(calm=[1.0, 1.1], wild=[1.0, 2.0]), ["cpu"], cores=2)
    assert "wild 67%" in found
    assert "calm" not in found


def test_figures_that_nothing_is_compared_by_may_vary() -> None:
    """The slowest requests always do."""
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
def test_a_busy_machine_is_warned_of(key: str, value: float, words: str) -> None:
    """One run on a machine that was busy is enough for a warning."""
    quiet = {"peer": {"idle": [{"cpu": 1.0, key: 0.01}]}}
    busy = {"peer": {"idle": [{"cpu": 1.0, key: 0.01}, {"cpu": 1.0, key: value}]}}
    assert list(noise(quiet, ["cpu"], cores=2)) == []
    (found,) = noise(busy, ["cpu"], cores=2)
    assert words in found
    assert found.endswith("in 1 of 2 measurements")


def test_a_row_has_medians_spread_and_ratios() -> None:
    """A ratio to a peer that was not measured is left open."""
    runs = runs_of(mine=[3.0, 4.0, 5.0], base=[2.0, 2.0, 2.0])
    bases = {"base": "x base", "not measured": "x other"}
    assert headings([Idle()], bases) == ["peer", "CPU", "spread", "x base", "x other", "p50"]
    assert rows(runs, [Idle()], bases) == [
        ["mine", "4.0", "50%", "2.00", "-", "0.25"],
        ["base", "2.0", "0%", "1.00", "-", "0.25"],
    ]


def test_what_a_scenario_did_not_measure_is_left_open() -> None:
    """Every row has as many cells as there are headings."""
    runs: Runs = {"mine": {"idle": [{"p50": 1.0}]}, "base": {"idle": []}}
    assert rows(runs, [Idle()], {"base": "x base"}) == [
        ["mine", "-", "-", "-", "1.00"],
        ["base", "-", "-", "-", "-"],
    ]


def test_the_document_is_json_with_every_round() -> None:
    """Its ratios and warnings are those of the table."""
    runs = runs_of(mine=[3.0, 4.0, 5.0], base=[2.0, 2.0, 2.0])
    text = json.dumps(
        document(
            Measured(runs, {"mine": "a", "base": ""}), [Idle()], {"base": "x base"}, Settings()
        )
    )
    found = json.loads(text)
    entry = found["peers"]["mine"]["scenarios"]["idle"]
    assert entry["figures"]["cpu"] == {"median": 4.0, "low": 3.0, "high": 5.0}
    assert entry["ratios"] == {"base": {"cpu": 2.0}}
    assert [one["cpu"] for one in entry["rounds"]] == [3.0, 4.0, 5.0]
    assert found["warnings"] == ["rounds are far apart: mine 50%"]


def test_an_answer_is_complete_when_all_of_it_is_there() -> None:
    """By its length, by its last chunk, or without a body."""
    assert status_of(ANSWER) == "200"
    assert status_of(ANSWER[:-1]) is None
    assert status_of(ANSWER[:40]) is None
    chunked = b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"
    assert status_of(chunked) is None
    assert status_of(chunked + b"0\r\n\r\n") == "503"
    assert status_of(b"HTTP/1.1 204 No Content\r\n\r\n") == "204"


def test_the_page_is_a_kilobyte() -> None:
    """As the origin's description says."""
    assert len(BODY) == 1024


def test_requests_are_a_browsers_behind_cloudflare() -> None:
    """Clients have addresses and cookies of their own."""
    text = request(headers("lb=abc", client=4)).decode()
    assert text.startswith("GET /products/list?page=2&sort=price HTTP/1.1\r\nHost: ")
    assert "\r\nCF-Connecting-IP: 203.0.113.5\r\n" in text
    assert text.endswith("; lb=abc\r\n\r\n")
    assert text.count("\r\n") > 12


def test_names_are_unique_and_chosen_by_a_part() -> None:
    """Peers and scenarios are asked for by the same words."""
    names = [peer.name for peer in PEERS]
    assert len(set(names)) == len(names)
    assert set(BASES) <= set(names)
    assert [peer.name for peer in chosen(PEERS, ["EVENKEEL", "alone"])] == [
        name for name in names if "Evenkeel" in name or "alone" in name
    ]
    # A word that fits scenarios only chooses no peers away.
    assert len(chosen(PEERS, [SCENARIOS[0].name])) == len(PEERS)


def test_another_source_is_measured_next_to_this_one(tmp_path: Path) -> None:
    """Another checkout's Evenkeel follows this one's."""
    assert with_others(PEERS, None) == list(PEERS)
    names = [peer.name for peer in with_others(PEERS, tmp_path)]
    assert names[1] == f"{names[0]} (other source)"
    assert with_others(PEERS, tmp_path)[1].missing().endswith("has no entry.py")
