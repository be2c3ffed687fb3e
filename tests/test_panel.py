"""What the Durable Object tells the status page, and what it changes for it."""

from __future__ import annotations

from typing import Any

from lb.calls import Call, Refusal, Result
from lb.panel import status
from support.make import balancer_of, config_of, monitor, pool
from support.office import room_of
from support.state import START, World


def world(*names: str) -> World:
    """Return a keeper that has probed these origins of one pool."""
    made = World(config_of(balancer_of(pool("p", *names, monitor=monitor(interval=30)))))
    made.takes = {name: number / 100 for number, name in enumerate(names, 1)}
    made.run_until(1)
    return made


def seen(of: World) -> dict[str, Any]:
    """Return what the status page is given."""
    outcome = status(room_of(of), Call(method="GET", path="/status"))
    assert isinstance(outcome, Result)
    found: dict[str, Any] = outcome.result
    return found


def test_the_status_tells_what_the_keeper_knows() -> None:
    """Health, latencies, the latest round and the latest events."""
    told = seen(world("a", "b"))

    origins = told["pools"][0]["origins"]
    assert [one["health"] for one in origins] == ["healthy", "healthy"]
    assert [one["latency_ms"] for one in origins] == [10.0, 20.0]
    assert told["probe_age"] is not None
    assert [event["pool"]["healthy"] for event in told["events"]] == [True]


def test_failures_that_isolates_tell_of_are_shown() -> None:
    """With their cause, also where the origin is too healthy to be probed for it."""
    of = world("a", "b")
    of.pull(reports=[["p", "a", "timed out", START], ["p", "b", 5, START], ["p", "x", "?", START]])

    origins = seen(of)["pools"][0]["origins"]

    assert origins[0]["failed"]["cause"] == "timed out"
    assert origins[0]["state"] == "ejected"
    assert origins[1]["failed"] is None


def test_the_latest_events_cost_no_more_rows_than_are_shown() -> None:
    """A page that looks every few seconds must not read the log of a month each time."""
    of = world("a")
    for number in range(60):
        of.down = {"a"} if number % 2 else set()
        of.run_until(30 * number + 31)

    told = seen(of)["events"]

    assert len(told) == 25
    assert told[0]["id"] == 60


def test_the_status_is_only_read() -> None:
    """Whatever else is sent to it is refused."""
    outcome = status(room_of(world("a")), Call(method="POST", path="/status"))

    assert isinstance(outcome, Refusal)
    assert outcome.status == 405
