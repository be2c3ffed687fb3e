"""Health as a state machine over a monitor's verdicts."""

from __future__ import annotations

from typing import Any

import pytest

from lb.health.machine import TRANSITIONS, Signal, observe
from lb.health.verdict import NO_FAILURES, OriginHealth, Verdict
from lb.model import CodeRange, Health
from lb.probing.probe import Answer, ProbeFailure
from lb.probing.types import http
from lb.probing.types.http import BODY_LIMIT, USER_AGENT
from support.make import monitor, origin

STATUS_OF = {"+": Verdict(passed=True), "-": Verdict(passed=False, cause="HTTP timeout occurred")}


def run(verdicts: str, *, up: int = 0, down: int = 0) -> list[tuple[int, str]]:
    """Feed verdicts, one a second; return when health changed, and to what."""
    watching = monitor(consecutive_up=up, consecutive_down=down)
    state, changes = OriginHealth(), []
    for now, mark in enumerate(verdicts):
        state, changed = observe(origin("a"), watching, state, STATUS_OF[mark], float(now))
        if changed is not None:
            changes.append((now, changed.after.value))
    return changes


def test_the_table_is_total() -> None:
    """Every health has an answer to every signal."""
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
    ],
)
def test_consecutive_verdicts_move_health(
    verdicts: str, up: int, down: int, changes: list[tuple[int, str]]
) -> None:
    """It takes consecutive_down failures in a row to go down, consecutive_up passes to return."""
    assert run(verdicts, up=up, down=down) == changes


def test_a_change_says_what_and_why() -> None:
    """The event names the origin, both healths and the cause; `since` is when it changed."""
    state, changed = observe(origin("a"), monitor(), OriginHealth(), STATUS_OF["-"], 5.0)
    later, unchanged = observe(origin("a"), monitor(), state, STATUS_OF["-"], 9.0)

    assert changed is not None
    assert (changed.pool, changed.origin) == ("p", "a")
    assert (changed.before, changed.after) == (Health.UNKNOWN, Health.UNHEALTHY)
    assert changed.cause == "HTTP timeout occurred"
    assert unchanged is None
    assert (later.since, later.checked) == (5.0, 9.0)


@pytest.mark.parametrize(
    ("fields", "place", "url"),
    [
        ({}, {}, "https://a.example.com/"),
        ({"path": "/health?x=1"}, {}, "https://a.example.com/health?x=1"),
        ({"port": 8443}, {}, "https://a.example.com:8443/"),
        ({"port": 443}, {}, "https://a.example.com/"),
        # An address with a scheme or port of its own is probed where its traffic goes …
        ({}, {"url": "http://127.0.0.1:9001", "explicit": True}, "http://127.0.0.1:9001/"),
        # … unless the monitor names a port.
        ({"port": 9}, {"url": "http://127.0.0.1:9001", "explicit": True}, "https://127.0.0.1:9/"),
        ({"port": 9}, {"url": "http://[::1]:9001", "explicit": True}, "https://[::1]:9/"),
    ],
)
def test_a_probe_goes_where_the_traffic_goes(
    fields: dict[str, Any], place: dict[str, Any], url: str
) -> None:
    """Monitor port, then the address as written, then the type's own port."""
    probe = http.probe(monitor(**fields), origin("a", **place))

    assert probe.url == url


def test_a_probe_says_who_it_is_and_carries_the_monitors_headers() -> None:
    """The User-Agent is ours; configured headers come after it; the body is read only if asked."""
    plain = http.probe(monitor(), origin("a"))
    asked = http.probe(
        monitor(header=(("X-Key", ("1", "2")),), expected_body="ok", method="HEAD", timeout=2),
        origin("a"),
    )

    assert plain.headers == (("User-Agent", USER_AGENT),)
    assert plain.body_limit == 0
    assert asked.headers[1:] == (("X-Key", "1"), ("X-Key", "2"))
    assert (asked.method, asked.timeout, asked.body_limit) == ("HEAD", 2, BODY_LIMIT)


CODES = (CodeRange(low=200, high=299), CodeRange(low=404, high=404))


@pytest.mark.parametrize(
    ("reply", "body", "cause"),
    [
        (Answer(status=200), "", NO_FAILURES),
        (Answer(status=299), "", NO_FAILURES),
        (Answer(status=404), "", NO_FAILURES),
        (Answer(status=300), "", "Response code mismatch"),
        (Answer(status=500), "", "Response code mismatch"),
        (Answer(status=200, body=b"All OK here"), "all ok", NO_FAILURES),
        (Answer(status=200, body=b"\xff\xfe ok"), "OK", NO_FAILURES),
        (Answer(status=200, body=b"nope"), "ok", "Response body mismatch"),
        (Answer(status=200, body=b" " * BODY_LIMIT + b"ok"), "ok", "Response body mismatch"),
        (ProbeFailure.TIMEOUT, "", "HTTP timeout occurred"),
        (ProbeFailure.CONNECTION, "", "TCP connection failed"),
    ],
)
def test_a_reply_is_judged_by_status_then_body(
    reply: Answer | ProbeFailure, body: str, cause: str
) -> None:
    """The cause is in Cloudflare's words; the text is looked for without regard to case."""
    verdict = http.judge(monitor(expected_codes=CODES, expected_body=body), reply)

    assert (verdict.passed, verdict.cause) == (cause == NO_FAILURES, cause)
