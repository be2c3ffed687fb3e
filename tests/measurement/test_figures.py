"""The figures of long bodies, memory, refreshes and goals."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path

import pytest

from measure.bench.goals import FLAT, GOALS, Found, Sense, Verdict, found
from measure.bench.load import Report
from measure.bench.model import Measured
from measure.bench.origin import CHUNK, Upload, answer
from measure.bench.scenarios import bodies, memory, refresh
from measure.bench.sheets import sheets
from measure.bench.transfer import Report as Transferred
from measure.bench.transfer import TransferError, check_received, length_of
from measure.common.clocks import Clocks, peak_in, used
from measure.common.errors import MeasurementError
from measure.common.figures import beside, growth

MEGABYTE = 1_000_000.0


def samples(*, kept: float = 0.0, settles_at: int = 0) -> list[tuple[int, float]]:
    """Memory of a collected heap over 200,000 requests: a sawtooth of 40 MB, and some noise.

    `kept` bytes stay of each request; until `settles_at` requests the heap grows by as many KB.
    """
    dice = random.Random(4)
    return [
        (
            number,
            400 * MEGABYTE
            + number % 7_300 / 7_300 * 40 * MEGABYTE
            + dice.random() * 3 * MEGABYTE
            + min(number, settles_at) * 1000
            + number * kept,
        )
        for number in range(0, 200_001, 500)
    ]


def test_memory_that_rises_and_falls_is_flat() -> None:
    """Memory rises between two collections; the lowest samples count."""
    assert abs(growth(samples())) < FLAT / 2


def test_memory_that_grows_at_first_is_flat() -> None:
    """Caches fill and heaps find their size, in the first half."""
    assert abs(growth(samples(settles_at=80_000))) < FLAT / 2


@pytest.mark.parametrize("kept", [300.0, 1024.0, 10_000.0])
def test_a_leak_is_noticed(kept: float) -> None:
    """A few hundred bytes of each request show through the rise and fall of a collected heap."""
    assert growth(samples(kept=kept)) == pytest.approx(kept, rel=0.25)
    assert growth(samples(kept=kept)) > FLAT


def test_one_slice_cannot_bend_the_slope() -> None:
    """Memory that was high for a while does not count as a leak."""
    disturbed = [
        (number, held + 200 * MEGABYTE * (150_000 <= number < 160_000))
        for number, held in samples()
    ]
    assert abs(growth(disturbed)) < FLAT / 2


def test_few_samples_have_no_growth() -> None:
    """One point has no slope."""
    assert growth([(100, MEGABYTE)]) == 0.0


def test_memory_has_an_early_a_late_and_a_highest_figure() -> None:
    """The early figure is taken after a quarter of the samples."""
    report = Report(
        seconds=2.0, requests=400, memory=[(100 * n, m) for n, m in enumerate([1, 5, 9, 3])]
    )
    found = memory.figures(report)
    assert (found["early"], found["late"], found["most"]) == (5, 3, 9)


def test_requests_beside_a_refresh() -> None:
    """A request that overlaps the beginning or the end of a refresh counts as during it."""
    spans = [(10.0, 11.0), (20.0, 21.0)]
    requests = [(8.0, 1.0), (9.5, 0.6), (10.2, 0.1), (9.0, 3.0), (11.0, 0.5), (20.9, 9.0)]
    during, between = beside(requests, spans)
    assert during == [0.6, 0.1, 3.0, 9.0]
    assert between == [1.0, 0.5]


def test_a_refresh_is_compared_with_the_time_around_it() -> None:
    """Medians are compared; the slowest request during the refresh is a figure too."""
    trace = [(0.0, 0.001), (1.0, 0.002), (1.1, 0.004), (1.2, 0.003), (5.0, 0.001)]
    found = refresh.figures(Report(seconds=6.0, requests=5, trace=trace), [(0.9, 1.5)])
    assert found["during"] == 0.003
    assert found["between"] == 0.001
    assert found["slower"] == pytest.approx(3.0)
    assert found["slowest"] == 0.004


def test_without_a_refresh_there_is_nothing_to_compare() -> None:
    """A run without a refresh must not count as one that was not slowed down."""
    with pytest.raises(MeasurementError, match="0 requests met a probe, 1 did not"):
        refresh.figures(Report(seconds=1.0, requests=1, trace=[(0.0, 0.1)]), [])


def test_bodies_have_a_speed_and_a_cost_per_megabyte() -> None:
    """Four bodies of 100 MB in two seconds are 200 MB/s."""
    report = Transferred(
        seconds=2.0, transfers=4, idle=50 * MEGABYTE, peak=170 * MEGABYTE, cpu=0.8, own_cpu=1.0
    )
    found = bodies.figures(report, 100_000_000)
    assert found["speed"] == 200 * MEGABYTE
    assert found["cpu"] == pytest.approx(0.002)
    assert found["grown"] == 120 * MEGABYTE
    assert found["load_cpu"] == 0.5
    assert bodies.figures(replace(report, peak=0.0), 1)["grown"] == 0.0


def test_only_whole_bodies_count() -> None:
    """An upload may be longer by the frames of its chunks, but by no more."""
    check_received(100, 100)
    check_received(102, 100)
    for wrong in (99, 103, 0):
        with pytest.raises(TransferError):
            check_received(wrong, 100)
    assert length_of(answer(b"abc")[:-7]) == 3
    with pytest.raises(TransferError, match="503"):
        length_of(answer(b"", "503 Service Unavailable"))
    with pytest.raises(TransferError, match="no Content-Length"):
        length_of(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked")


def test_the_origin_recognizes_the_end_of_an_upload() -> None:
    """The end is its length, or its last chunk in any number of pieces."""
    sized = Upload(b"POST / HTTP/1.1\r\nContent-Length: 5")
    assert not sized.take(b"abc")
    assert sized.take(b"de")
    chunked = Upload(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked")
    assert not chunked.take(b"3\r\nabc\r\n0")
    assert not chunked.take(b"\r\n\r")
    assert chunked.take(b"\n")
    assert chunked.received == 13
    # Nothing in the bodies that are sent looks like the end of one.
    assert not Upload(b"POST / HTTP/1.1").take(CHUNK)


def test_cpu_time_of_other_programs_is_the_rest() -> None:
    """The peer, the origin and the load generator are subtracted; the origin alone counts once."""
    before, after = Clocks(1, 1, 1, 10, 0), Clocks(3, 2, 1.5, 14, 0.25)
    spent = used(before, after)
    assert (spent.cpu, spent.own_cpu, spent.steal) == (2, 1, 0.25)
    assert spent.other_cpu == pytest.approx(0.5)
    assert used(before, after, origin_is_peer=True).other_cpu == pytest.approx(1.0)
    assert used(after, before).other_cpu >= 0


def test_the_peak_of_memory_comes_from_the_system() -> None:
    """Linux reports it in kilobytes of 1,024 bytes; other systems do not."""
    assert peak_in("Name:\tx\nVmPeak:\t 9 kB\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n") == 2_097_152
    assert peak_in("") == 0.0


def reached(sense: Sense, limit: float, *values: float) -> Verdict:
    """The verdict on a goal with these values of the rounds."""
    return Found(replace(GOALS[0], sense=sense, limit=limit), values).verdict


def test_a_goal_is_met_when_all_rounds_meet_it() -> None:
    """Rounds that contradict each other make it unclear."""
    assert reached(Sense.AT_MOST, 2.5, 2.0, 2.5) is Verdict.MET
    assert reached(Sense.AT_MOST, 2.5, 2.6, 3.0) is Verdict.MISSED
    assert reached(Sense.AT_MOST, 2.5, 2.4, 2.4, 2.6) is Verdict.UNCLEAR
    assert reached(Sense.AT_LEAST, 0.95, 0.95, 2.0) is Verdict.MET
    assert reached(Sense.AT_LEAST, 0.95, 0.94) is Verdict.MISSED


def test_every_goal_is_about_a_measured_figure() -> None:
    """Its sheet has the scenario, the peer, and the peer for comparison."""
    by_name = {sheet.name: sheet for sheet in sheets(full=True)}
    for goal in GOALS:
        sheet = by_name[goal.sheet]
        peers = {peer.name for peer in sheet.peers}
        assert goal.scenario in {scenario.name for scenario in sheet.scenarios}
        assert {goal.peer, goal.base or goal.peer} <= peers
        assert math.isfinite(goal.limit)


def test_goals_compare_within_rounds() -> None:
    """A goal that was not measured is left out."""
    goal = next(goal for goal in GOALS if goal.base)
    (sheet,) = (sheet for sheet in sheets(full=False) if sheet.name == goal.sheet)
    runs = {
        goal.peer: {goal.scenario: [{goal.key: 4.0}, {goal.key: 9.0}]},
        goal.base: {goal.scenario: [{goal.key: 2.0}, {goal.key: 3.0}]},
    }
    (one,) = found([Measured(sheet, runs, {})])
    assert one.goal is goal
    assert list(one.values) == [2.0, 3.0]
    assert one.value == 2.5
    assert found([Measured(sheet, {goal.peer: runs[goal.peer]}, {})]) == []


def test_the_page_is_in_this_checkout() -> None:
    """Figures are written into the page of this checkout."""
    assert (Path(__file__).parents[2] / "docs" / "performance.md").exists()
