"""Failover of a failed attempt to the next origin within the same request."""

from __future__ import annotations

import time

import pytest

from support.answers import (
    after,
    close,
    cut,
    events,
    garbage,
    hang,
    raw,
    reply,
    reset,
    start,
)
from support.client import conversation
from support.exchange import Behaviour
from support.origins import Origin
from support.site import Site
from support.toml import load_balancer, pool
from support.waiting import until
from support.wire import head
from support.workerd import Workerd

TIMEOUT = 0.4


def configuration(one: Origin, two: Origin, three: Origin) -> str:
    """Three origins in order, and one load balancer for each failover rule."""
    quick: dict[str, object] = {"first_byte_timeout": TIMEOUT}
    rules = {
        "plain.test": quick,
        "5xx.test": {**quick, "retry_on": "5xx"},
        "none.test": {**quick, "retry_on": []},
        "two.test": {**quick, "tries": 2},
        "once.test": {**quick, "tries": 1},
        "hurry.test": {**quick, "deadline": 2 * TIMEOUT, "tries": 10},
    }
    return "\n".join(
        [
            *(pool(origin.name, origin) for origin in (one, two, three)),
            *(
                load_balancer(name, "one", "two", "three", failover=rule, ejection={"base_time": 0})
                for name, rule in rules.items()
            ),
            load_balancer("eject.test", "one", "two", "three", failover=quick),
        ]
    )


FAULTS = [
    pytest.param(reset(), "connection failed", id="reset"),
    pytest.param(close(), "connection failed", id="closed"),
    pytest.param(garbage(), "connection failed", id="garbage"),
    pytest.param(hang(), "no answer in time", id="hang"),
    *(
        pytest.param(reply(status), f"status {status}", id=str(status))
        for status in (502, 503, 504, *range(520, 528), 530)
    ),
]


@pytest.mark.parametrize(("fault", "cause"), FAULTS)
def test_whatever_fails_is_tried_elsewhere(
    fault: Behaviour, cause: str, worker: Workerd, one: Origin, two: Origin
) -> None:
    """After any failure the client gets the next origin's response, and the cause is logged."""
    one.behave(fault)
    answer = worker.get("/a?b", host="plain.test")

    assert (answer.status, answer.text, answer.served_by) == (200, "two", "two")
    assert [request.target for request in two.requests] == ["/a?b"]
    assert len(one.requests) == 1
    who = {"load_balancer": "plain.test", "pool": "one", "origin": "one", "next": "two"}
    assert until(lambda: worker.events("failover", cause=cause, attempt=1, **who))


def test_a_stopped_origin_is_passed_by(worker: Workerd, one: Origin) -> None:
    """A stopped origin is skipped, and its traffic returns after a restart."""
    one.stop()
    assert worker.get("/", host="plain.test").text == "two"
    one.start()
    assert worker.get("/", host="plain.test").text == "one"


def test_a_hanging_attempt_is_aborted(worker: Workerd, one: Origin) -> None:
    """After first_byte_timeout the attempt ends and its origin sees the connection close."""
    one.behave(hang())
    began = time.monotonic()
    assert worker.get("/", host="plain.test").text == "two"

    assert TIMEOUT <= time.monotonic() - began < 2 * TIMEOUT
    until(lambda: one.requests[0].aborted)


def test_a_slow_answer_is_waited_for(worker: Workerd, one: Origin) -> None:
    """A response that begins within first_byte_timeout is delivered."""
    one.behave(after(TIMEOUT / 2, reply(200, "slow")))
    assert worker.get("/", host="plain.test").text == "slow"


def test_a_slow_body_is_not_cut_off(worker: Workerd, one: Origin) -> None:
    """The first_byte_timeout ends with the response headers and does not limit the body."""
    one.behave(raw(start(200, ("Content-Length", "4")), 2.5 * TIMEOUT, b"slow"))
    for host in ("plain.test", "hurry.test"):
        assert worker.get("/", host=host).text == "slow"


def test_an_answer_that_was_begun_is_not_retried(worker: Workerd, one: Origin, two: Origin) -> None:
    """A response whose beginning reached the client is not retried at another origin."""
    one.behave(cut(b"abc", 10))
    with pytest.raises(ConnectionResetError):
        worker.get("/", host="plain.test")
    assert two.requests == []


@pytest.mark.parametrize("status", [200, 304, 400, 404, 429, 500, 501, 505, 507, 511, 529, 599])
def test_other_answers_are_the_clients(
    status: int, worker: Workerd, one: Origin, two: Origin
) -> None:
    """A status that is not in retry_on is delivered to the client."""
    one.behave(reply(status))
    assert worker.get("/", host="plain.test").status == status
    assert two.requests == []


@pytest.mark.parametrize("status", [500, 501, 502, 505, 529, 599])
def test_every_5xx_can_count_as_failed(status: int, worker: Workerd, one: Origin) -> None:
    """With retry_on = "5xx", any 5xx fails over to the next origin."""
    one.behave(reply(status))
    assert worker.get("/", host="5xx.test").text == "two"


def test_no_status_need_count_as_failed(worker: Workerd, one: Origin) -> None:
    """With an empty retry_on, a 503 is delivered, but a failed connection still fails over."""
    one.behave(reply(503, "busy"))
    assert worker.get("/", host="none.test").text == "busy"
    one.behave(reset())
    assert worker.get("/", host="none.test").text == "two"


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("fault", [reset(), hang(), reply(503)], ids=["reset", "hang", "503"])
def test_safe_methods_are_tried_again(
    method: str, fault: Behaviour, worker: Workerd, one: Origin, two: Origin
) -> None:
    """GET, HEAD and OPTIONS are retried at a second origin."""
    one.behave(fault)
    assert worker.send(method, "/", host="plain.test").served_by == "two"
    assert [request.method for request in two.requests] == [method]


