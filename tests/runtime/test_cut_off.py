"""Truncated responses, and complete or aborted ones that resemble them."""

from __future__ import annotations

import gzip
import random
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from support.answers import after, cut, digest_of, download, events, raw, reply, start
from support.client import Answer, conversation
from support.exchange import Behaviour, Exchange
from support.origins import Origin, origins
from support.toml import load_balancer, monitor, pool
from support.waiting import until
from support.wire import chunk, head
from support.workerd import Workerd, workerd

BREAKS = ("length-reset", "length-close", "chunked-reset", "chunked-close")
SHORT = ("short", "tiny", "short-packed", "short-chunked")
HOSTS = (
    *(*BREAKS, *SHORT, "paths", "one-path", "everywhere", "twice", "between", "leave", "long"),
    *("sse", "upload", "alone", "off", "empty"),
)
MEGABYTES_100 = 100_000_000
CHUNKED = ("Transfer-Encoding", "chunked")


def configuration(one: Origin, two: Origin) -> str:
    """Separate pools for each host over the same two origins, so that health is not shared."""
    parts = []
    for host in HOSTS:
        names = [f"{host}-1"] if host == "alone" else [f"{host}-1", f"{host}-2"]
        fields = {
            "twice": {"consecutive_failures": 2},
            "between": {"consecutive_failures": 2},
            "off": {"base_time": 0},
        }
        parts += [pool(name, origin) for name, origin in zip(names, (one, two), strict=False)]
        parts.append(load_balancer(f"{host}.test", *names, ejection=fields.get(host, {})))
    return "\n".join(parts)


def chunked(ending: str) -> Behaviour:
    """Begin a chunked response and end the connection without its last chunk."""

    async def answer(exchange: Exchange) -> None:
        await raw(start(200, CHUNKED) + chunk(b"abc"), 0.1)(exchange)
        if ending == "reset":
            exchange.reset()

    return answer


BEHAVIOURS = {
    "length-reset": cut(b"abc", 20_000),
    "length-close": cut(b"abc", 20_000, with_reset=False),
    "chunked-reset": chunked("reset"),
    "chunked-close": chunked("close"),
}


def short(body: bytes, length: int, *fields: tuple[str, str]) -> Behaviour:
    """Send headers and a part of a short body, pause for 20 ms, and reset."""

    async def answer(exchange: Exchange) -> None:
        await raw(start(200, ("Content-Length", str(length)), *fields) + body, 0.02)(exchange)
        exchange.reset()

    return answer


SHORT_BEHAVIOURS = {
    "short": short(b"x" * 512, 1024),
    "tiny": short(b"x" * 50, 100),
    "short-packed": short(
        gzip.compress(random.Random(1).randbytes(900))[:400], 950, ("Content-Encoding", "gzip")
    ),
    "short-chunked": chunked("reset"),
}


def get(worker: Workerd, host: str, target: str = "/") -> Answer | None:
    """Send a GET; None = truncated response."""
    try:
        return worker.get(target, host=f"{host}.test")
    except (ConnectionError, ValueError):
        return None


def served_by(worker: Workerd, host: str, target: str = "/") -> str | None:
    """The origin that serves a request."""
    answer = get(worker, host, target)
    return answer.served_by if answer else None


def leave(worker: Workerd, host: str, seconds: float = 0.0, size: int = 1000) -> None:
    """Send a GET, read a little of the response, and disconnect."""
    with conversation(worker.port) as talk:
        talk.send(head("GET / HTTP/1.1", ("Host", f"{host}.test")))
        talk.read_head()
        talk.read(size)
        time.sleep(seconds)


def cuts(worker: Workerd, count: int) -> bool:
    """Whether exactly `count` truncated responses are logged."""
    return len(worker.events("answer_cut")) == count


def silence(worker: Workerd) -> list[object]:
    """Return the truncations, ejections and errors that are logged after a short wait."""
    time.sleep(0.3)  # nothing signals that an event will not come
    return [*worker.events("answer_cut"), *worker.events("origin_ejected"), *worker.events("error")]


