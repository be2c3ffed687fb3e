"""`evenkeel status`, and the commands that change one origin."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import httpx
import pytest
import respx

from evenkeel.live.commands.adopt import OF_THE_FILE
from evenkeel.live.commands.status import COLOURS
from evenkeel.output.errors import Exit
from evenkeel.output.times import clock, rfc3339, until
from lb.health.snapshot import Standing
from lb.model import PoolHealth
from support.commands import ADMIN, NOW, Scripted, bad, good, run

STATUS = f"{ADMIN}/status"
ACTIONS = f"{ADMIN}/actions"


def origin(name: str, state: str = "available", **more: Any) -> dict[str, Any]:
    """An origin of a status."""
    return {
        "name": name,
        "address": f"{name}.example.com",
        "enabled": state not in {"draining", "disabled"},
        "weight": 1,
        "state": state,
        "why": "",
        "since": "2026-11-18T10:00:00Z",
        "until": None,
        "takes_new": state == "available",
        "latency_ms": 12.3,
        **more,
    }


def pool(name: str, *origins: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A pool of a status."""
    stands = {"state": "healthy", "health": "healthy", "why": "", "since": None, "until": None}
    return {"name": name, "enabled": True, **stands, "origins": list(origins), **more}


def report(*pools: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A status with one load balancer over all pools but the one named idle."""
    names = [each["name"] for each in pools if each["name"] != "idle"]
    lb = {
        "name": "service.example.com",
        "enabled": True,
        "health": "healthy",
        "steering_policy": "off",
        "session_affinity": "cookie",
        "default_pools": names,
        "fallback_pool": names[0],
        "other_pools": [],
    }
    return {
        "at": "2026-11-18T11:06:40Z",
        "version": 7,
        "probed": "2026-11-18T11:06:30Z",
        "warnings": [],
        "load_balancers": [lb],
        "pools": list(pools),
        **more,
    }


TWO = report(pool("primary", origin("server-1")), pool("replica", origin("server-2")))


def serving(shown: dict[str, Any]) -> respx.Route:
    """Let the balancer answer with a status."""
    return respx.get(STATUS).mock(return_value=good(shown))


def acting(*responses: httpx.Response) -> respx.Route:
    """Let actions get these responses, in turn."""
    return respx.post(ACTIONS).mock(side_effect=list(responses))


def done(one: dict[str, Any] | None = None) -> httpx.Response:
    """The response to an action that was carried out."""
    return good({"version": 8, "changed": True, "origin": one or origin("server-1")})


def from_the_file() -> httpx.Response:
    """The response to an action on a pool of the deployed file."""
    return bad(
        403, "this pool comes from loadbalancer.toml; adopt it first", "/pool", code=OF_THE_FILE
    )


def sent(route: respx.Route) -> dict[str, Any]:
    """The body of the latest request."""
    body: dict[str, Any] = json.loads(route.calls.last.request.content)
    return body


@respx.mock
def test_status_shows_everything() -> None:
    """It has state, since when, why, until when, share, weight, latency, and idle pools."""
    serving(
        report(
            pool(
                "primary",
                origin("server-1", "unhealthy", why="HTTP timeout occurred", latency_ms=None),
                origin("server-3", weight=0.25, share=0.257),
            ),
            pool("replica", origin("server-2", "draining", until="2026-11-18T12:00:00Z")),
            pool("idle", origin("server-4", "disabled", since=None)),
            warnings=[{"kind": "message", "message": "LB_COOKIE_KEY is not set"}],
        )
    )

    ran = run("status")
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]

    assert ran.code == Exit.FINE
    assert lines[0].startswith("version 7, ")
    assert lines[0].endswith("probed 10 s ago")
    assert lines[1] == "warning: LB_COOKIE_KEY is not set"
    assert "service.example.com healthy steering_policy off, session_affinity cookie" in lines
    assert "server-1 unhealthy 1 h 6 m HTTP timeout occurred" in lines
    assert "server-3 available 1 h 6 m 26 % of traffic, weight 0.25, 12 ms" in lines
    assert f"server-2 draining 1 h 6 m until {until('2026-11-18T12:00:00Z', NOW)} 12 ms" in lines
    assert lines[lines.index("in no load balancer") + 1] == "idle healthy"
    assert "server-4 disabled 12 ms" in lines


@respx.mock
def test_the_json_of_status_is_the_response_itself() -> None:
    """New keys of the balancer reach scripts without a new command line."""
    serving({**TWO, "something": ["new"]})

    assert run("status", "--json").json == {**TWO, "something": ["new"]}


@pytest.mark.parametrize(
    ("health", "enabled", "warnings", "code", "message"),
    [
        ("healthy", True, [], Exit.FINE, ""),
        ("unknown", True, [], Exit.FINE, ""),
        ("critical", False, [], Exit.FINE, ""),
        ("degraded", True, [], Exit.NO, "service.example.com is degraded"),
        ("critical", True, [], Exit.NO, "service.example.com is critical"),
        ("healthy", True, ["message"], Exit.FINE, ""),
        ("healthy", True, ["prober_stalled"], Exit.NO, "no probe was made"),
    ],
)
@respx.mock
def test_check_is_for_monitoring(
    health: str, enabled: bool, warnings: list[str], code: Exit, message: str
) -> None:
    """The exit code is 1 if there is a problem; the output is the same as without it."""
    shown = deepcopy(TWO)
    shown["load_balancers"][0] |= {"health": health, "enabled": enabled}
    shown["warnings"] = [{"kind": kind, "message": "no probe was made"} for kind in warnings]
    serving(shown)

    ran = run("status", "--check", "--json")

    assert ran.code == code
    assert message in ran.err
    assert ran.json == shown
    assert run("status").code == Exit.FINE


def test_a_time_of_today_needs_no_date() -> None:
    """Times are in the local time zone."""
    soon, later = rfc3339(NOW + 60), rfc3339(NOW + 3 * 86_400)

    assert until(soon, NOW) == clock(soon).split()[1]
    assert until(later, NOW) == clock(later)
    assert until(None, NOW) == ""


def test_every_state_has_a_colour() -> None:
    """The table covers origins, pools and load balancers."""
    states = {each.value for each in Standing} | {each.value for each in PoolHealth}

    assert states <= set(COLOURS)


@respx.mock
def test_the_status_can_be_watched_until_ctrl_c() -> None:
    """It survives a failed request, and shows the latest state."""
    down = report(pool("primary", origin("server-1", "unhealthy")))
    respx.get(STATUS).mock(side_effect=[good(TWO), httpx.ConnectError("away"), good(down)])

    def during(slept: int) -> None:
        if slept == 3:
            raise KeyboardInterrupt

    scripted = Scripted(during=during)
    ran = run("status", "--watch", "--interval=2", scripted=scripted)

    assert ran.code == Exit.FINE
    assert scripted.slept == [2.0, 4.0, 2.0]
    assert "trying again" in ran.err
    assert "unhealthy" in ran.out
    assert run("status", "--watch", "--json").code == Exit.USAGE


@pytest.mark.parametrize(
    "shown",
    [
        {},
        {"pools": 3, "load_balancers": {}, "warnings": [None, "x"]},
        {"pools": [{"name": None, "origins": [{}, 4]}], "load_balancers": [{}]},
        {"pools": [{"origins": "x"}], "load_balancers": [{"default_pools": 7}], "probed": 5},
    ],
)
@respx.mock
def test_a_malformed_status_is_shown_as_far_as_possible(shown: dict[str, Any]) -> None:
    """Missing parts are left out."""
    serving(shown)

    assert run("status", "--check").code == Exit.FINE


@respx.mock
def test_a_response_without_a_status_is_a_failure() -> None:
    """A result of null is not a status."""
    respx.get(STATUS).mock(return_value=good(None))

    assert run("status").code == Exit.UNREACHABLE


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        (("drain", "primary/server-1"), {"action": "drain"}),
        (("drain", "server-1"), {"action": "drain"}),
        (("disable", "server-1"), {"action": "disable"}),
        (("enable", "server-1"), {"action": "enable"}),
        (("weight", "server-1", "0.5"), {"action": "weight", "weight": 0.5}),
        (("weight", "server-1", "0"), {"action": "weight", "weight": 0}),
    ],
)
@respx.mock
def test_an_action_names_its_pool_and_origin(
    arguments: tuple[str, ...], body: dict[str, Any]
) -> None:
    """The pool may be left out if the name is unique; --json prints the result."""
    serving(TWO)
    route = acting(done(), done())

    ran = run(*arguments)

    assert ran.code == Exit.FINE
    assert sent(route) == {"pool": "primary", "origin": "server-1", **body}
    assert ran.out.startswith("primary/server-1 ")
    assert "version 8" in ran.out
    assert run(*arguments, "--json").json == {
        "version": 8,
        "changed": True,
        "origin": origin("server-1"),
    }


@respx.mock
def test_an_action_without_effect_is_reported() -> None:
    """It makes no version."""
    serving(TWO)
    acting(good({"version": 7, "changed": False, "origin": origin("server-1")}))

    ran = run("enable", "server-1")

    assert (ran.code, ran.out) == (Exit.FINE, "primary/server-1 is enabled already.\n")


@respx.mock
def test_weight_without_a_value_prints_the_weight() -> None:
    """It changes nothing."""
    serving(report(pool("primary", origin("server-1", weight=0.25))))

    ran = run("weight", "server-1")

    assert (ran.code, ran.out) == (Exit.FINE, "0.25\n")
    assert run("weight", "server-1", "--json").json["origin"]["weight"] == 0.25


@pytest.mark.parametrize("value", ["1.5", "-1", "half"])
def test_a_bad_weight_is_not_sent(value: str) -> None:
    """Weights are from 0 to 1, as Cloudflare's."""
    ran = run("weight", "server-1", "--", value)

    assert ran.code == Exit.USAGE


@respx.mock
def test_an_unknown_origin_is_refused_with_the_known_ones() -> None:
    """The message suggests the most similar name."""
    serving(TWO)

    ran = run("drain", "sever-1")

    assert ran.code == Exit.USAGE
    assert 'there is no origin sever-1; did you mean "server-1"?' in ran.err
    assert "Origins: primary/server-1, replica/server-2" in ran.err


@respx.mock
def test_a_name_that_two_origins_have_needs_its_pool() -> None:
    """The message has the full names to choose from."""
    serving(report(pool("primary", origin("a")), pool("replica", origin("a"))))

    ran = run("disable", "a")

    assert ran.code == Exit.USAGE
    assert "give one of primary/a, replica/a" in ran.err


@respx.mock
def test_the_last_origin_is_not_taken_out_without_a_question() -> None:
    """The load balancers without an origin are named; without a user, --yes decides."""
    serving(report(pool("primary", origin("server-1")), pool("replica", origin("b", "unhealthy"))))
    route = acting(done(), done(), done())

    for command in (("drain", "server-1"), ("disable", "server-1"), ("weight", "server-1", "0")):
        refused = run(*command, answers="n\n")
        assert refused.code == Exit.NO
        assert "No other origin takes traffic for service.example.com" in refused.err
        assert run(*command).code == Exit.USAGE
    assert not route.called

    assert run("drain", "server-1", answers="y\n").code == Exit.FINE
    assert run("disable", "server-1", "--yes").code == Exit.FINE
    assert route.call_count == 2


@respx.mock
def test_an_origin_without_traffic_is_taken_out_without_a_question() -> None:
    """Taking it out changes nothing for clients."""
    serving(report(pool("primary", origin("server-1", "unhealthy"))))
    acting(done())

    assert run("disable", "server-1").code == Exit.FINE


@respx.mock
def test_an_object_of_the_file_is_changed_after_adopting() -> None:
    """--adopt or the user agrees to that; --yes does not."""
    serving(TWO)
    adopted = respx.post(f"{ADMIN}/adopt").mock(return_value=good({"version": 1, "adopted": []}))
    route = acting(*[from_the_file()] * 2, done(), from_the_file(), done())

    refused = run("drain", "server-1", "--yes")
    assert refused.code == Exit.NOT_ALLOWED
    assert "comes from loadbalancer.toml" in refused.err
    assert "--adopt" in refused.err
    assert not adopted.called

    assert run("drain", "server-1", "--adopt").code == Exit.FINE
    assert adopted.call_count == 1

    asked = run("drain", "server-1", answers="y\n")
    assert asked.code == Exit.FINE
    assert "Adopting copies" in asked.err
    assert adopted.call_count == 2
    assert route.call_count == 5


@respx.mock
def test_a_read_only_token_is_not_offered_to_adopt() -> None:
    """Adopting would be refused too."""
    serving(TWO)
    acting(bad(403, "this token may only read"))

    ran = run("drain", "server-1", answers="y\n")

    assert ran.code == Exit.NOT_ALLOWED
    assert "Adopt" not in ran.err


@respx.mock
def test_drain_waits_until_the_time_for_sessions_is_over() -> None:
    """It polls every few seconds, and one failed request does not end it."""
    draining = report(pool("primary", origin("server-1", "draining", share=0.1)), TWO["pools"][1])
    over = report(pool("primary", origin("server-1", "disabled")), TWO["pools"][1])
    respx.get(STATUS).mock(
        side_effect=[
            good(TWO),
            good(draining),
            httpx.ConnectError("away"),
            good(draining),
            good(over),
        ]
    )
    acting(done())
    scripted = Scripted()

    ran = run("drain", "server-1", "--wait", scripted=scripted)

    assert ran.code == Exit.FINE
    assert "primary/server-1 is drained." in ran.err
    assert scripted.slept == [5.0, 10.0, 5.0]
    assert "answers again" in ran.err


@respx.mock
def test_drain_ends_when_the_origin_has_no_traffic() -> None:
    """A minute with a share of 0 is enough; an unknown share does not count."""
    acting(done(), done())
    shares = [0.1, *[0] * 5, None, *[0] * 20]
    responses = [
        good(report(pool("primary", origin("server-1", "draining", share=share))))
        for share in shares
    ]
    route = respx.get(STATUS).mock(side_effect=[good(TWO), *responses])

    ran = run("drain", "server-1", "--wait", "--json")

    assert ran.code == Exit.FINE
    assert ran.json["waited"] == 6 * 5 + 60
    assert route.call_count == 1 + 7 + 12


@respx.mock
def test_drain_stops_waiting_when_the_origin_is_back() -> None:
    """It fails if the origin is enabled or deleted, or the balancer cannot be reached."""
    acting(done(), done(), done())
    route = respx.get(STATUS)

    route.mock(return_value=good(TWO))
    back = run("drain", "server-1", "--wait")
    assert (back.code, back.out.count("\n")) == (Exit.NO, 1)
    assert "was enabled meanwhile" in back.err

    route.mock(side_effect=[good(TWO), good(report(TWO["pools"][1]))])
    assert "was deleted meanwhile" in run("drain", "server-1", "--wait").err

    route.mock(side_effect=[good(TWO), *[httpx.ConnectError("away")] * 5])
    assert run("drain", "server-1", "--wait").code == Exit.UNREACHABLE
