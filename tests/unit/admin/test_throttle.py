"""Clients that guess tokens wait longer each time; the log and the memory stay small."""

from __future__ import annotations

from lb.admin.auth.throttle import (
    FREE,
    LONGEST,
    MOST_CLIENTS,
    MOST_LOGGED,
    SHORTEST,
    WINDOW,
    Throttle,
)


def fail(throttle: Throttle, times: int, now: float = 0.0, client: str = "a") -> None:
    """Fail several times at one moment."""
    for _ in range(times):
        throttle.failed(client, now)


def test_five_failures_are_free() -> None:
    """The fifth failure within a minute causes a wait."""
    throttle = Throttle()
    fail(throttle, FREE - 1)
    assert throttle.wait("a", 0.0) == 0
    fail(throttle, 1)
    assert throttle.wait("a", 0.0) == SHORTEST
    assert throttle.wait("a", SHORTEST - 1) == 1
    assert throttle.wait("a", SHORTEST) == 0
    assert throttle.wait("b", 0.0) == 0


def test_failures_far_apart_have_no_consequence() -> None:
    """There are fewer than five in any minute."""
    throttle = Throttle()
    for number in range(100):
        fail(throttle, 1, number * WINDOW / (FREE - 1))
        assert throttle.wait("a", number * WINDOW / (FREE - 1)) == 0


def test_each_failure_after_a_wait_doubles_it() -> None:
    """The longest wait is a quarter of an hour; failures during a wait add nothing."""
    throttle, now, waits = Throttle(), 0.0, []
    fail(throttle, FREE)
    for _ in range(9):
        waits.append(throttle.wait("a", now))
        fail(throttle, 100, now + 1)
        assert throttle.wait("a", now) == waits[-1]
        now += waits[-1]
        fail(throttle, 1, now)
    assert waits == [10, 20, 40, 80, 160, 320, 640, LONGEST, LONGEST]


def test_who_is_quiet_for_long_enough_begins_anew() -> None:
    """Quiet means twice the latest wait, and a minute at least."""
    throttle = Throttle()
    fail(throttle, FREE)
    fail(throttle, 1, SHORTEST)
    fail(throttle, 1, SHORTEST + WINDOW + 1)
    assert throttle.wait("a", SHORTEST + WINDOW + 1) == 0


def test_a_flood_of_clients_costs_a_bounded_amount_of_memory() -> None:
    """The client whose latest failure is oldest goes first."""
    throttle = Throttle()
    fail(throttle, FREE, 0.0, "old")
    for number in range(MOST_CLIENTS - 1):
        fail(throttle, 1, 1.0, str(number))
    fail(throttle, 1, 1.0, "old")
    fail(throttle, 10, 1.0, "new")
    assert len(throttle) == MOST_CLIENTS
    assert throttle.wait("old", 1.0) == SHORTEST - 1
    fail(throttle, MOST_CLIENTS, 2.0, "new")
    assert len(throttle) == MOST_CLIENTS


def test_each_client_is_logged_once_a_minute() -> None:
    """The event has the number of failures since the last one, in a wait or not."""
    throttle = Throttle()
    told = [throttle.failed("a", now) for now in (0.0, 1.0, 59.0, 60.0, 61.0, 120.0)]
    assert told == [1, 0, 0, 3, 0, 2]


def test_a_few_clients_a_minute_are_logged() -> None:
    """The number of clients does not matter, and no failure is lost."""
    throttle = Throttle()
    told = [throttle.failed(str(number), 0.0) for number in range(50)]
    assert told == [1] * MOST_LOGGED + [0] * (50 - MOST_LOGGED)
    assert throttle.failed("40", 60.0) == 2
