"""Slow and broken uploads: the time of a client is not the origin's."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from support.answers import BLOCK, after, echo, hang, reply
from support.client import Answer, Conversation, conversation
from support.origins import Origin
from support.toml import load_balancer, pool
from support.waiting import until
from support.wire import LAST_CHUNK, chunk, head
from support.workerd import Workerd

CHUNKED = ("Transfer-Encoding", "chunked")


def configuration(one: Origin, two: Origin) -> str:
    """Two origins in order, with short limits; each load balancer has pools of its own."""
    rules: dict[str, dict[str, Any]] = {
        "hurry": {"failover": {"deadline": 0.8}},
        "brief": {"failover": {"body_timeout": 0.5}},
        "timed": {"server_timing": True},
        "patient": {},
        "health": {},
        "quiet": {},
        "silent": {},
        "stream": {},
    }
    parts = [
        pool("alone-1", one),
        load_balancer("alone.test", "alone-1", failover={"deadline": 0.8}),
    ]
    for name, rule in rules.items():
        parts += [pool(f"{name}-1", one), pool(f"{name}-2", two)]
        parts.append(load_balancer(f"{name}.test", f"{name}-1", f"{name}-2", **rule))
    return "\n".join(parts)


def slowly(worker: Workerd, host: str, parts: Sequence[bytes], *fields: tuple[str, str]) -> Answer:
    """Send a POST whose body comes in parts, 0.3 s apart."""
    with conversation(worker.port) as talk:
        talk.send(head("POST /slow HTTP/1.1", ("Host", host), *fields))
        for part in parts:
            time.sleep(0.3)
            talk.send(part)
        return talk.answer()


def length(size: int) -> tuple[str, str]:
    """The header of a body of known length."""
    return ("Content-Length", str(size))


@pytest.mark.parametrize("host", ["hurry.test", "alone.test"])
def test_a_slow_upload_is_not_lost_to_the_deadline(host: str, worker: Workerd, one: Origin) -> None:
    """A 5-second upload of ten bytes was lost with a deadline of four seconds."""
    one.behave(echo())
    assert slowly(worker, host, [b"ab"] * 5, length(10)).status == 200
    parts = [chunk(b"ab")] * 5 + [LAST_CHUNK]
    if host == "hurry.test":
        assert slowly(worker, host, parts, CHUNKED).status == 200
    assert {request.size for request in one.requests} == {10}
    assert worker.events("failover") == []


def test_the_deadline_of_an_origin_begins_after_the_upload(worker: Workerd, one: Origin) -> None:
    """The origin still has all of its time, and no more."""
    one.behave(after(0.5, reply(200, "late")))
    assert slowly(worker, "hurry.test", [b"ab"] * 3, length(6)).text == "late"
    one.behave(hang())
    began = time.monotonic()
    assert slowly(worker, "hurry.test", [b"ab"] * 3, length(6)).status == 503
    assert 0.9 + 0.8 <= time.monotonic() - began < 4


def test_a_body_that_does_not_come_gets_408(worker: Workerd, one: Origin) -> None:
    """The client is told that it was too slow, and the request reaches no origin."""
    with conversation(worker.port) as talk:
        talk.send(head("POST / HTTP/1.1", ("Host", "brief.test"), length(100)) + b"abc")
        answer = talk.answer()
    assert (answer.status, answer.header("cache-control")) == (408, "no-store")
    assert "did not arrive in time" in answer.text
    assert one.requests == []
    cause = "the client did not send the request's body in time"
    assert until(lambda: worker.events("refused", status=408, cause=cause))
    assert worker.send("POST", "/", body=b"abc", host="brief.test").text == "one"


def test_health_is_looked_at_after_the_upload(worker: Workerd, one: Origin, two: Origin) -> None:
    """A request goes by what is known when its body has arrived, not when it began."""
    with conversation(worker.port) as talk:
        talk.send(head("POST / HTTP/1.1", ("Host", "health.test"), length(4)) + b"ab")
        time.sleep(0.3)
        one.stop()
        assert worker.get("/", host="health.test").text == "two"
        talk.send(b"cd")
        assert talk.answer().text == "two"
    assert two.requests[-1].body == b"abcd"


def test_a_slow_upload_is_not_in_the_figures(worker: Workerd, one: Origin) -> None:
    """Server-Timing showed the client's five seconds as the origin's."""
    one.behave(reply(200))
    answer = slowly(worker, "timed.test", [b"ab"] * 4, length(8))
    for part in (answer.header("server-timing") or "").split(", ")[:2]:
        assert float(part.partition("dur=")[2]) < 500, part
    parts = [chunk(BLOCK)] * 2 + [LAST_CHUNK]
    timing = slowly(worker, "timed.test", parts, CHUNKED).header("server-timing") or ""
    assert 'origin;desc="one",' in timing, timing


def test_slow_uploads_are_no_slow_answers(worker: Workerd, one: Origin, two: Origin) -> None:
    """Slow uploads to a healthy origin raised the patience with it, so that silence lasted."""
    one.behave(reply(200, "one"))
    for _ in range(2):
        assert slowly(worker, "patient.test", [b"ab"] * 5, length(10)).text == "one"
    one.behave(hang())
    with ExitStack() as stack:
        for _ in range(3):
            talk = stack.enter_context(conversation(worker.port))
            talk.send(head("GET / HTTP/1.1", ("Host", "patient.test")))
        until(lambda: len(one.requests) == 5)
        time.sleep(0.6)
        assert worker.send("POST", "/", body=b"a", host="patient.test").text == "two"


def test_clients_that_announce_more_than_they_send_silence_nobody(
    worker: Workerd, one: Origin
) -> None:
    """Twelve clients that announced 100 bytes and sent 3 made both healthy origins quiet."""
    with ExitStack() as stack:
        for _ in range(12):
            talk = stack.enter_context(conversation(worker.port))
            talk.send(head("POST / HTTP/1.1", ("Host", "silent.test"), length(100)) + b"abc")
        time.sleep(0.6)
        for _ in range(5):
            assert worker.send("POST", "/", body=b"a", host="silent.test").text == "one"
        assert worker.events("origin_quiet") == []
    assert {request.size for request in one.requests} == {1}


@pytest.mark.parametrize("broken", [True, False])
def test_an_upload_that_breaks_off_says_nothing(broken: bool, worker: Workerd, one: Origin) -> None:
    """A client that breaks off its upload is no failure of any origin, however it leaves."""
    for fields, start in (
        ((length(100),), b"abc"),
        ((length(1_000_000),), BLOCK),
        ((CHUNKED,), chunk(b"abc")),
        ((CHUNKED,), chunk(BLOCK) * 2),
    ):
        for _ in range(3):
            with conversation(worker.port) as talk:
                talk.send(head("POST / HTTP/1.1", ("Host", "quiet.test"), *fields) + start)
                time.sleep(0.05)
                if broken:
                    talk.reset()
    for _ in range(3):
        assert worker.send("POST", "/", body=b"a", host="quiet.test").text == "one"
    kinds = ("origin_ejected", "last_origin_kept", "origin_quiet")
    assert [event for kind in kinds for event in worker.events(kind)] == []


def test_a_long_chunked_body_is_passed_on_whole(worker: Workerd, one: Origin) -> None:
    """What follows the start that was looked at arrives unchanged, and is not kept."""
    one.behave(echo())
    parts = [BLOCK] * 300
    answer = worker.send("POST", "/", body=parts, host="stream.test")
    assert f'"size": {300 * len(BLOCK)}' in answer.text
    assert one.requests[0].header("transfer-encoding") == "chunked"


def test_a_stream_goes_on_while_the_origin_answers(worker: Workerd, one: Origin) -> None:
    """A request that its client never ends reaches its origin after a second."""

    def talks() -> Iterator[Conversation]:
        with conversation(worker.port) as talk:
            yield talk

    one.behave(reply(200))
    for talk in talks():
        talk.send(head("POST / HTTP/1.1", ("Host", "stream.test"), CHUNKED) + chunk(b"first"))
        until(lambda: one.requests, 5)
        talk.send(chunk(b"second") + LAST_CHUNK)
        assert talk.answer().status == 200
    assert one.requests[0].body == b"firstsecond"
