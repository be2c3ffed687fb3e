"""When the alarm is set, and what each alarm runs."""

from __future__ import annotations

from itertools import product

import pytest

from lb.object.alarm import OVERDUE, TOLERANCE, TURNS, Alarm, Turn

NOW = 1000.0


def test_the_table_of_turns_is_total() -> None:
    """Every alarm has a turn."""
    assert set(TURNS) == set(product(Turn, (False, True)))


def test_previews_and_rounds_take_turns() -> None:
    """While previews wait, every other alarm is a round; without them, every one is."""
    turn, taken = Turn.ROUND, []
    for waits in (True, True, True, False, False):
        turn = TURNS[turn, waits]
        taken.append(turn)

    assert taken == [Turn.PREVIEW, Turn.ROUND, Turn.PREVIEW, Turn.ROUND, Turn.ROUND]


@pytest.mark.parametrize(
    ("at", "next_at", "wanted"),
    [
        (None, None, None),
        (NOW, None, None),
        (None, NOW + 30, NOW + 30),
        (None, 0.0, NOW),
        (NOW + 30, NOW + 30, None),
        (NOW + 30, NOW + 60, None),
        (NOW + 30, NOW + 30 - TOLERANCE, None),
        (NOW + 30, NOW + 29, NOW + 29),
        (NOW + 30, NOW - 5, NOW),
        (NOW - OVERDUE, NOW, None),
        (NOW - OVERDUE - 1, NOW + 30, NOW + 30),
    ],
)
def test_the_alarm_is_set_where_it_is_missing_overdue_or_too_late(
    at: float | None, next_at: float | None, wanted: float | None
) -> None:
    """Otherwise it is left, as setting it counts as a row written."""
    assert Alarm(at).wanted(next_at, NOW) == wanted
