"""`evenkeel events`: past changes of health, and new ones with --follow."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import respx

from evenkeel.live.commands.events import PATH
from evenkeel.output.errors import Exit
from evenkeel.output.times import span
from support.commands import ADMIN, Scripted, bad, good, run

EVENTS = f"{ADMIN}{PATH}"


def event(
    number: int, *, at: str = "", origin_healthy: bool | None = False, pool_changed: bool = False
) -> dict[str, Any]:
    """An event in Cloudflare's shape: server-1 has changed, server-2 has not."""
    return {
        "id": number,
        "timestamp": at or f"2026-11-18T10:00:{number:02d}Z",
        "pool": {"name": "primary", "healthy": False, "changed": pool_changed},
        "origins": [
            {
                "name": "server-1",
                "enabled": True,
                "healthy": origin_healthy,
                "changed": True,
                "failure_reason": "HTTP timeout occurred",
            },
            {"name": "server-2", "enabled": True, "healthy": True, "changed": False},
        ],
    }


def listed(*numbers: int, total_pages: int = 1) -> httpx.Response:
    """A page of events, newest first."""
    return good([event(number) for number in numbers], total_pages=total_pages)


def ids(out: str) -> list[int]:
    """The ids of the events printed as JSON."""
    return [json.loads(line)["id"] for line in out.splitlines()]


@respx.mock
def test_events_are_printed_line_by_line_the_newest_last() -> None:
    """Each changed pool and origin has a line with the cause."""
    respx.get(EVENTS).mock(
        return_value=good([event(2, origin_healthy=True), event(1, pool_changed=True)])
    )

    lines = run("events").out.splitlines()

    assert [" ".join(line.split()[2:]) for line in lines] == [
        "pool primary unhealthy",
        "origin primary/server-1 unhealthy HTTP timeout occurred",
        "origin primary/server-1 healthy",
    ]


@respx.mock
def test_a_disabled_origin_is_printed_as_disabled() -> None:
    """Its health is left out."""
    one = event(1, origin_healthy=None)
    one["origins"][0]["enabled"] = False
    respx.get(EVENTS).mock(return_value=good([one]))

    assert run("events").out.split()[2:] == ["origin", "primary/server-1", "disabled"]


@respx.mock
def test_options_become_cloudflares_parameters() -> None:
    """A duration counts from now; a time is passed on in UTC."""
    route = respx.get(EVENTS).mock(return_value=listed())

    ran = run(
        "events",
        "--since=2h",
        "--until=2026-11-18T12:00:00+01:00",
        "--pool=primary",
        "--origin=server-1",
    )

    assert ran.code == Exit.FINE
    assert "No events." in ran.err
    assert dict(route.calls.last.request.url.params) == {
        "since": "2026-11-18T09:06:40.000000Z",
        "until": "2026-11-18T11:00:00.000000Z",
        "pool_name": "primary",
        "origin_name": "server-1",
        "page": "1",
        "per_page": "100",
    }


@pytest.mark.parametrize("since", ["yesterday", "2h30m", "2026-11-18", "-1h", "999999d"])
def test_a_malformed_time_is_refused(since: str) -> None:
    """No request is sent."""
    ran = run("events", f"--since={since}")

    assert ran.code == Exit.USAGE


@respx.mock
def test_events_are_read_page_by_page() -> None:
    """Only needed pages are fetched, and an event that moved to the next page is printed once."""
    pages = {"1": listed(6, 5, 4, total_pages=3), "2": listed(4, 3, 2, total_pages=3)}
    route = respx.get(EVENTS).mock(
        side_effect=lambda request: pages[request.url.params["page"]],
    )

    assert ids(run("events", "-n4", "--json").out) == [3, 4, 5, 6]
    assert route.call_count == 2
    assert ids(run("events", "-n3", "--json").out) == [4, 5, 6]
    assert route.call_count == 3
    assert run("events", "-n0", "--json").out == ""


def interrupted_at(number: int) -> Scripted:
    """A host on which the user presses Ctrl-C during a sleep."""

    def during(slept: int) -> None:
        if slept == number:
            raise KeyboardInterrupt

    return Scripted(during=during)


@respx.mock
def test_following_prints_each_new_event_once() -> None:
    """Events of the same time are printed too; Ctrl-C ends it with exit code 0."""
    same = [event(3, at="2026-11-18T10:00:02Z"), event(2)]
    route = respx.get(EVENTS).mock(
        side_effect=[listed(2, 1), listed(2), good(same), good(same), listed(5, 4, 3)]
    )

    ran = run("events", "--follow", "--json", scripted=interrupted_at(5))

    assert ran.code == Exit.FINE
    assert ids(ran.out) == [1, 2, 3, 4, 5]
    assert [call.request.url.params.get("since") for call in route.calls] == [
        None,
        *["2026-11-18T10:00:02Z"] * 4,
    ]


@respx.mock
def test_following_can_begin_without_events() -> None:
    """Only new events are printed if there are no old ones, or with -n0."""
    respx.get(EVENTS).mock(side_effect=[listed(), listed(), listed(1)])
    assert ids(run("events", "-f", "--json", scripted=interrupted_at(3)).out) == [1]

    respx.get(EVENTS).mock(side_effect=[listed(7, 6), listed(7), listed(8, 7)])
    assert ids(run("events", "-f", "-n0", "--json", scripted=interrupted_at(3)).out) == [8]


@respx.mock
def test_following_survives_an_unreachable_balancer() -> None:
    """It prints one message, polls less often meanwhile, and then prints the missed events."""
    respx.get(EVENTS).mock(
        side_effect=[listed(1), httpx.ConnectError("away"), httpx.ReadTimeout("late"), listed(2, 1)]
    )
    scripted = interrupted_at(4)

    ran = run("events", "-f", "--json", scripted=scripted)

    assert ran.code == Exit.FINE
    assert ids(ran.out) == [1, 2]
    assert ran.err.count("trying again") == 1
    assert "answers again" in ran.err
    assert scripted.slept == [5.0, 10.0, 20.0, 5.0]


@respx.mock
def test_following_ends_after_lasting_failures() -> None:
    """Five failures in a row end it, and so does a refused token."""
    respx.get(EVENTS).mock(side_effect=[listed(1), *[httpx.ConnectError("away")] * 5])
    assert run("events", "-f", scripted=Scripted()).code == Exit.UNREACHABLE

    respx.get(EVENTS).mock(side_effect=[listed(1), bad(401, "Authentication error")])
    assert run("events", "-f", scripted=Scripted()).code == Exit.NOT_ALLOWED


@pytest.mark.parametrize("shown", [None, {}, [3, None], [{"id": "x", "pool": 1, "origins": {}}]])
@respx.mock
def test_malformed_events_are_skipped(shown: Any) -> None:
    """A response of another version does not end in an error."""
    respx.get(EVENTS).mock(return_value=good(shown))

    assert run("events").code == Exit.FINE


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (-5, "0 s"),
        (59.9, "59 s"),
        (60, "1 m"),
        (61, "1 m 1 s"),
        (3600, "1 h"),
        (3720, "1 h 2 m"),
        (90_000, "1 d 1 h"),
    ],
)
def test_durations_have_two_units_at_most(seconds: float, words: str) -> None:
    """Smaller units are dropped."""
    assert span(seconds) == words
