"""Mirroring on workerd: copies that run after the response."""

from __future__ import annotations

from support.answers import hang, reply
from support.client import conversation
from support.origins import Origin
from support.toml import load_balancer, pool
from support.waiting import until
from support.wire import head
from support.workerd import Workerd

MOST_AT_ONCE = 10


def configuration(one: Origin, two: Origin, three: Origin) -> str:
    """Three hosts that mirror every request; one of them aborts its copies early."""
    return "\n".join(
        [
            pool("serves", one),
            pool("copies", two),
            pool("both", one, three),
            load_balancer("mirrors.test", "serves", mirror={"pool": "copies", "percent": 100}),
            load_balancer(
                "soon.test", "serves", mirror={"pool": "copies", "percent": 100, "timeout": 0.3}
            ),
            load_balancer("both.test", "both", mirror={"pool": "copies", "percent": 100}),
        ]
    )


def test_a_request_is_sent_once_more_and_its_answer_is_thrown_away(
    worker: Workerd, one: Origin, two: Origin
) -> None:
    """A copy has the same method, target and headers plus a mark; its response is discarded."""
    two.behave(reply(200, b"x" * 50_000_000, ("Set-Cookie", "copy=1")))

    answer = worker.get(
        "/a//b?c=%2F", ("Cookie", "own=1"), ("CF-Connecting-IP", "192.0.2.7"), host="mirrors.test"
    )

    assert (answer.body, answer.served_by, answer.header("set-cookie")) == (b"one", "one", None)
    until(lambda: len(two.requests) == 1 and two.busy == 0)
    sent, copied = one.requests[0], two.requests[0]
    assert (copied.method, copied.target) == ("GET", "/a//b?c=%2F")
    for name in ("cookie", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"):
        assert copied.header(name) == sent.header(name) is not None
    assert (copied.header("x-evenkeel-mirror"), sent.header("x-evenkeel-mirror")) == ("1", None)
    assert copied.aborted
    assert not worker.events("error")


def test_what_has_an_effect_is_not_copied(worker: Workerd, one: Origin, two: Origin) -> None:
    """Neither a POST, a HEAD nor a request that is itself a copy is mirrored."""
    assert worker.send("POST", "/", host="mirrors.test", body=b"pay").status == 200
    assert worker.send("HEAD", "/", host="mirrors.test").status == 200
    assert worker.get("/", ("X-Evenkeel-Mirror", "1"), host="mirrors.test").status == 200
    assert worker.get("/last", host="mirrors.test").status == 200

    until(lambda: len(two.requests) == 1)
    assert two.requests[0].target == "/last"
    assert len(one.requests) == 4


def test_nobody_waits_for_a_copy_and_a_failure_is_told_once(
    worker: Workerd, one: Origin, two: Origin
) -> None:
    """Hanging copies delay no response and are aborted, and the failure is logged once."""
    two.behave(hang())

    for _ in range(5):
        assert worker.get("/", host="soon.test").served_by == "one"

    until(lambda: len(two.requests) == 5 and two.busy == 0)
    assert all(request.aborted for request in two.requests)
    until(lambda: len(worker.events("mirror_failed", origin="two")) == 1)
    assert not worker.events("origin_ejected")
    assert not worker.events("failover")
    two.stop()
    assert worker.get("/", host="soon.test").served_by == "one"
    assert len(one.requests) == 6
    assert not worker.events("error")


def test_no_more_than_so_many_copies_wait_at_once(worker: Workerd, two: Origin) -> None:
    """At most MOST_AT_ONCE copies run at the same time in an isolate."""
    two.behave(hang())
    for _ in range(MOST_AT_ONCE + 5):
        assert worker.get("/", host="mirrors.test").served_by == "one"

    until(lambda: two.busy == MOST_AT_ONCE)
    assert len(two.requests) == MOST_AT_ONCE


def test_a_client_that_leaves_a_copied_answer_ejects_nobody(
    worker: Workerd, one: Origin, two: Origin, three: Origin
) -> None:
    """A client that leaves while a copy keeps its request alive does not eject an origin."""
    one.behave(reply(200, b"x" * 4_000_000))
    three.behave(reply(200, b"x" * 4_000_000))
    two.behave(hang())
    for _ in range(5):
        with conversation(worker.port) as talk:
            talk.send(head("GET / HTTP/1.1", ("Host", "both.test")))
            talk.read_head()
            talk.read(1000)
    until(lambda: one.busy == 0 and three.busy == 0)
    two.stop()
    until(lambda: worker.events("mirror_failed") != [])

    assert worker.get("/", host="soon.test").served_by == "one"
    assert not worker.events("answer_cut")
    assert not worker.events("error")
