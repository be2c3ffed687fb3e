"""The state machine of health, over a monitor's verdicts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lb.health.machine import TRANSITIONS, Signal, observe
from lb.health.verdict import OriginHealth, Verdict
from lb.model import Health
from support.make import monitor, origin

STATUS_OF = {
    "+": Verdict(passed=True),
    "-": Verdict(passed=False, cause="HTTP timeout occurred"),
    "?": Verdict(passed=False, conclusive=False, cause="cached"),
}


def run(verdicts: str, *, up: int = 0, down: int = 0) -> list[tuple[int, str]]:
    """Apply verdicts, one a second; return the times and results of changes."""
    watching = monitor(consecutive_up=up, consecutive_down=down)
    state, changes = OriginHealth(), []
    for now, mark in enumerate(verdicts):
        state, changed = observe(origin("a"), watching, state, STATUS_OF[mark], float(now))
        if changed is not None:
            changes.append((now, changed.after.value))
    return changes


def test_the_table_is_total() -> None:
    """Every health has a transition for every signal."""
    assert {health: set(row) for health, row in TRANSITIONS.items()} == {
        health: set(Signal) for health in Health
    }


@pytest.mark.parametrize(
    ("verdicts", "up", "down", "changes"),
    [
        ("+", 0, 0, [(0, "healthy")]),
        ("-", 0, 0, [(0, "unhealthy")]),
        ("+-+-", 0, 0, [(0, "healthy"), (1, "unhealthy"), (2, "healthy"), (3, "unhealthy")]),
        ("+-+-", 1, 1, [(0, "healthy"), (1, "unhealthy"), (2, "healthy"), (3, "unhealthy")]),
        # One slow probe moves nothing; the third failure in a row does.
        ("+---+-++", 2, 3, [(0, "healthy"), (3, "unhealthy"), (7, "healthy")]),
        # A pass in between starts the count again.
        ("+--+--+--", 2, 3, [(0, "healthy")]),
        # Unknown origins come up with the first pass, and go down only when the row is full.
        ("--+", 3, 3, [(2, "healthy")]),
        ("---+++", 3, 3, [(2, "unhealthy"), (5, "healthy")]),
        # An answer of a cache neither passes nor fails, nor does it interrupt a row.
        ("????", 0, 0, []),
        ("-????", 0, 0, [(0, "unhealthy")]),
        ("+????", 0, 0, [(0, "healthy")]),
        ("+-?-?-", 2, 3, [(0, "healthy"), (5, "unhealthy")]),
        ("-?+?+", 2, 1, [(0, "unhealthy"), (4, "healthy")]),
    ],
)
def test_consecutive_verdicts_move_health(
    verdicts: str, up: int, down: int, changes: list[tuple[int, str]]
) -> None:
    """consecutive_down failures in a row take an origin down, consecutive_up passes back up."""
    assert run(verdicts, up=up, down=down) == changes


def test_a_change_says_what_and_why() -> None:
    """The event names origin, both healths and cause; `since` is the time of the change."""
    state, changed = observe(origin("a"), monitor(), OriginHealth(), STATUS_OF["-"], 5.0)
    later, unchanged = observe(origin("a"), monitor(), state, STATUS_OF["-"], 9.0)

    assert changed is not None
    assert (changed.pool, changed.origin) == ("p", "a")
    assert (changed.before, changed.after) == (Health.UNKNOWN, Health.UNHEALTHY)
    assert changed.cause == "HTTP timeout occurred"
    assert unchanged is None
    assert (later.since, later.checked) == (5.0, 9.0)


@pytest.mark.parametrize("mark", ["+", "-"])
def test_an_inconclusive_verdict_changes_the_cause_alone(mark: str) -> None:
    """Everything else stays as the latest verdict left it, and the cause says why."""
    known, _ = observe(origin("a"), monitor(), OriginHealth(), STATUS_OF[mark], 5.0)
    later, changed = observe(origin("a"), monitor(), known, STATUS_OF["?"], 9.0)

    assert changed is None
    assert later == replace(known, checked=9.0, cause="cached")
