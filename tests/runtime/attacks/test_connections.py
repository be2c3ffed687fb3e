"""Clients that disconnect at any moment, slow clients, and many clients at once."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from support.answers import after, download, hang, in_turn, raw, reply, reset, start
from support.client import conversation
from support.exchange import Behaviour
from support.siege import EAGER, OTHER, PLAIN, Siege, request
from support.waiting import until
from support.wire import chunk

MEGABYTE = 1_000_000
MANY = 150
UPLOAD = request("POST / HTTP/1.1", b"Content-Length: 500", body=b"abc")
KEPT = request("POST / HTTP/1.1", b"Content-Length: 500", host=EAGER, body=b"abc")
LONG = request("POST / HTTP/1.1", b"Content-Length: 500000", body=b"x" * 100_000)
CHUNKS = request("POST / HTTP/1.1", b"Transfer-Encoding: chunked", body=chunk(b"abc") + b"5\r\nab")


def by_closing(connection: socket.socket) -> None:
    """Disconnect with a FIN, as a browser does."""
    connection.close()


def by_reset(connection: socket.socket) -> None:
    """Disconnect with a reset, as a phone does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


Leave = Callable[[socket.socket], None]
both_ways = pytest.mark.parametrize("leave", [by_closing, by_reset], ids=["close", "reset"])


@contextmanager
def clients(under: Siege, count: int, data: bytes = b"") -> Iterator[list[socket.socket]]:
    """Open `count` connections and send the same data on each."""
    with ExitStack() as stack:
        made = []
        for _ in range(count):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", under.worker.port)))
            one.sendall(data)
            made.append(one)
        yield made


def leaving(under: Siege, data: bytes, leave: Leave, ready: Callable[[], object]) -> None:
    """Send the data, wait until `ready` is true, and disconnect."""
    connection = socket.create_connection(("127.0.0.1", under.worker.port))
    connection.sendall(data)
    until(ready)
    leave(connection)


@both_ways
def test_leaving_in_the_middle_of_a_request(leave: Leave, under: Siege) -> None:
    """A client that disconnects after any number of request bytes disturbs no later request."""
    whole = request("POST /a HTTP/1.1", b"Content-Length: 5", body=b"abcde", host=EAGER)
    for length in range(0, len(whole) + 1, 5):
        leaving(under, whole[:length], leave, lambda: True)
    assert under.status(request()) == 200


@both_ways
@pytest.mark.parametrize("data", [UPLOAD, LONG, CHUNKS], ids=range(3))
def test_leaving_in_the_middle_of_a_body(data: bytes, leave: Leave, under: Siege) -> None:
    """The origin's request ends when the client disconnects in the middle of its body."""
    leaving(under, data, leave, lambda: under.one.requests or data == UPLOAD)
    until(lambda: all(each.aborted for each in under.one.requests))
    assert under.two.requests == []


@both_ways
def test_leaving_before_a_body_is_kept(leave: Leave, under: Siege) -> None:
    """No origin receives a request whose body was to be buffered and never arrived."""
    leaving(under, KEPT, leave, lambda: True)
    time.sleep(0.1)  # nothing signals that a request will not come
    assert under.one.requests == []


@both_ways
def test_leaving_before_the_answer(leave: Leave, under: Siege) -> None:
    """If a client leaves before the response, the origin's request ends without a retry."""
    under.one.behave(hang())
    leaving(under, request(), leave, lambda: under.one.requests)
    until(lambda: under.one.requests[0].aborted)


@both_ways
@pytest.mark.parametrize("fault", [reset(), reply(503, "x" * 100_000), raw(b"junk")], ids=range(3))
def test_leaving_during_the_second_attempt(fault: Behaviour, leave: Leave, under: Siege) -> None:
    """If a client leaves during the second attempt, the requests at both origins end."""
    under.one.behave(fault)
    under.two.behave(hang())
    leaving(under, request(), leave, lambda: under.two.requests)
    until(lambda: under.two.requests[0].aborted)


@both_ways
@pytest.mark.parametrize("chunked", [True, False])
def test_leaving_in_the_middle_of_an_answer(chunked: bool, leave: Leave, under: Siege) -> None:
    """If a client leaves at any point of a response, the origin's request ends."""
    under.one.behave(download(20 * MEGABYTE, chunked=chunked))
    for wanted in (1, 100, 10_000, 1 * MEGABYTE) * 5:
        connection = socket.create_connection(("127.0.0.1", under.worker.port))
        connection.sendall(request())
        got = 0
        while got < wanted:
            got += len(connection.recv(wanted))
        leave(connection)
    until(lambda: under.one.busy == 0)
    assert under.two.requests == []


def test_half_a_connection(under: Siege) -> None:
    """A client that closes its sending side still gets its response."""
    under.one.behave(after(0.2, reply(200, "late")))
    with conversation(under.worker.port, 5) as talk:
        talk.send(request())
        talk.socket.shutdown(socket.SHUT_WR)
        assert talk.answer().text == "late"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: plain.test\r\nX-A: ",
        UPLOAD,
        KEPT,
        CHUNKS,
    ],
    ids=["nothing", "head", "body", "kept", "chunks"],
)
def test_many_that_never_finish(data: bytes, under: Siege) -> None:
    """Unfinished requests block no other client and end at the origin when their clients leave."""
    before = under.worker.memory
    with clients(under, MANY, data) as connected:
        for _ in range(3):
            for one in connected:
                one.sendall(b"x" if data not in (b"", CHUNKS) else b"")
            assert under.status(request(host=OTHER), 5) == 200
        assert under.worker.memory - before < 150 * MEGABYTE
    until(lambda: under.one.busy == 0)
    assert under.status(request()) == 200


def test_many_slow_readers(under: Siege) -> None:
    """Thirty clients that read nothing of 50 MB fill no memory and block no other client."""
    under.one.behave(download(50 * MEGABYTE))
    before = under.worker.memory
    with clients(under, 30, request()):
        until(lambda: len(under.one.requests) == 30)
        for _ in range(5):
            assert under.status(request(host=OTHER), 5) == 200
            time.sleep(0.1)
        assert under.worker.memory - before < 200 * MEGABYTE
    until(lambda: under.one.busy == 0)


def test_many_that_wait(under: Siege) -> None:
    """All requests that wait for a hanging origin get the next origin's response within 20 s."""
    under.one.behave(hang())
    began = time.monotonic()
    with clients(under, MANY, request()) as connected:
        for one in connected:
            one.settimeout(20)
            assert one.recv(100).startswith(b"HTTP/1.1 200 OK")
    assert time.monotonic() - began < 20
    assert len(under.two.requests) == MANY


def test_many_that_leave_while_origins_fail(under: Siege) -> None:
    """Clients that leave while origins fail leave no open request at any origin."""
    under.one.behave(in_turn(hang(), reset(), reply(503), raw(start(200)[:10])))
    under.two.behave(hang())
    for _ in range(3):
        with clients(under, MANY, request()):
            until(lambda: under.one.requests)
    until(lambda: under.one.busy + under.two.busy == 0)
    under.two.reset()
    assert under.status(request(host=PLAIN)) == 200


def test_a_thousand_connections(under: Siege) -> None:
    """A thousand connections that send nothing disturb no later request."""
    for _ in range(10):
        with clients(under, 100):
            pass
    assert under.status(request()) == 200
