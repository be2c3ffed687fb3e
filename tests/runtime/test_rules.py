"""Rules on workerd: conditions on a request, overrides, and fixed responses."""

from __future__ import annotations

import json

import pytest

from support.origins import Origin
from support.toml import load_balancer, pool
from support.workerd import CF, Workerd


def configuration(main: Origin, special: Origin) -> str:
    """One load balancer whose rules send requests to `special` or give a fixed response."""
    there = {"default_pools": ["special"], "fallback_pool": "special"}
    conditions = {
        "path": 'starts_with(http.request.uri.path, "/api/")',
        "header": 'any(http.request.headers["x-beta"][*] == "yes")',
        "cookie": 'http.request.cookies["channel"][0] eq "beta"',
        "country": 'ip.src.country in {"DE" "AT"}',
        "address": "ip.src in {198.51.100.0/24 2001:db8::/32}",
        "query": 'http.request.uri.args["to"][0] eq "special"',
        "agent": 'http.user_agent matches "(?i)bot(a+)+$"',
        "method": 'http.request.method eq "DELETE"',
        "all headers": 'any(http.request.headers.names[*] == "x-any")',
        "tls": 'cf.tls_version eq "TLSv1.3" and cf.tls_client_auth.cert_verified',
    }
    fixed = {
        "/closed": {"status_code": 403, "message_body": "closed", "content_type": "text/html"},
        "/moved": {"status_code": 301, "location": "https://www.example.com/new?a=b"},
        "/there": {"location": "/here"},
        "/empty": {"status_code": 204},
        "/plain": {"message_body": "caf\u00e9"},
    }
    answered = [
        {"name": path, "condition": f'http.request.uri.path eq "{path}"', "fixed_response": answer}
        for path, answer in fixed.items()
    ]
    sent = [
        {"name": name, "condition": text, "overrides": there} for name, text in conditions.items()
    ]
    ending = [
        {"name": "first", "condition": 'http.host eq "ends.test"', "terminates": True},
        {"name": "second", "overrides": there},
    ]
    canary = [
        {
            "name": "canary",
            "condition": 'starts_with(http.request.uri.path, "/api/")',
            "overrides": {
                "default_pools": ["main", "special"],
                "steering_policy": "random",
                "random_steering": {"pool_weights": {"main": 0.5, "special": 0.5}},
                "session_affinity": "cookie",
            },
        }
    ]
    sticky = [{"name": "r", "condition": "ssl", "overrides": {"session_affinity": "cookie"}}]
    return "\n".join(
        [
            pool("main", main),
            pool("special", special),
            load_balancer("rules.test", "main", rules=[*answered, *sent]),
            load_balancer("ends.test", "main", rules=ending),
            load_balancer("goes-on.test", "main", rules=ending),
            load_balancer("sticky.test", "main", rules=sticky),
            load_balancer("canary.test", "main", rules=canary),
        ]
    )


HERE, THERE = "one", "two"


def cf(**properties: object) -> tuple[str, str]:
    """The header with Cloudflare's properties of a request."""
    return (CF, json.dumps(properties))


@pytest.mark.parametrize(
    ("target", "field", "origin"),
    [
        ("/", None, HERE),
        ("/api/x", None, THERE),
        ("/%61pi/x", None, THERE),
        ("/api", None, HERE),
        ("/", ("X-Beta", "yes"), THERE),
        ("/", ("X-Beta", "no"), HERE),
        ("/", ("Cookie", "a=b; channel=beta"), THERE),
        ("/", ("Cookie", "a=channel"), HERE),
        ("/", cf(country="DE"), THERE),
        ("/", cf(country="FR"), HERE),
        ("/", cf(), HERE),
        ("/", ("CF-Connecting-IP", "198.51.100.7"), THERE),
        ("/", ("CF-Connecting-IP", "2001:db8:1::7"), THERE),
        ("/", ("CF-Connecting-IP", "203.0.113.7"), HERE),
        ("/?to=special", None, THERE),
        ("/?to=other", None, HERE),
        ("/", ("User-Agent", "GoogleBotAAA"), THERE),
        ("/", ("User-Agent", "Bot" + "a" * 15_000 + "!"), HERE),
        ("/", ("X-Any", "thing"), THERE),
        ("/", cf(tlsVersion="TLSv1.3", tlsClientAuth={"certVerified": "SUCCESS"}), THERE),
        ("/", cf(tlsVersion="TLSv1.3", tlsClientAuth={"certVerified": "NONE"}), HERE),
        ("/", cf(tlsVersion=5, tlsClientAuth=None, country={"a": 1}), HERE),
    ],
)
def test_a_rule_sends_the_requests_that_meet_it_elsewhere(
    worker: Workerd, target: str, field: tuple[str, str] | None, origin: str
) -> None:
    """A rule overrides default_pools by path, header, cookie, country, address and more."""
    fields = [field] if field else []

    assert worker.get(target, *fields, host="rules.test").served_by == origin


