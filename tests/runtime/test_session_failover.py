"""Sessions whose origin fails, sessions by header, and WebSockets of a session."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from websockets.sync.client import connect

from support.answers import reply
from support.client import Answer
from support.origins import Origin
from support.sockets import websocket
from support.toml import load_balancer, pool
from support.workerd import Workerd

USERS = [f"user-{number}" for number in range(20)]


def configuration(one: Origin, two: Origin, three: Origin) -> str:
    """One load balancer for each kind of failover, without ejection."""

    def served(name: str, *pools: str, kind: str = "cookie", **more: Any) -> str:
        settings = {"session_affinity": kind, "ejection": {"base_time": 0}, **more}
        return load_balancer(name, *pools, **settings)

    def failover(value: str) -> dict[str, Any]:
        return {"session_affinity_attributes": {"zero_downtime_failover": value}}

    users = {"headers": ["X-User"]}
    both = {"headers": ["X-User", "cookie:sid"], "require_all_headers": True}
    held = {**users, "zero_downtime_failover": "none"}
    return "\n".join(
        [
            pool("near", one, two),
            pool("far", three),
            served("none.test", "near", **failover("none")),
            served("temporary.test", "near", **failover("temporary")),
            served("sticky.test", "near", **failover("sticky")),
            served("across.test", "near", "far"),
            served("inside.test", "near", "far", adaptive_routing={"failover_across_pools": False}),
            served("header.test", "near", kind="header", session_affinity_attributes=users),
            served("both.test", "near", kind="header", session_affinity_attributes=both),
            served("held.test", "near", kind="header", session_affinity_attributes=held),
        ]
    )


def cookie_of(answer: Answer) -> str | None:
    """The cookie that a response sets, in the format of a Cookie header."""
    values = answer.head.all("set-cookie")
    return values[0].partition(";")[0] if values else None


def session(worker: Workerd, origin: str, host: str) -> str:
    """A cookie that pins to this origin."""
    for _ in range(200):
        answer = worker.get("/", host=host)
        if answer.served_by == origin:
            return cookie_of(answer) or ""
    raise AssertionError(f"{origin} was never chosen")


def user_of(worker: Workerd, origin: str, host: str) -> tuple[str, str]:
    """A header whose session is pinned to this origin."""
    for name in USERS:
        if worker.get("/", ("X-User", name), host=host).served_by == origin:
            return ("X-User", name)
    raise AssertionError(f"nobody is at {origin}")


def test_none_leaves_the_failure_to_the_session(worker: Workerd, one: Origin) -> None:
    """With `none`, a session's client gets the failure, others do not, and the session stays."""
    pinned = ("Cookie", session(worker, "one", "none.test"))
    one.behave(reply(503))
    failed = worker.get("/", pinned, host="none.test")
    assert (failed.status, failed.served_by, cookie_of(failed)) == (503, "one", None)
    assert {worker.get("/", host="none.test").status for _ in range(6)} == {200}

    one.stop()
    assert worker.get("/", pinned, host="none.test").status == 503
    one.start()
    one.behave()
    assert worker.get("/", pinned, host="none.test").served_by == "one"


def test_temporary_comes_back(worker: Workerd, one: Origin) -> None:
    """With `temporary`, another origin serves until the session's own origin is back."""
    pinned = ("Cookie", session(worker, "one", "temporary.test"))
    one.stop()
    for _ in range(3):
        answer = worker.get("/", pinned, host="temporary.test")
        assert (answer.status, answer.served_by, cookie_of(answer)) == (200, "two", None)

    one.start()
    assert worker.get("/", pinned, host="temporary.test").served_by == "one"


def test_sticky_moves(worker: Workerd, one: Origin) -> None:
    """With `sticky`, a session moves to another origin with a new cookie."""
    pinned = ("Cookie", session(worker, "one", "sticky.test"))
    one.stop()
    answer = worker.get("/", pinned, host="sticky.test")
    assert (answer.status, answer.served_by) == (200, "two")
    moved = cookie_of(answer)
    assert moved is not None

    one.start()
    assert {worker.get("/", ("Cookie", moved), host="sticky.test").served_by} == {"two"}


@pytest.mark.parametrize(("host", "status"), [("across.test", 200), ("inside.test", 503)])
def test_failover_across_pools(
    host: str, status: int, worker: Workerd, one: Origin, two: Origin
) -> None:
    """Zero-downtime failover may use other pools, or not, as configured."""
    one.stop()
    two.stop()
    answer = worker.get("/", host=host)
    one.start()
    two.start()

    assert answer.status == status


def test_a_header_keeps_a_client_on_its_origin(worker: Workerd, one: Origin) -> None:
    """A session by header stays on its origin, returns after a failure, and sets no cookie."""
    for origin in ("one", "two"):
        user = user_of(worker, origin, "header.test")
        answers = [worker.get("/", user, host="header.test") for _ in range(8)]
        assert {(answer.served_by, cookie_of(answer)) for answer in answers} == {(origin, None)}

    user = user_of(worker, "one", "header.test")
    one.stop()
    assert worker.get("/", user, host="header.test").served_by == "two"
    one.start()
    assert worker.get("/", user, host="header.test").served_by == "one"
    assert {worker.get("/", host="header.test").served_by for _ in range(40)} == {"one", "two"}


def test_all_headers_can_be_required(worker: Workerd) -> None:
    """With require_all_headers, a session needs all configured headers."""
    user, cookie = ("X-User", "ann"), ("Cookie", "a=1; sid=42")
    served = {worker.get("/", user, cookie, host="both.test").served_by for _ in range(20)}
    assert len(served) == 1

    alone = {worker.get("/", user, host="both.test").served_by for _ in range(40)}
    assert alone == {"one", "two"}


def test_a_header_session_can_be_held(worker: Workerd, one: Origin) -> None:
    """A session by header obeys `none` too."""
    user = user_of(worker, "one", "held.test")
    one.behave(reply(503))

    assert worker.get("/", user, host="held.test").status == 503


@pytest.mark.parametrize("origin", ["one", "two"])
def test_a_websocket_obeys_the_session(
    origin: str, worker: Workerd, one: Origin, two: Origin
) -> None:
    """A handshake goes to the origin of its session and sets no cookie."""
    fields = {
        "sticky.test": ("Cookie", session(worker, origin, "sticky.test")),
        "header.test": user_of(worker, origin, "header.test"),
    }
    for each in (one, two):
        each.behave(websocket())
    for host, field in fields.items():
        for _ in range(3):
            link = socket.create_connection(("127.0.0.1", worker.port), 10)
            uri = f"ws://{host}/chat"
            with connect(uri, sock=link, additional_headers=[field]) as opened:
                opened.send("hello")
                assert opened.recv(timeout=10) == "hello"
                assert opened.response is not None
                assert opened.response.headers["X-Served-By"] == origin
                assert "Set-Cookie" not in opened.response.headers


def test_a_websocket_whose_origin_is_down_is_served_by_another(
    worker: Workerd, one: Origin, two: Origin
) -> None:
    """A handshake fails over like a GET, and its response sets the new cookie."""
    pinned = ("Cookie", session(worker, "one", "sticky.test"))
    two.behave(websocket())
    one.stop()
    link = socket.create_connection(("127.0.0.1", worker.port), 10)
    with connect("ws://sticky.test/", sock=link, additional_headers=[pinned]) as opened:
        assert opened.response is not None
        assert opened.response.headers["X-Served-By"] == "two"
        assert "Set-Cookie" in opened.response.headers