@pytest.mark.parametrize("name", BREAKS)
def test_cut_answers_eject_their_origin(name: str, worker: Workerd, one: Origin) -> None:
    """Truncated responses of two paths eject their origin; requests go to the other origin."""
    one.behave(BEHAVIOURS[name])
    assert get(worker, name, "/x") is None
    until(partial(cuts, worker, 1))
    assert get(worker, name, "/y") is None
    until(lambda: worker.events("origin_ejected"))
    one.behave()

    assert served_by(worker, name) == "two"
    line, _ = worker.events("answer_cut")
    assert {key: line[key] for key in ("load_balancer", "pool", "origin")} == {
        "load_balancer": f"{name}.test",
        "pool": f"{name}-1",
        "origin": "one",
    }
    (line,) = worker.events("origin_ejected")
    assert (line["origin"], line["cause"]) == ("one", "answer cut off")
    assert worker.events("error") == []


def test_so_many_in_a_row(worker: Workerd, one: Origin) -> None:
    """With consecutive_failures = 2, truncated responses of three paths eject an origin."""
    one.behave(BEHAVIOURS["length-close"])
    for count, target in enumerate(("/x", "/y", "/z"), 1):
        assert worker.events("origin_ejected") == []
        assert cut_by_one(worker, "twice", target)
        until(partial(cuts, worker, count))
    until(lambda: worker.events("origin_ejected"))


def cut_by_one(worker: Workerd, host: str, target: str) -> bool:
    """Send GETs until the first origin, which is suspected, gets one as a test, and cuts it off."""
    for _ in range(200):
        if get(worker, host, target) is None:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("name", SHORT)
def test_an_origin_that_cuts_short_bodies(name: str, worker: Workerd, one: Origin) -> None:
    """An origin that sent headers and half of 1 KB lost 480 of 480 requests unnoticed."""
    one.behave(SHORT_BEHAVIOURS[name])
    served = [served_by(worker, name, f"/{number}") for number in range(300)]

    assert served.count(None) <= 10
    assert set(served[30:]) == {"two"}
    assert len(worker.events("origin_ejected")) == 1
    assert worker.events("error") == []


def test_an_origin_that_cuts_the_only_path(worker: Workerd, one: Origin) -> None:
    """Where all requests have one path, the other origin, which delivers it, proves the fault."""
    one.behave(SHORT_BEHAVIOURS["short"])
    served: list[str | None] = []
    deadline = time.monotonic() + 20
    while not worker.events("origin_ejected") and time.monotonic() < deadline:
        served.append(served_by(worker, "one-path"))

    assert served.count(None) <= 12
    assert {served_by(worker, "one-path") for _ in range(50)} == {"two"}


def test_a_url_that_is_cut_everywhere(worker: Workerd, one: Origin, two: Origin) -> None:
    """One URL that every origin cut off ejected an origin, and its sessions with it."""
    for origin in (one, two):
        origin.behave(SHORT_BEHAVIOURS["short"])
    for number in range(30):
        assert get(worker, "everywhere", f"/x?{number}") is None
        time.sleep(0.03)
    assert len(worker.events("answer_cut")) > 2
    assert worker.events("origin_ejected") == []
    for origin in (one, two):
        origin.behave()
    assert [served_by(worker, "everywhere", "/y") for _ in range(5)] == ["one"] * 5


def test_a_whole_answer_between_two_that_are_cut(worker: Workerd, one: Origin) -> None:
    """A complete response between two truncated ones resets the count of failures."""
    for count in (1, 2, 3, 4):
        one.behave(BEHAVIOURS["chunked-reset"])
        assert cut_by_one(worker, "between", f"/{count}")
        until(partial(cuts, worker, count))
        one.behave(download(20_000))
        until(lambda: served_by(worker, "between") == "one")
        time.sleep(0.2)  # the balancer counts the success after the response
    assert worker.events("origin_ejected") == []


