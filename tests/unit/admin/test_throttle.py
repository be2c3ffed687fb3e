"""Operator tries tokens is told to wait, longer each time; the log and the memory stay small."""

from __future__ import annotations

import pytest

from lb.admin.auth.client_address import client_of, logged_network
from lb.admin.auth.signed_in import author_of
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
    """Fail so often at one moment."""
    for _ in range(times):
        throttle.failed(client, now)


def test_five_failures_are_free() -> None:
    """Anybody mistypes; after the fifth within a minute there is a wait."""
    throttle = Throttle()
    fail(throttle, FREE - 1)
    assert throttle.wait("a", 0.0) == 0
    fail(throttle, 1)
    assert throttle.wait("a", 0.0) == SHORTEST
    assert throttle.wait("a", SHORTEST - 1) == 1
    assert throttle.wait("a", SHORTEST) == 0
    assert throttle.wait("b", 0.0) == 0


def test_failures_far_apart_have_no_consequence() -> None:
    """Fewer than five in any minute."""
    throttle = Throttle()
    for number in range(100):
        fail(throttle, 1, number * WINDOW / (FREE - 1))
        assert throttle.wait("a", number * WINDOW / (FREE - 1)) == 0


def test_each_failure_after_a_wait_doubles_it() -> None:
    """Up to a quarter of an hour; what comes during a wait adds nothing."""
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
    """Twice the latest wait, and a minute at least."""
    throttle = Throttle()
    fail(throttle, FREE)
    fail(throttle, 1, SHORTEST)
    fail(throttle, 1, SHORTEST + WINDOW + 1)
    assert throttle.wait("a", SHORTEST + WINDOW + 1) == 0


def test_a_flood_of_clients_costs_a_bounded_amount_of_memory() -> None:
    """Those whose latest failure is the longest ago are forgotten."""
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


def test_the_log_is_told_once_a_minute_of_each_client() -> None:
    """With the number of all failures since it was last told, in a wait or not."""
    throttle = Throttle()
    told = [throttle.failed("a", now) for now in (0.0, 1.0, 59.0, 60.0, 61.0, 120.0)]
    assert told == [1, 0, 0, 3, 0, 2]


def test_the_log_is_told_of_a_few_clients_a_minute() -> None:
    """However many there are; none of their failures is lost."""
    throttle = Throttle()
    told = [throttle.failed(str(number), 0.0) for number in range(50)]
    assert told == [1] * MOST_LOGGED + [0] * (50 - MOST_LOGGED)
    assert throttle.failed("40", 60.0) == 2


@pytest.mark.parametrize(
    ("address", "client", "place"),
    [
        ("203.0.113.77", "203.0.113.77/32", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("2001:0DB8:0001:0002::9", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.77/32", "203.0.113.0/24"),
        ("fe80::1%eth0", "fe80::/64", "fe80::/48"),
        ("", "", ""),
        ("203.0.113.77, 198.51.100.1", "", ""),
        ("localhost", "", ""),
        ("1" * 5000, "", ""),
    ],
)
def test_a_client_is_an_address_or_a_subscribers_prefix(
    address: str, client: str, place: str
) -> None:
    """And the log shows the network alone."""
    assert (client_of(address), logged_network(address)) == (client, place)


@pytest.mark.parametrize(
    ("claimed", "author"),
    [
        ("", "admin token"),
        ("ann@example.com", "admin token (ann@example.com)"),
        ('<b>"a";\r\n(b)\\', "admin token (bab)"),
        ("\u202e\x00 ", "admin token"),
        ("x" * 5000, f"admin token ({'x' * 128})"),
    ],
)
def test_a_tokens_holder_can_say_a_name_and_no_more(claimed: str, author: str) -> None:
    """What no mail address has is left out."""
    assert author_of("admin token", claimed) == author
