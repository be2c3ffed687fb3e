"""Origins that break the rules of HTTP."""

from __future__ import annotations

import asyncio
import gzip
import time

import pytest

from support.answers import digest_of, download, raw, reply, start
from support.client import conversation
from support.exchange import Behaviour, Exchange
from support.origins import Origin
from support.siege import EAGER, FIRST_BYTE_SECONDS, HELD, OTHER, PLAIN, SECRETS, Siege, request
from support.waiting import until
from support.wire import LAST_CHUNK, chunk

OK = b"HTTP/1.1 200 OK\r\n"
EMPTY = b"Content-Length: 0\r\n\r\n"
ABC = b"Content-Length: 3\r\n\r\nabc"
BOTH = b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
MEGABYTE = 1_000_000

NO_STATUS = [
    *("000", "001", "099", "100", "101", "102", "103", "150", "199", "600", "999"),
    *("1000", "20", "2000", "-20", "+20", "2e2", "abc", "", "\xff"),
]
UPGRADE = "Upgrade: {}\r\nConnection: Upgrade\r\n\r\n"

NO_ANSWERS = [
    b"",
    b"\x00\x01\xfe\xffSSH-2.0-nonsense\r\n\r\n",
    b"hello",
    b"HTTP/9.9 200 OK\r\n" + EMPTY,
    b"HTTP/1.1 200 \x1b[31m\r\n" + EMPTY,
    OK + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
    OK + b"Content-Length: -5\r\n\r\n",
    OK + b"Content-Length: 99999999999999999999\r\n\r\nabc",
    OK + b"X-A: 1\r\n folded: 2\r\n" + EMPTY,
    OK + b"X-A: \x00\r\n" + EMPTY,
    OK + b"X-A: a\rSet-Cookie: b\r\n" + EMPTY,
    OK + b": 1\r\n" + EMPTY,
    OK + b"garbage\r\n" + EMPTY,
    OK + b"X-A: " + b"x" * 2 * MEGABYTE,
    OK + b"X-A: 1\r\n" * 100_000,
    start(101) + b"\x81\x05hello",
    *(f"HTTP/1.1 {code} Odd\r\n".encode("latin-1") + ABC for code in NO_STATUS),
    *(b"HTTP/1.1 101 Switching\r\n" + UPGRADE.format(to).encode() for to in ("websocket", "h2c")),
]  # fmt: skip


@pytest.mark.parametrize("answer", NO_ANSWERS, ids=range(len(NO_ANSWERS)))
def test_what_is_no_answer_fails_over(answer: bytes, under: Siege) -> None:
    """After a malformed response a GET fails over; a POST gets 503 without a retry."""
    under.one.behave(raw(answer))
    got = under.send(request())
    assert got is not None
    assert (got.status, got.text) == (200, "two")

    assert under.status(request("POST / HTTP/1.1", b"Content-Length: 3", body=b"abc")) == 503
    # The runtime repeats a GET if a kept-alive connection turns out to be closed.
    assert [each.method for each in under.one.requests].count("POST") == 1
    assert [each.method for each in under.two.requests] == ["GET"]