@pytest.mark.parametrize("sized", [True, False])
def test_a_client_that_leaves_ejects_nobody(sized: bool, worker: Workerd, one: Origin) -> None:
    """A client that disconnects does not eject an origin, with or without a Content-Length."""
    leave_often(worker, one, "leave", sized=sized)

    assert silence(worker) == []
    one.behave()
    assert served_by(worker, "leave") == "one"


def test_nor_while_probes_are_sent() -> None:
    """A client that disconnects while probes keep its request alive does not eject an origin."""
    with origins(2) as (one, two):
        pools = [pool(origin.name, origin, monitor="m") for origin in (one, two)]
        config = "\n".join([monitor("m"), *pools, load_balancer("probed.test", "one", "two")])
        for origin in (one, two):
            origin.fail_health(after(0.4, reply(200)))
        with workerd(config) as worker:
            for sized in (True, False):
                leave_often(worker, one, "probed", sized=sized)
            assert silence(worker) == []
        assert len(one.probes) > 1


def leave_often(worker: Workerd, one: Origin, host: str, *, sized: bool) -> None:
    """Abort responses of several lengths at random moments."""
    one.behave(download(5_000_000, chunked=not sized))
    for _ in range(25):
        leave(worker, host, random.random() * 0.05)
    pieces: list[bytes | float] = [0.02, chunk(b"x" * 1000)]
    one.behave(raw(start(200, CHUNKED) + chunk(b"x"), *pieces * 40))
    for _ in range(10):
        leave(worker, host, random.random() * 0.2)


def test_short_answers_that_clients_leave_eject_nobody(worker: Workerd, one: Origin) -> None:
    """A client that disconnects in a short body does not eject an origin, watched or not."""
    pieces: list[bytes | float] = [b"x" * 64, 0.01]
    one.behave(raw(start(200, ("Content-Length", "1024")), *pieces * 16))
    with ThreadPoolExecutor(16) as pool_of_clients:
        waits = [random.random() * 0.1 for _ in range(480)]
        list(pool_of_clients.map(lambda wait: leave(worker, "leave", wait, 100), waits))

    assert silence(worker) == []
    one.behave()
    assert served_by(worker, "leave") == "one"


@pytest.mark.parametrize("status", [200, 204, 304])
def test_answers_without_a_body_are_not_watched(status: int, worker: Workerd, one: Origin) -> None:
    """HEAD, 204 and 304 have no body that could be cut off, whatever length they announce."""
    length = ("Content-Length", "500")
    one.behave(raw(start(status) if status == 204 else start(status, length)))
    method = "HEAD" if status == 200 else "GET"
    for _ in range(5):
        answer = worker.send(method, "/", ("If-None-Match", '"x"'), host="empty.test")
        assert (answer.status, answer.size) == (status, 0)
        time.sleep(0.1)
    assert silence(worker) == []


@pytest.mark.parametrize("size", [0, 1, 100, 1024, 14_599])
def test_a_short_body_is_unharmed(size: int, worker: Workerd, one: Origin) -> None:
    """A short body arrives with its bytes, its Content-Length and its ETag, watched or not."""
    one.behave(reply(200, b"z" * size, ("ETag", '"x"')))
    for _ in range(4):
        answer = worker.get("/", host="leave.test")
        assert (answer.status, answer.body, answer.head.length) == (200, b"z" * size, size)
        assert (answer.header("etag"), answer.head.chunked) == ('"x"', False)
        time.sleep(0.04)
    assert silence(worker) == []


def test_a_download_is_not_watched(worker: Workerd, one: Origin) -> None:
    """A truncated response over 5 MB does not count: forwarding it unwatched is twice as fast."""
    one.behave(cut(b"abc" * 10_000, 5_000_001))
    assert get(worker, "long") is None
    assert silence(worker) == []


def test_server_sent_events_may_end(worker: Workerd, one: Origin) -> None:
    """The end of an event stream does not count, because proxies close idle streams."""
    kind = ("Content-Type", "text/event-stream")
    one.behave(raw(start(200, kind, CHUNKED) + chunk(b"data: 1\n\n"), 0.1))
    assert get(worker, "sse") is None
    assert silence(worker) == []


