"""The earliest time at which an origin's health can change."""

from __future__ import annotations

import pytest

from lb.health.next_change import NextChange, next_changes
from lb.health.verdict import OriginHealth
from lb.model import Health, Member, Monitor, MonitorGroup

UNKNOWN, HEALTHY, UNHEALTHY = Health.UNKNOWN, Health.HEALTHY, Health.UNHEALTHY
VERDICT = 100.0


def change(health: Health, streak: int, *, down: int = 3, up: int = 4) -> NextChange:
    """Return the next change of an origin that is probed every 10 seconds."""
    watch = Monitor(name="m", interval=10, consecutive_down=down, consecutive_up=up)
    (found,) = next_changes(watch, OriginHealth(health=health, streak=streak), VERDICT)
    return found


@pytest.mark.parametrize(
    ("health", "streak", "at", "counting"),
    [
        (UNKNOWN, 0, 120, False),
        (UNKNOWN, -1, 110, True),
        (HEALTHY, 50, 120, False),
        (HEALTHY, -1, 110, True),
        (HEALTHY, -2, 100, True),
        (HEALTHY, -7, 100, True),  # a new configuration has a lower threshold
        (UNHEALTHY, -50, 130, False),
        (UNHEALTHY, 1, 120, True),
        (UNHEALTHY, 3, 100, True),
    ],
)
def test_a_change_takes_the_verdicts_that_are_left(
    health: Health, streak: int, at: float, *, counting: bool
) -> None:
    """The threshold of the way that the origin can go, less the verdicts that count already."""
    found = change(health, streak)

    assert (found.at, found.counting) == (at, counting)


@pytest.mark.parametrize("threshold", [0, 1])
def test_without_a_threshold_the_next_verdict_may_change_it(threshold: int) -> None:
    """No counting comes before the change."""
    for found in (change(HEALTHY, 9, down=threshold), change(UNHEALTHY, -9, up=threshold)):
        assert (found.at, found.threshold, found.counting) == (VERDICT, 1, False)


def test_verdicts_that_do_not_count_put_a_change_off() -> None:
    """A passed probe begins the count anew; one that is to come may still count."""
    well, failing = change(HEALTHY, 9), change(HEALTHY, -1)

    assert [well.after(now) for now in (99, 100, 109, 110)] == [120, 130, 130, 140]
    assert failing.after(109) == failing.at


def test_a_group_changes_with_any_of_its_monitors() -> None:
    """Each monitor has its own threshold and interval; the rounds are those of the shortest."""
    quick = Monitor(name="quick", interval=10, consecutive_down=3)
    slow = Monitor(name="slow", interval=30, consecutive_down=1)
    group = MonitorGroup(name="g", members=(Member(monitor=quick), Member(monitor=slow)))
    members = (
        ("quick", OriginHealth(health=HEALTHY, streak=-1, checked=90.0)),
        ("slow", OriginHealth(health=HEALTHY, streak=5, checked=80.0)),
    )

    changes = next_changes(group, OriginHealth(health=HEALTHY, members=members), VERDICT)

    assert [(one.at, one.counting) for one in changes] == [(110, True), (110, False)]
    assert [one.at for one in next_changes(group, OriginHealth(), VERDICT)] == [120, 100]
