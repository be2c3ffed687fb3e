"""Malformed WebSocket handshakes and frames, large messages, and many connections."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from support.answers import cut, hang, raw, reply, start
from support.client import Conversation, conversation
from support.siege import OTHER, SESSION, Siege, request
from support.sockets import LARGEST, websocket
from support.waiting import until

KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
VERSION = b"Sec-WebSocket-Version: 13"
UPGRADE = (b"Upgrade: websocket", b"Connection: Upgrade")
HANDSHAKE = request("GET /chat HTTP/1.1", *UPGRADE, VERSION, KEY)
MEGABYTE = 1_000_000
MANY = 50


@contextmanager
def opened(under: Siege) -> Iterator[ClientConnection]:
    """Open a WebSocket with a secret cookie in its handshake."""
    link = socket.create_connection(("127.0.0.1", under.worker.port), 10)
    cookie = {"Cookie": f"session={SESSION}"}
    uri = "ws://plain.test/chat"
    with connect(uri, sock=link, additional_headers=cookie, max_size=LARGEST) as made:
        yield made


@contextmanager
def bare(under: Siege) -> Iterator[Conversation]:
    """Open a WebSocket that can send arbitrary bytes."""
    with conversation(under.worker.port, 10) as talk:
        talk.send(HANDSHAKE)
        assert talk.read_head().start.startswith("HTTP/1.1 101")
        yield talk


@pytest.mark.parametrize(
    "lines",
    [
        (*UPGRADE, VERSION),
        (*UPGRADE, VERSION, b"Sec-WebSocket-Key: bad"),
        (*UPGRADE, VERSION, b"Sec-WebSocket-Key: " + b"A" * 50_000),
        (*UPGRADE, VERSION, KEY, KEY),
        (*UPGRADE, b"Sec-WebSocket-Version: 99", KEY),
        (*UPGRADE, KEY),
    ],
    ids=range(6),
)
def test_a_handshake_that_is_none(lines: tuple[bytes, ...], under: Siege) -> None:
    """A malformed handshake gets the origin's or the runtime's response."""
    under.one.behave(websocket())
    status = under.status(request(b"GET / HTTP/1.1", *lines), 3)
    assert status is None or status in (101, 200) or 400 <= status < 500 or status == 503


@pytest.mark.parametrize(
    ("method", "lines"),
    [
        ("POST", (*UPGRADE, VERSION, KEY)),
        ("GET", (b"Upgrade: websocket", VERSION, KEY)),
        ("GET", (b"Connection: Upgrade", VERSION, KEY)),
        ("GET", (b"Upgrade: h2c", b"Connection: Upgrade, HTTP2-Settings", b"HTTP2-Settings: AAMA")),
        ("GET", (b"Upgrade: TLS/1.0, HTTP/1.1", b"Connection: Upgrade")),
    ],
    ids=range(5),
)
def test_what_only_looks_like_one_is_a_request(
    method: str, lines: tuple[bytes, ...], under: Siege
) -> None:
    """A request that only resembles a handshake is not upgraded."""
    assert under.status(request(f"{method} / HTTP/1.1", *lines), 3) in (200, 400)
    assert {each.header("upgrade") for each in under.one.requests} <= {None, "websocket"}


@pytest.mark.parametrize("status", [200, 204, 301, 400, 403, 426, 500])
def test_an_origin_that_answers_as_if_asked_for_a_page(status: int, under: Siege) -> None:
    """The client gets the origin's HTTP response to a handshake."""
    under.one.behave(reply(status, b"" if status == 204 else b"no", ("Location", "/")))
    answer = under.send(HANDSHAKE)
    assert answer is not None
    assert answer.status == status
    assert under.two.requests == []


@pytest.mark.parametrize(
    "behaviour",
    [
        raw(start(101, ("Upgrade", "websocket"), ("Connection", "Upgrade"))),
        raw(
            start(
                101,
                ("Upgrade", "websocket"),
                ("Connection", "Upgrade"),
                ("Sec-WebSocket-Accept", "wrong"),
            )
            + b"\xff\xff\xff\xff"
        ),
        cut(b"abc", 10),
        hang(),
    ],
    ids=range(4),
)
def test_an_origin_that_opens_none(behaviour: object, under: Siege) -> None:
    """A handshake that the origin fails does not disturb the Worker."""
    under.one.behave(behaviour)  # type: ignore[arg-type]
    under.send(HANDSHAKE, 5)


