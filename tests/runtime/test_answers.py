"""The response that a client gets: complete and as the origin sent it."""

from __future__ import annotations

import gzip
import time

import pytest

from support.answers import (
    cut,
    digest_of,
    download,
    events,
    garbage,
    in_turn,
    raw,
    reply,
)
from support.client import conversation
from support.origins import Origin
from support.toml import load_balancer, pool
from support.waiting import until
from support.wire import head
from support.workerd import Workerd


def configuration(one: Origin) -> str:
    """One origin for everything, whose responses never count as failures."""
    quiet = {"failover": {"retry_on": []}, "ejection": {"base_time": 0}}
    return pool("all", one) + load_balancer("*", "all", **quiet)


@pytest.mark.parametrize(
    "status",
    [
        *(200, 201, 202, 203, 206, 207, 226, 299, 300, 400, 401, 403, 404, 405, 409, 410, 418, 421),
        *(422, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 507, 508, 511, 520, 530, 599),
    ],
)
def test_a_status_is_passed_on(status: int, worker: Workerd, one: Origin) -> None:
    """The client gets the origin's status and body, whatever they are."""
    one.behave(reply(status, b"body", ("X-A", "1")))
    answer = worker.get()

    assert (answer.status, answer.body, answer.header("x-a")) == (status, b"body", "1")
    assert answer.header("content-length") == "4"
    assert answer.served_by == "one"


@pytest.mark.parametrize("status", [204, 205, 304])
def test_a_status_without_a_body(status: int, worker: Workerd, one: Origin) -> None:
    """A response with 204, 205 or 304 arrives with its headers and without a body."""
    one.behave(reply(status, b"", ("ETag", '"abc"'), ("Cache-Control", "max-age=5")))
    answer = worker.get("/", ("If-None-Match", '"abc"'))

    assert (answer.status, answer.body, answer.header("etag")) == (status, b"", '"abc"')
    assert answer.header("cache-control") == "max-age=5"


@pytest.mark.parametrize("status", [600, 700, 999])
def test_a_status_that_is_none(status: int, worker: Workerd, one: Origin) -> None:
    """A status above 599 cannot be forwarded, so it is a failure of the origin."""
    one.behave(reply(status, b"odd"))
    assert worker.get().status == 503

    one.behave()
    assert worker.get().text == "one"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_the_clients(status: int, worker: Workerd, one: Origin) -> None:
    """A redirect is passed to the client, not followed."""
    one.behave(reply(status, b"", ("Location", "http://elsewhere.example.com/%2F?a=b")))
    answer = worker.get("/old")

    assert answer.status == status
    assert answer.header("location") == "http://elsewhere.example.com/%2F?a=b"
    assert [request.target for request in one.requests] == ["/old"]


def test_several_cookies_stay_apart(worker: Workerd, one: Origin) -> None:
    """Each Set-Cookie line and each repeated header line stays a line of its own."""
    cookies = ["a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT", "b=2; Path=/", "a=3"]
    lines = [("Set-Cookie", each) for each in cookies]
    one.behave(reply(200, b"", ("X-Multi", "a, b"), *lines, ("X-Multi", "c")))
    answer = worker.get()

    assert answer.head.all("set-cookie") == cookies
    assert answer.head.all("x-multi") == ["a, b", "c"]


def test_headers_come_back(worker: Workerd, one: Origin) -> None:
    """Header values keep their bytes, and only X-Served-By is added."""
    sent = [("X-Odd-CASE", "1"), ("ETag", 'W/"a"'), ("X-Bytes", "\xe9\xff"), ("Server", "mine")]
    one.behave(reply(200, b"ok", *sent))

    added = [("Content-Length", "2"), ("X-Served-By", "one")]
    assert sorted(worker.get().head.fields) == sorted([*sent, *added])


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd"])
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("accepted", ["gzip, br", "identity", ""])
def test_packed_bodies_stay_packed(
    encoding: str,
    chunked: bool,
    accepted: str,
    worker: Workerd,
    one: Origin,
) -> None:
    """A compressed body arrives with the same bytes, whatever encodings the client accepts."""
    packed = gzip.compress(b"packed " * 100) if encoding == "gzip" else b"\x01any bytes\xff"
    one.behave(reply(200, packed, ("Content-Encoding", encoding), ("ETag", '"a"'), chunked=chunked))
    answer = worker.get("/", *([("Accept-Encoding", accepted)] if accepted else []))

    assert answer.body == packed
    assert answer.header("content-encoding") == encoding
    assert answer.header("etag") == '"a"'
    assert answer.header("content-length") == (None if chunked else str(len(packed)))


def test_a_range(worker: Workerd, one: Origin) -> None:
    """A partial response arrives as a partial response."""
    one.behave(reply(206, b"bc", ("Content-Range", "bytes 1-2/6"), ("Accept-Ranges", "bytes")))
    answer = worker.get("/", ("Range", "bytes=1-2"), ("If-Range", '"a"'))

    assert (answer.status, answer.body) == (206, b"bc")
    assert answer.header("content-range") == "bytes 1-2/6"
    assert one.requests[0].header("range") == "bytes=1-2"
    assert one.requests[0].header("if-range") == '"a"'