def test_failing_on_and_on(worker: Workerd, one: Origin, two: Origin) -> None:
    """A request fails over until an origin succeeds, and each failure is logged with its number."""
    one.behave(reset())
    two.behave(reply(503))
    assert worker.get("/", host="plain.test").text == "three"

    until(lambda: len(worker.events("failover")) == 2)
    found = [(line["origin"], line["attempt"], line["next"]) for line in worker.events("failover")]
    assert found == [
        ("one", 1, "two"),
        ("two", 2, "three"),
    ]


@pytest.mark.parametrize(("host", "tries"), [("once.test", 1), ("two.test", 2), ("plain.test", 3)])
def test_no_more_than_so_many_tries(host: str, tries: int, site: Site) -> None:
    """A request has at most `tries` attempts, and the client gets the last response."""
    for origin in site.origins:
        origin.behave(reply(503, origin.name, ("X-Own", origin.name)))
    answer = site.worker.get("/", host=host)

    last = site.origins[tries - 1].name
    assert (answer.status, answer.text, answer.header("x-own")) == (503, last, last)
    assert [len(origin.requests) for origin in site.origins] == [1, tries > 1, tries > 2]


def test_an_answer_is_better_than_none(
    worker: Workerd, one: Origin, two: Origin, three: Origin
) -> None:
    """If the later origins send no response, the client gets the earlier failed response."""
    one.behave(reply(503, "busy"))
    two.behave(reset())
    three.behave(reset())
    answer = worker.get("/", host="plain.test")

    assert (answer.status, answer.text, answer.served_by) == (503, "busy", "one")


def test_the_last_origin_is_waited_for(
    worker: Workerd, one: Origin, two: Origin, three: Origin
) -> None:
    """A slow answer was given up after first_byte_timeout, though no origin was left to ask.

    Nobody is to blame for being slow alone.
    """
    slow = after(2 * TIMEOUT, reply(200, "late"))
    one.behave(hang())
    two.behave(reset())
    three.behave(slow)
    assert worker.get("/", host="plain.test").text == "late"

    one.behave(slow)
    assert worker.send("POST", "/", body=b"a", host="eject.test").text == "late"
    assert worker.get("/", host="once.test").text == "late"
    two.behave(slow)
    three.behave(slow)
    assert worker.get("/", host="eject.test").text == "late"
    assert worker.events("origin_ejected") == []


def test_nobody_answers(worker: Workerd, one: Origin, two: Origin, three: Origin) -> None:
    """If no origin responds, the client gets 503, Retry-After and a short page."""
    for origin in (one, two, three):
        origin.stop()
    answer = worker.get("/", host="plain.test")

    assert answer.status == 503
    assert answer.header("retry-after") == "5"
    assert answer.header("cache-control") == "no-store"
    assert "Please try again" in answer.text
    assert answer.size < 1000
    assert until(
        lambda: worker.events("refused", status=503, attempt=3, load_balancer="plain.test")
    )


def test_the_deadline(worker: Workerd, one: Origin, two: Origin, three: Origin) -> None:
    """All attempts together end at the deadline."""
    for origin in (one, two, three):
        origin.behave(hang())
    began = time.monotonic()
    answer = worker.get("/", host="hurry.test")

    assert answer.status == 503
    assert 2 * TIMEOUT <= time.monotonic() - began < 2.5 * TIMEOUT
    assert three.requests == []


def test_a_failed_answers_body_is_let_go(worker: Workerd, one: Origin) -> None:
    """The body of a discarded response is cancelled, whatever its length."""
    endless = events(*map(str, range(1000)), gap=0.02, status=503)
    one.behave(endless)
    assert worker.get("/", host="plain.test").text == "two"
    until(lambda: one.requests[0].aborted)


def test_requests_do_not_wait_for_each_other(worker: Workerd, one: Origin) -> None:
    """A request that waits for a hanging origin does not block others."""
    one.behave(hang(), path="/hang")
    with conversation(worker.port) as talk:
        talk.send(head("GET /hang HTTP/1.1", ("Host", "plain.test")))
        until(lambda: one.requests)
        began = time.monotonic()
        for _ in range(5):
            assert worker.get("/", host="plain.test").text == "one"
        assert time.monotonic() - began < TIMEOUT
        assert talk.answer().text == "two"


def test_a_log_line_tells_no_secrets(worker: Workerd, one: Origin, two: Origin) -> None:
    """A log line holds the event and its place, and nothing that the client sent."""
    one.behave(reply(503, "hush-body", ("Set-Cookie", "hush-cookie=1")))
    two.behave(reset())
    fields = (
        ("Cookie", "hush-cookie=1"),
        ("Authorization", "Bearer hush-token"),
        ("CF-Connecting-IP", "192.0.2.77"),
        ("User-Agent", "hush-agent"),
    )
    worker.get("/hush-path?hush-query=1", *fields, host="plain.test")
    worker.get("/hush-path?hush-query=1", *fields, host="hush-host.test")

    until(lambda: len(worker.log) == 3)
    lines = worker.log
    assert set(lines[0]) == {
        *("time", "event", "load_balancer", "pool", "origin", "cause", "attempt", "duration"),
        "next",
    }
    assert set(lines[2]) == {
        *("time", "event", "load_balancer", "status", "cause", "attempt", "duration")
    }
    text = "\n".join(worker.output)
    assert "hush" not in text
    assert "192.0.2.77" not in text
    assert str(one.port) not in text