ODD_ANSWERS = [
    # (what the origin sends, status, body)
    (b"HTTP/1.1 200\r\n" + EMPTY, 200, b""),
    (b"HTTP/1.1 200 " + b"x" * 100_000 + b"\r\n" + EMPTY, 200, b""),
    (b"HTTP/1.1 200 \xff\xfe\r\n" + EMPTY, 200, b""),
    (b"HTTP/1.1 204 X\r\nContent-Length: 3\r\n\r\nabc", 204, b""),
    (b"HTTP/1.1 205 X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 205, b""),
    (b"HTTP/1.1 304 X\r\nContent-Length: 3\r\n\r\nabc", 304, b""),
    (OK + BOTH + b"2\r\nab\r\n0\r\n\r\n", 200, b"ab"),
    (OK + b"Content-Length: 2\r\n\r\nabcdef" + OK + b"Content-Length: 3\r\n\r\nbad", 200, b"ab"),
    (OK + b"Content-Length: 1\r\n\r\na" + OK + b"Content-Length: 3\r\n\r\nbad", 200, b"a"),
    (OK + b"Set-Cookie: a=b\r\n" * 500 + EMPTY, 200, b""),
    (OK + b"Set-Cookie: \xff\xfe\r\n" + EMPTY, 200, b""),
    (OK + b"".join(b"X-%d: 1\r\n" % number for number in range(8000)) + EMPTY, 200, b""),
    (OK + b"X-A: " + b"x" * 200_000 + b"\r\n" + EMPTY, 200, b""),
    (OK + b"Connection: " + b"x-a, " * 3000 + b"x-b\r\n" + EMPTY, 200, b""),
    (OK + b"Connection: \xff\xfe, x, set-cookie, x-served-by\r\n" + EMPTY, 200, b""),
    (OK + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", 200, b"abc"),
    (OK + b"Content-Encoding: \xff, gzip, br\r\nContent-Length: 3\r\n\r\nabc", 200, b"abc"),
    (OK + b"Content-Type: \xff\xfe; charset=\xff\r\nContent-Length: 3\r\n\r\nabc", 200, b"abc"),
    (start(100) * 1000 + OK + EMPTY, 200, b""),
    (b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", 200, b"abc"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "status", "body"), ODD_ANSWERS, ids=range(len(ODD_ANSWERS)))
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_can_be_read_is_passed_on(
    method: str, answer: bytes, status: int, body: bytes, under: Siege
) -> None:
    """A readable but odd response is passed on; bytes after its end reach no client."""
    under.one.behave(raw(answer))
    got = under.send(request(f"{method} / HTTP/1.1"), method=method)
    if method == "HEAD" and BOTH in answer:
        assert got is None  # the runtime ends the connection
        return
    assert got is not None
    assert (got.status, got.body) == (status, b"" if method == "HEAD" else body)
    assert got.served_by == "one"
    assert got.head.all("set-cookie")[-1:] != []
    assert under.two.requests == []


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 9999999999999999\r\n\r\nabc",
        b"Content-Length: 10\r\n\r\nabc",
        b"Transfer-Encoding: chunked\r\n\r\nzzz\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc",
        b"Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc",
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
    ],
    ids=range(7),
)
def test_a_body_of_a_wrong_length_is_not_whole(body: bytes, under: Siege) -> None:
    """The client detects a body of the wrong length because its connection ends early."""
    under.one.behave(raw(OK + body))
    assert under.send(request(), 3) is None


def endless(line: bytes, begin: bytes, pause: float = 0.0) -> Behaviour:
    """Send the same bytes again and again until the connection closes."""

    async def answer(exchange: Exchange) -> None:
        exchange.keep_alive = False
        await exchange.read_body()
        await exchange.write(begin)
        while True:
            await exchange.write(line)
            await asyncio.sleep(pause)

    return answer


@pytest.mark.parametrize(
    "behaviour",
    [
        endless(b"X-A: 1\r\n" * 100, OK),
        endless(b"x" * 10_000, OK + b"X-A: "),
        endless(b"x" * 10_000, b"HTTP/1.1 200 "),
        endless(start(100) * 100, b"", 0.01),
        endless(start(103, ("Link", "</a>")) * 100, b"", 0.01),
        endless(b"x", OK + b"X-A: ", 0.1),
        endless(b"\r\n" * 100, b"", 0.01),
        endless(b"", b"", 0.1),
    ],
    ids=range(8),
)
def test_a_head_without_an_end_fails_over(behaviour: Behaviour, under: Siege) -> None:
    """An endless head costs first_byte_timeout and little memory; then the next origin serves."""
    before, began = under.worker.memory, time.monotonic()
    under.one.behave(behaviour)
    got = under.send(request(), 30)

    assert got is not None
    assert got.text == "two"
    assert time.monotonic() - began < FIRST_BYTE_SECONDS + 20
    assert under.worker.memory - before < 150 * MEGABYTE


def test_an_endless_body_is_no_burden(under: Siege) -> None:
    """An endless body that its client does not read blocks no other client and fills no memory."""
    under.one.behave(endless(chunk(b"x" * 100_000), OK + b"Transfer-Encoding: chunked\r\n\r\n"))
    before = under.worker.memory
    with conversation(under.worker.port) as talk:
        talk.send(request())
        assert talk.read_head().start == "HTTP/1.1 200 OK"
        for _ in range(10):
            assert under.status(request(host=OTHER)) == 200
            time.sleep(0.05)
        assert under.worker.memory - before < 150 * MEGABYTE
    until(lambda: under.one.busy == 0)


@pytest.mark.parametrize("accepted", [b"gzip", b"identity"])
def test_a_bomb_is_not_set_off(accepted: bytes, under: Siege) -> None:
    """A gzip bomb of 1 GB is forwarded compressed and does not fill memory."""
    bomb = gzip.compress(bytes(10 * MEGABYTE)) * 100
    under.one.behave(reply(200, bomb, ("Content-Encoding", "gzip")))
    before = under.worker.memory
    got = under.send(request(b"GET / HTTP/1.1", b"Accept-Encoding: " + accepted))

    assert got is not None
    assert (got.size, got.header("content-encoding")) == (len(bomb), "gzip")
    assert got.body == bomb[: len(got.body)]
    assert under.worker.memory - before < 100 * MEGABYTE


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_inside_is_the_clients_to_follow(method: str, status: int, under: Siege) -> None:
    """The balancer passes a redirect to a local, link-local or odd address on unfollowed."""
    for location in (
        f"http://{under.elsewhere}/",
        f"//{under.elsewhere}/",
        f"http://[::ffff:127.0.0.1]:{under.canary.port}/",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "data:text/html,x",
        "\xff://",
    ):
        under.one.behave(reply(status, b"", ("Location", location)))
        got = under.send(request(f"{method} / HTTP/1.1", b"Content-Length: 0"))
        assert got is not None
        assert (got.status, got.header("location")) == (status, location)
    assert under.two.requests == []


@pytest.mark.parametrize(
    "field",
    [
        ("Refresh", "0;url=http://{}/"),
        ("Link", "<http://{}/>; rel=preload"),
        ("Alt-Svc", 'h2="{}"'),
        ("Content-Location", "http://{}/"),
        ("X-Accel-Redirect", "http://{}/"),
        ("X-Sendfile", "/etc/passwd"),
        ("CF-Worker", "evil"),
    ],
)
def test_no_header_of_an_answer_leads_elsewhere(field: tuple[str, str], under: Siege) -> None:
    """A header that other proxies act on is passed to the client without any effect."""
    name, value = field[0], field[1].format(under.elsewhere)
    under.one.behave(reply(200, b"ok", (name, value)))
    got = under.send(request())
    assert got is not None
    assert (got.text, got.header(name)) == ("ok", value)


def test_what_an_origin_says_is_in_no_log(under: Siege) -> None:
    """No log line holds an origin's text or the secrets that a failed response repeats."""
    told = "\x1b[31m'\"}{\\u000a" + "".join(SECRETS)
    for status in (500, 503, 530):
        under.one.behave(reply(status, told, ("Set-Cookie", "s=" + SECRETS[0])))
        under.two.behave(reply(status, told, ("X-Error", SECRETS[1])))
        assert under.status(request()) in (status, 200)
    under.one.behave(raw(b"HTTP/1.1 503 " + SECRETS[2].encode() + b"\x1b[0m\r\n" + EMPTY))
    assert under.status(request(host=HELD)) == 503


def test_origins_in_turn(under: Siege, one: Origin, two: Origin) -> None:
    """Each request gets one correct response while the origins fail one after the other."""
    one.behave(raw(OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(b"a") + LAST_CHUNK + b"junk"))
    two.behave(download(MEGABYTE))
    for host in (PLAIN, EAGER):
        got = under.send(request(host=host))
        assert got is not None
        assert got.body == b"a"
    one.stop()
    got = under.send(request())
    assert got is not None
    assert got.digest == digest_of(MEGABYTE)
    one.start()
