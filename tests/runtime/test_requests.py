"""The request that an origin gets: complete and as the client sent it."""

from __future__ import annotations

import pytest

from support.answers import blocks, digest_of
from support.client import conversation, send
from support.origins import Origin
from support.toml import load_balancer, pool
from support.waiting import until
from support.wire import head
from support.workerd import Workerd


def configuration(one: Origin) -> str:
    """One origin for everything."""
    return pool("all", one) + load_balancer("*", "all", ejection={"base_time": 0})


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/?",
        "/a?",
        "//a",
        "/a//b/",
        "/%2F%5C%3F%23",
        "/a%2e%2e/b",
        "/%C3%A9%c3%a9",
        "/a;b=c/:@!$&()*+,=~'",
        "/%zz/a%",
        "/a?b?c",
        "/a?x=a%20b+c&x=&&x",
        "/a?%00%0D%0A%FF",
        "/a?redirect=https://elsewhere.example.com/../x",
        "/" + "long/" * 1500,
    ],
)
def test_path_and_query_arrive_byte_for_byte(target: str, worker: Workerd, one: Origin) -> None:
    """Path and query reach the origin byte for byte, with their escapes."""
    assert worker.get(target).status == 200
    assert [request.target for request in one.requests] == [target]


@pytest.mark.parametrize(
    ("target", "parsed"),
    [
        ("/a/../b", "/b"),
        ("/a/./b", "/a/b"),
        ("/%2e%2e/b", "/b"),
        ("/a\\b", "/a/b"),
        ("/a#b", "/a"),
    ],
)
def test_the_runtime_parses_the_url(target: str, parsed: str, worker: Workerd, one: Origin) -> None:
    """The runtime resolves dots, backslashes and fragments before the Worker sees the URL."""
    assert worker.get(target).status == 200
    assert [request.target for request in one.requests] == [parsed]


@pytest.mark.parametrize(
    "method",
    [
        *("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "PURGE"),
        *("PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "ACL"),
        *("SEARCH", "SUBSCRIBE", "UNSUBSCRIBE", "NOTIFY", "CHECKOUT", "MERGE", "MKACTIVITY"),
    ],
)
def test_any_method_is_passed_on(method: str, worker: Workerd, one: Origin) -> None:
    """Every method that the runtime knows reaches the origin, WebDAV's included."""
    assert worker.send(method, "/a").text == "one"
    assert [request.method for request in one.requests] == [method]


@pytest.mark.parametrize("method", ["BREW", "get", "M-SEARCH"])
def test_a_method_the_runtime_does_not_know(method: str, worker: Workerd, one: Origin) -> None:
    """The runtime itself responds with 501 to an unknown method."""
    assert worker.send(method, "/").status == 501
    assert one.requests == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "GET"])
def test_a_body_keeps_its_length(method: str, worker: Workerd, one: Origin) -> None:
    """A body with a Content-Length keeps it, whatever the method."""
    worker.send(method, "/", body=b"\x00some\r\nbytes\xff")

    (request,) = one.requests
    assert request.body == b"\x00some\r\nbytes\xff"
    assert request.header("content-length") == "13"
    assert request.header("transfer-encoding") is None


def test_a_chunked_body_stays_chunked(worker: Workerd, one: Origin) -> None:
    """A body of unknown length arrives in chunks, without a Content-Length."""
    worker.send("POST", "/", body=[b"one ", b"two"])

    (request,) = one.requests
    assert request.body == b"one two"
    assert request.header("transfer-encoding") == "chunked"
    assert request.header("content-length") is None


def test_no_body_stays_no_body(worker: Workerd, one: Origin) -> None:
    """A GET without a body arrives without one."""
    worker.get("/")

    (request,) = one.requests
    assert request.header("transfer-encoding") is None
    assert request.header("content-length") is None


def test_a_body_is_streamed(worker: Workerd, one: Origin) -> None:
    """The origin gets the beginning of a large body before the client sends its end."""
    first, second = b"a" * 100_000, b"b" * 100_000
    with conversation(worker.port) as talk:
        length = ("Content-Length", str(len(first + second)))
        talk.send(head("POST / HTTP/1.1", ("Host", "service.example.com"), length) + first)
        until(lambda: one.requests and one.requests[0].size >= len(first))
        talk.send(second)
        assert talk.answer().text == "one"
    assert one.requests[0].size == len(first + second)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_hundred_megabytes_up(chunked: bool, worker: Workerd, one: Origin) -> None:
    """An upload of 100 MB arrives unchanged and is never buffered as a whole."""
    size, before = 100_000_000, worker.memory
    length = () if chunked else (("Content-Length", str(size)),)
    worker.send("POST", "/", *length, body=blocks(size))

    assert one.requests[0].digest == digest_of(size)
    assert worker.memory - before < size / 2