def frame(first: int, second: int, rest: bytes = b"") -> bytes:
    """The first two bytes of a frame and its remaining bytes."""
    return bytes((first, second)) + rest


MASK = b"\0\0\0\0"
FRAMES = [
    frame(0x81, 0x05, b"hello"),  # not masked
    frame(0xF1, 0x80, MASK),  # reserved bits
    frame(0x83, 0x80, MASK),  # an undefined opcode
    frame(0x81, 0x82, MASK + b"\xff\xfe"),  # a text that is not UTF-8
    frame(0x89, 0xFE, b"\x00\xff" + MASK + b"x" * 255),  # a long ping
    frame(0x09, 0x80, MASK),  # a truncated ping
    frame(0x80, 0x80, MASK),  # a continuation without a beginning
    frame(0x88, 0x81, MASK + b"x"),  # a truncated close code
    frame(0x88, 0x82, MASK + b"\x03\xed"),  # a close code that must not be sent
    frame(0x88, 0x82, MASK + b"\x00\x00"),
    frame(0x88, 0x84, MASK + b"\x03\xe8\xff\xfe"),  # a reason that is not UTF-8
    frame(0x82, 0xFF, b"\x7f" + b"\xff" * 7 + MASK + b"x" * MEGABYTE),  # a length of 9 exabytes
    frame(0x82, 0xFF, b"\xff" * 8 + MASK + b"x" * 1000),
    frame(0x82, 0xFF, b"\x00\x00\x00\x00\x40\x00\x00\x00" + MASK + b"x" * MEGABYTE),  # 1 GB
    frame(0x01, 0x81, MASK + b"x") * 10_000,  # beginnings without a final frame
    b"GET / HTTP/1.1\r\nHost: plain.test\r\n\r\n",
    b"\x00" * 100_000,
]


@pytest.mark.parametrize("data", FRAMES, ids=range(len(FRAMES)))
def test_a_frame_that_is_none(data: bytes, under: Siege) -> None:
    """A malformed frame ends at most its own connection and does not fill memory."""
    under.one.behave(websocket())
    before = under.worker.memory
    with bare(under) as talk:
        talk.send(data)
        talk.socket.settimeout(0.2)
        with suppress(OSError):
            talk.read(1000)
    assert under.worker.memory - before < 100 * MEGABYTE
    until(lambda: under.one.busy == 0)


def test_a_message_of_many_megabytes(under: Siege) -> None:
    """A message of 15 MB is delivered or ends its connection, but never the Worker."""
    under.one.behave(websocket())
    with opened(under) as chat:
        try:
            chat.send(b"x" * 15 * MEGABYTE)
            assert len(chat.recv(timeout=20)) == 15 * MEGABYTE
        except ConnectionClosed:
            pass


def test_thousands_of_messages(under: Siege) -> None:
    """3,000 messages come back in order although the client reads them only after sending."""
    under.one.behave(websocket())
    with opened(under) as chat:
        for number in range(3000):
            chat.send(str(number))
        assert [chat.recv(timeout=10) for _ in range(3000)] == [str(n) for n in range(3000)]


def test_many_that_stay_and_vanish(under: Siege) -> None:
    """Many idle WebSockets block no other client, and all close at the origin afterwards."""
    under.one.behave(websocket())
    with ExitStack() as stack:
        talks = [stack.enter_context(bare(under)) for _ in range(MANY)]
        assert under.one.busy == MANY
        assert under.status(request(host=OTHER)) == 200
        for talk in talks[::2]:
            talk.socket.shutdown(socket.SHUT_WR)
    until(lambda: under.one.busy == 0)


def test_half_open(under: Siege) -> None:
    """A WebSocket ends after a close frame of a silent client and after the origin's abort."""
    under.one.behave(websocket())
    with bare(under) as talk:
        talk.send(frame(0x88, 0x82, MASK + b"\x03\xe8"))
        until(lambda: under.one.busy == 0)
    with opened(under) as chat:
        chat.send("abort")
        with pytest.raises(ConnectionClosed):
            chat.recv(timeout=10)