def test_an_upload_under_way_is_the_clients_doing(worker: Workerd, one: Origin) -> None:
    """A response that breaks off during a streamed upload does not count against its origin."""
    one.behave(BEHAVIOURS["chunked-reset"])
    with pytest.raises((ConnectionError, ValueError)):
        worker.send("POST", "/", body=[b"x" * 100_000], host="upload.test")
    assert silence(worker) == []


@pytest.mark.parametrize("host", ["alone", "off"])
def test_without_consequences_nothing_is_watched(host: str, worker: Workerd, one: Origin) -> None:
    """Truncation is not tracked with a single origin or without ejection."""
    one.behave(BEHAVIOURS["length-reset"])
    assert get(worker, host) is None
    assert silence(worker) == []
    assert served_by(worker, host) is None


@pytest.mark.parametrize("sized", [True, False])
def test_a_large_body_is_unharmed(sized: bool, worker: Workerd, one: Origin) -> None:
    """A watched body of 100 MB arrives byte for byte with the origin's framing."""
    one.behave(download(MEGABYTES_100, chunked=not sized))
    answer = get(worker, "leave")

    assert answer is not None
    assert (answer.size, answer.digest) == (MEGABYTES_100, digest_of(MEGABYTES_100))
    assert answer.head.chunked is not sized
    assert answer.head.length == (MEGABYTES_100 if sized else None)
    assert silence(worker) == []


def test_a_packed_body_is_unharmed(worker: Workerd, one: Origin) -> None:
    """A compressed body arrives with the same bytes, length and ETag."""
    packed = gzip.compress(random.Random(1).randbytes(40_000))
    one.behave(reply(200, packed, ("Content-Encoding", "gzip"), ("ETag", '"x"')))
    for wanted in ("gzip", "identity"):
        answer = worker.get("/", ("Accept-Encoding", wanted), host="leave.test")
        assert answer.body == packed
        assert answer.header("content-encoding") == "gzip"
        assert answer.header("etag") == '"x"'
        assert answer.head.length == len(packed)


def test_a_part_of_a_body_is_unharmed(worker: Workerd, one: Origin) -> None:
    """A partial response arrives complete, and HEAD keeps the Content-Length."""
    one.behave(reply(206, b"y" * 20_000, ("Content-Range", "bytes 0-19999/90000")))
    answer = worker.get("/", ("Range", "bytes=0-19999"), host="leave.test")
    assert (answer.status, answer.size) == (206, 20_000)
    assert answer.header("content-range") == "bytes 0-19999/90000"

    one.behave(reply(200, b"y" * 20_000))
    answer = worker.send("HEAD", "/", host="leave.test")
    assert (answer.status, answer.head.length, answer.size) == (200, 20_000, 0)
    assert silence(worker) == []


def test_a_watched_body_is_not_held_back(worker: Workerd, one: Origin) -> None:
    """Each chunk of a watched body reaches the client before the origin sends the next one."""
    one.behave(raw(start(200, CHUNKED) + chunk(b"first"), 2.0, chunk(b"second"), b"0\r\n\r\n"))
    with conversation(worker.port) as talk:
        talk.send(head("GET / HTTP/1.1", ("Host", "leave.test")))
        talk.read_head()
        began = time.monotonic()
        assert talk.read_chunk() == b"first"
        assert time.monotonic() - began < 1


def test_events_are_not_held_back(worker: Workerd, one: Origin) -> None:
    """Each server-sent event reaches the client before the origin sends the next one."""
    one.behave(events("a", "b", gap=1.0))
    with conversation(worker.port) as talk:
        talk.send(head("GET / HTTP/1.1", ("Host", "sse.test")))
        talk.read_head()
        began = time.monotonic()
        assert talk.read_chunk() == b"data: a\n\n"
        assert time.monotonic() - began < 0.8