def test_head(worker: Workerd, one: Origin) -> None:
    """The response to HEAD keeps the Content-Length of the absent body."""
    one.behave(reply(200, b"x" * 12_345, ("Content-Encoding", "gzip")))
    answer = worker.send("HEAD", "/")

    assert (answer.status, answer.body) == (200, b"")
    assert answer.header("content-length") == "12345"
    assert answer.header("content-encoding") == "gzip"


@pytest.mark.parametrize("chunked", [False, True])
def test_framing_is_kept(chunked: bool, worker: Workerd, one: Origin) -> None:
    """A body with a Content-Length keeps it; a body of unknown length stays chunked."""
    one.behave(reply(200, b"body", chunked=chunked))
    answer = worker.get()

    assert answer.body == b"body"
    assert answer.header("content-length") == (None if chunked else "4")
    assert answer.head.chunked is chunked


def test_a_body_that_ends_with_its_connection(worker: Workerd, one: Origin) -> None:
    """An HTTP/1.0 response that ends with its connection arrives complete."""
    one.behave(raw(b"HTTP/1.0 200 OK\r\nX-A: 1\r\n\r\nuntil the end"))
    assert worker.get().body == b"until the end"


def test_interim_answers_are_left_out(worker: Workerd, one: Origin) -> None:
    """The runtime removes 1xx responses; the final response arrives."""
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
    one.behave(raw(hints + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    answer = worker.get()

    assert (answer.status, answer.body, answer.interim) == (200, b"ok", ())


def test_answer_trailers_are_left_out(worker: Workerd, one: Origin) -> None:
    """The runtime removes trailers of a response; its body arrives complete."""
    start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
    one.behave(raw(start + b"2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"))
    answer = worker.get()

    assert (answer.body, answer.trailers) == (b"ok", ())


def test_hop_by_hop_headers_stay_behind(worker: Workerd, one: Origin) -> None:
    """Hop-by-hop headers, and headers named in Connection, are not passed to the client."""
    hops = b"Connection: X-Hop, close\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nX-Stays: 1\r\n"
    one.behave(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + hops + b"\r\n"))
    answer = worker.get()

    assert answer.header("x-stays") == "1"
    assert {"connection", "x-hop", "keep-alive"}.isdisjoint(answer.head.names)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_hundred_megabytes_down(chunked: bool, worker: Workerd, one: Origin) -> None:
    """A download of 100 MB arrives unchanged and is never buffered as a whole."""
    size, before = 100_000_000, worker.memory
    one.behave(download(size, chunked=chunked))
    answer = worker.get()

    assert (answer.size, answer.digest) == (size, digest_of(size))
    assert answer.header("content-length") == (None if chunked else str(size))
    assert worker.memory - before < size / 2


def test_events_are_not_delayed(worker: Workerd, one: Origin) -> None:
    """Each server-sent event arrives well before the origin sends the next one."""
    gap = 0.3
    one.behave(events("1", "2", "3", gap=gap))
    arrived = []
    with conversation(worker.port) as talk:
        talk.send(head("GET / HTTP/1.1", ("Host", "a"), ("Accept", "text/event-stream")))
        assert talk.read_head().get("content-type") == "text/event-stream"
        began = time.monotonic()
        while data := talk.read_chunk():
            arrived.append((data, time.monotonic() - began))

    assert [data for data, _ in arrived] == [b"data: 1\n\n", b"data: 2\n\n", b"data: 3\n\n"]
    for number, (_, at) in enumerate(arrived):
        assert at < number * gap + gap / 2


def test_a_client_that_goes_away_ends_a_stream(worker: Workerd, one: Origin) -> None:
    """The origin's connection closes when the client of an endless response leaves."""
    one.behave(events(*map(str, range(1000)), gap=0.05))
    with conversation(worker.port) as talk:
        talk.send(head("GET / HTTP/1.1", ("Host", "a")))
        talk.read_head()
        talk.read_chunk()
    until(lambda: one.requests[0].aborted)


@pytest.mark.parametrize("with_reset", [False, True])
def test_an_answer_cut_short(with_reset: bool, worker: Workerd, one: Origin) -> None:
    """The client detects a truncated response if the origin's connection breaks."""
    one.behave(in_turn(cut(b"abc", 10, with_reset=with_reset), reply(200, b"whole")))
    with pytest.raises(ConnectionResetError):
        worker.get()

    assert worker.get().text == "whole"


def test_an_answer_that_is_no_http(worker: Workerd, one: Origin) -> None:
    """The client gets 503 if the only origin sends something other than HTTP."""
    one.behave(garbage())
    assert worker.get().status == 503