def test_a_rule_can_ask_for_the_method(worker: Workerd) -> None:
    """A rule can match the method and leaves other methods alone."""
    assert worker.send("DELETE", "/", host="rules.test").served_by == THERE
    assert worker.send("POST", "/", host="rules.test", body=b"x").served_by == HERE


def test_a_rule_that_terminates_keeps_later_ones_away(worker: Workerd) -> None:
    """A matching rule with `terminates` skips the later rules; one that does not match does not."""
    assert worker.get("/", host="ends.test").served_by == HERE
    assert worker.get("/", host="goes-on.test").served_by == THERE


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_fixed_response_reaches_the_client_and_no_origin(
    worker: Workerd, one: Origin, two: Origin, method: str
) -> None:
    """A fixed response with its status, body, type and location comes from no origin."""
    body = b"x" if method == "POST" else b""
    closed = worker.send(method, "/closed", host="rules.test", body=body)
    moved = worker.send(method, "/moved", host="rules.test", body=body)
    there = worker.send(method, "/there", host="rules.test", body=body)
    empty = worker.send(method, "/empty", host="rules.test", body=body)

    assert (closed.status, closed.header("content-type")) == (403, "text/html")
    assert closed.body == (b"" if method == "HEAD" else b"closed")
    assert (moved.status, moved.header("location")) == (301, "https://www.example.com/new?a=b")
    assert (there.status, there.header("location")) == (302, "/here")
    assert (empty.status, empty.body) == (204, b"")
    for answer in (closed, moved, there, empty):
        assert answer.header("cache-control") == "no-store"
        assert answer.header("x-content-type-options") == "nosniff"
        assert answer.served_by is None
    assert one.requests == two.requests == []


def test_a_fixed_body_is_plain_text(worker: Workerd) -> None:
    """A fixed body is UTF-8 plain text by default."""
    answer = worker.get("/plain", host="rules.test")

    assert answer.header("content-type") == "text/plain; charset=utf-8"
    assert answer.body.decode() == "caf\u00e9"


def test_a_fixed_response_is_logged(worker: Workerd) -> None:
    """A fixed response is logged with the rule's name."""
    worker.get("/closed", host="rules.test")

    (event,) = worker.events("refused", status=403)
    assert event["cause"] == "fixed response of rule /closed"


def test_affinity_of_a_rule_is_the_rules_requests_alone(worker: Workerd) -> None:
    """A rule that overrides session_affinity affects only matching requests."""
    https = ("X-Forwarded-Proto", "https")

    assert worker.get("/", host="sticky.test").header("set-cookie") is None
    assert "__evenkeel=" in str(worker.get("/", https, host="sticky.test").header("set-cookie"))


def test_a_canary_is_a_rule_with_weights(worker: Workerd) -> None:
    """A rule with weights sends a share of one path to a canary, and a cookie keeps its clients.

    All 40 clients come to the same one of two pools once in 500,000,000,000 runs.
    """
    answers = [worker.get("/api/x", host="canary.test") for _ in range(40)]
    (cookie,) = {
        str(answer.header("set-cookie")).partition(";")[0]
        for answer in answers
        if answer.served_by == THERE
    }

    assert {answer.served_by for answer in answers} == {HERE, THERE}
    again = {worker.get("/api/x", ("Cookie", cookie), host="canary.test").served_by for _ in "1234"}
    assert again == {THERE}
    assert {worker.get("/", host="canary.test").served_by for _ in range(10)} == {HERE}
