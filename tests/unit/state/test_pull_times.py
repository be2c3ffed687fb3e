"""When an isolate asks the Durable Object again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lb.health.next_change import NextChange
from lb.model import Config, Region, State
from lb.state.pull_times import SETTLED, SHORTEST, USUAL, next_pull, refresh_of, requests_of_rounds
from support.make import balancer_of, config_of, monitor, pool

NOW = 1000.0


def watched(*rows: tuple[int, int], origins: int = 1, regions: tuple[Region, ...] = ()) -> Config:
    """Return a pool for each interval and consecutive_down."""
    names = [f"o{number}" for number in range(origins)]
    pools = [
        pool(
            f"p{number}",
            *names,
            monitor=monitor(interval=interval, consecutive_down=down),
            check_regions=regions,
        )
        for number, (interval, down) in enumerate(rows)
    ]
    return config_of(balancer_of(*pools))


@pytest.mark.parametrize(
    ("rows", "refresh"),
    [
        ([(30, 3)], 30),
        ([(60, 0)], 30),
        ([(3600, 5)], 30),
        ([(10, 3)], 30),
        ([(10, 2)], 20),
        ([(10, 0)], 10),
        ([(5, 2)], 10),
        ([(5, 1)], SHORTEST),
        ([(60, 5), (5, 3)], 15),
    ],
)
def test_the_time_between_pulls_follows_the_shortest_change(
    rows: list[tuple[int, int]], refresh: float
) -> None:
    """That is consecutive_down x interval, from 10 to 30 seconds."""
    assert refresh_of(watched(*rows)) == refresh


def test_an_explicit_refresh_counts_as_given() -> None:
    """Whatever the monitors need."""
    for refresh in (1, 60):
        config = replace(watched((5, 2)), state=State(refresh=refresh))
        assert refresh_of(config) == refresh


def test_without_monitors_the_time_is_the_usual_one() -> None:
    """There is the configuration to ask for."""
    assert refresh_of(config_of(balancer_of(pool("p", "a")))) == USUAL


def test_rounds_leave_few_requests_for_pulls() -> None:
    """With 86,400 alarms a day, or regions that cost as much, pulls keep their usual time."""
    three = (Region.WEU, Region.ENAM, Region.WNAM)

    assert refresh_of(watched((1, 3))) == USUAL
    assert refresh_of(watched((5, 2), origins=13)) == SHORTEST
    assert refresh_of(watched((5, 2), regions=three)) == pytest.approx(20.7, abs=0.1)


def test_a_round_costs_a_request_and_one_for_each_region() -> None:
    """Monitors of one interval share a round; an alarm probes twelve origins."""
    assert requests_of_rounds(watched((60, 1), (60, 2))) == 1440
    assert requests_of_rounds(watched((60, 1), (30, 1))) == 1440 + 2880
    assert requests_of_rounds(watched((60, 1), origins=13)) == 2 * 1440
    assert requests_of_rounds(watched((60, 1), regions=(Region.WEU, Region.OC))) == 3 * 1440


def change(
    seconds: float, *, interval: float = 10, threshold: int = 3, counting: bool = False
) -> NextChange:
    """Return a change in so many seconds, with the next verdict as far ahead of it as it is."""
    at = NOW + seconds
    verdict = at if counting else at - (threshold - 1) * interval
    return NextChange(at, verdict, interval, threshold, counting)


def pull(*changes: NextChange, refresh: float = 30, fixed: bool = False) -> float:
    """Return the seconds until the next pull."""
    return next_pull(changes, refresh, NOW, fixed=fixed) - SETTLED


def test_a_pull_follows_the_earliest_change() -> None:
    """It comes when the verdict is known."""
    assert pull(change(29)) == 29
    assert pull(change(26), change(21)) == 21
    assert pull(change(4, counting=True), change(21)) == 4


def test_a_pull_comes_after_the_usual_time_at_the_latest() -> None:
    """A change that is far away is seen coming."""
    assert pull(change(90, interval=30)) == USUAL - SETTLED
    assert pull() == USUAL - SETTLED


def test_verdicts_close_to_each_other_share_a_pull() -> None:
    """More than twelve origins are probed in several alarms, one after another."""
    assert pull(change(20), change(20.4), change(21), change(21.1)) == 21


def test_one_late_pull_replaces_two() -> None:
    """With interval 45 and no threshold, pulls at 30 and at 45 seconds would be a half more."""
    assert pull(change(45, interval=45, threshold=1)) == 45
    assert pull(change(59, interval=60, threshold=1)) == USUAL - SETTLED
    assert pull(change(39, interval=20, threshold=2)) == USUAL - SETTLED
    assert pull(change(33, interval=17, threshold=2)) == 33


def test_a_change_that_is_quicker_than_any_pull_does_not_hurry_it() -> None:
    """Only the budget of pulls forbids it; once verdicts count, a pull follows the last one."""
    assert pull(change(4, interval=5, threshold=1), refresh=10) == 10 - SETTLED
    assert pull(change(4, interval=4, threshold=2, counting=True), refresh=10) == 4


def test_an_explicit_refresh_is_shortened_by_counting_alone() -> None:
    """While all is well, an operator's time is kept."""
    assert pull(change(11), fixed=True) == USUAL - SETTLED
    assert pull(change(35), fixed=True) == USUAL - SETTLED
    assert pull(change(11, counting=True), fixed=True) == 11