def test_expecting_to_continue(worker: Workerd, one: Origin) -> None:
    """A client that waits for 100 Continue gets it, and its body arrives."""
    with conversation(worker.port) as talk:
        fields = (("Host", "a"), ("Content-Length", "3"), ("Expect", "100-continue"))
        talk.send(head("POST / HTTP/1.1", *fields))
        assert talk.read_head().start == "HTTP/1.1 100 Continue"
        talk.send(b"abc")
        assert talk.answer().status == 200
    assert one.requests[0].body == b"abc"


def test_request_trailers_are_left_out(worker: Workerd, one: Origin) -> None:
    """The runtime removes trailers of a request; its body arrives complete."""
    with conversation(worker.port) as talk:
        fields = (("Host", "a"), ("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum"))
        talk.send(head("POST / HTTP/1.1", *fields) + b"3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n")
        assert talk.answer().status == 200
    assert one.requests[0].body == b"abc"
    assert one.requests[0].trailers == ()


def test_headers_arrive(worker: Workerd, one: Origin) -> None:
    """Headers keep the case of their names, their bytes and their repetitions; none is added."""
    sent = [
        ("X-Odd-CASE", "1"),
        ("X-Multi", "a, b"),
        ("X-Multi", "c"),
        ("X-Bytes", "\xe9\xff"),
        ("Cookie", "a=b; c=d"),
        ("Authorization", "Bearer abc"),
        ("Range", "bytes=0-1"),
        ("If-None-Match", '"a"'),
        ("User-Agent", "test"),
        ("Accept-Encoding", "zstd"),
    ]
    worker.get("/", *sent)

    got = list(one.requests[0].head.fields)
    assert [field for field in sent if field not in got] == []
    assert sorted(name for name, _ in got if (name, one.requests[0].header(name)) not in sent) == [
        *("Host", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Multi", "X-Multi", "X-Served-By"),
        "x-evenkeel-via",
    ]


def test_hop_by_hop_headers_stay_behind(worker: Workerd, one: Origin) -> None:
    """Hop-by-hop headers, and headers named in Connection, are not forwarded."""
    worker.get(
        "/",
        ("Connection", "X-Hop , keep-alive,close, x-other"),
        ("X-Hop", "1"),
        ("X-Other", "1"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Connection", "keep-alive"),
        ("Proxy-Authorization", "Basic abc"),
        ("TE", "trailers"),
        ("Upgrade", "h2c"),
        ("X-Stays", "1"),
    )

    names = one.requests[0].head.names
    assert "x-stays" in names
    hops = {"connection", "x-hop", "x-other", "keep-alive", "te", "upgrade"}
    assert {*hops, "proxy-connection", "proxy-authorization"}.isdisjoint(names)


def test_connection_cannot_strip_our_headers(worker: Workerd, one: Origin) -> None:
    """The balancer's headers reach the origin even if the client names them in Connection."""
    ours = ["X-Forwarded-For", "X-Real-IP", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Served-By"]
    connection = ("Connection", ", ".join([*ours, "X-Evenkeel-Via", "Host", "Content-Length"]))
    answer = worker.send("POST", "/", connection, ("CF-Connecting-IP", "192.0.2.1"), body=b"abc")

    (request,) = one.requests
    assert answer.status == 200
    assert request.body == b"abc"
    assert {name.lower() for name in [*ours, "X-Evenkeel-Via"]} <= set(request.head.names)


@pytest.mark.parametrize(
    ("method", "connection"),
    [("GET", "bad name, \xe9, (,), X-Fine"), ("POST", ", ".join(f"X-{n}" for n in range(500)))],
)
def test_nonsense_in_connection(method: str, connection: str, worker: Workerd, one: Origin) -> None:
    """A malformed or very long Connection header is harmless."""
    assert worker.send(method, "/", ("Connection", connection), ("X-Fine", "1")).text == "one"
    assert len(one.requests) == 1


def test_a_connection_is_kept_for_many_requests(worker: Workerd, one: Origin) -> None:
    """A client can send several requests over one connection."""
    with conversation(worker.port) as talk:
        for number in range(3):
            talk.send(head(f"GET /{number} HTTP/1.1", ("Host", "a")))
            assert talk.answer().text == "one"
    assert [request.target for request in one.requests] == ["/0", "/1", "/2"]


def test_an_abandoned_request_ends_at_the_origin(worker: Workerd, one: Origin) -> None:
    """A client that disconnects during its upload ends the request at the origin."""
    with conversation(worker.port) as talk:
        talk.send(head("POST / HTTP/1.1", ("Host", "a"), ("Content-Length", "1000000")) + b"abc")
        until(lambda: one.requests and one.requests[0].size == 3)
    until(lambda: one.requests[0].aborted)
    assert send(worker.port, "GET", "/").status == 200
