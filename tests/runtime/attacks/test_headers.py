"""Forged headers, floods of headers, and ambiguous framing."""

from __future__ import annotations

import pytest

from support.client import conversation
from support.siege import EAGER, PLAIN, SESSION, Siege, request
from support.waiting import until

FORGED = [
    b"X-Forwarded-For: 6.6.6.6",
    b"X-Forwarded-For: 7.7.7.7, 8.8.8.8",
    b"x-forwarded-for: 9.9.9.9",
    b"X-Real-IP: 6.6.6.6",
    b"X-Forwarded-Host: evil.test",
    b"X-Forwarded-Proto: gopher",
    b"X-Served-By: evil",
    b"Forwarded: for=6.6.6.6;host=evil.test;proto=https",
    b"X-Origin-Key: guessed",
    b"X-Evenkeel-Via: evil",
]
ELSEWHERE = [
    *(b"X-Forwarded-Host", b"X-Host", b"X-Original-URL", b"X-Rewrite-URL", b"X-Original-Host"),
    *(b"CF-Worker", b"CF-Connecting-O2O", b"CF-Visitor", b"Via", b"Origin", b"Referer", b"Profile"),
    *(b"X-HTTP-Method-Override", b"Destination", b"Location", b"Refresh", b"True-Client-IP"),
]


def test_what_is_forged_is_replaced(under: Siege) -> None:
    """An origin gets the true value of each forged header once, and none of the forged values."""
    address = b"CF-Connecting-IP: 192.0.2.7"
    assert under.status(request(b"GET / HTTP/1.1", *FORGED, address)) == 200

    (got,) = under.one.requests
    expected = {
        "x-forwarded-for": ["192.0.2.7"],
        "x-real-ip": ["192.0.2.7"],
        "x-forwarded-host": [PLAIN],
        "x-served-by": ["one"],
        "x-origin-key": ["the-origin-key-is-secret"],
        "forwarded": [],
    }
    assert {name: got.head.all(name) for name in expected} == expected
    assert got.head.all("x-forwarded-proto") in (["http"], ["gopher"])


def test_nobody_vouches_for_an_address_without_cloudflare(under: Siege) -> None:
    """No address that the client claims is forwarded if Cloudflare sends none."""
    assert under.status(request(b"GET / HTTP/1.1", *FORGED)) == 200
    (got,) = under.one.requests
    assert [got.head.all(name) for name in ("x-forwarded-for", "x-real-ip")] == [[], []]


@pytest.mark.parametrize("name", ELSEWHERE)
def test_no_header_leads_elsewhere(name: bytes, under: Siege) -> None:
    """A header that names another host does not change the origin of a request."""
    url = b": http://" + under.elsewhere.encode() + b"/"
    assert under.status(request(b"GET / HTTP/1.1", name + url)) == 200
    assert [len(each.requests) for each in (under.one, under.two, under.three)] == [1, 0, 0]


@pytest.mark.parametrize(
    "named",
    [
        b"CF-Connecting-IP, CF-IPCountry, X-Origin-Key, X-Forwarded-Proto, X-Forwarded-Host",
        b"close, X-Served-By, X-Evenkeel-Via, Content-Length, Transfer-Encoding, Host",
        b", ".join(b"X-%d" % number for number in range(2000)),
        b"," * 10_000,
        b'\xff\xfe, \xc3\xa9, bad name, (), "x"',
    ],
    ids=range(5),
)
def test_connection_takes_nothing_away(named: bytes, under: Siege) -> None:
    """A Connection header removes no header of Cloudflare or the balancer."""
    sent = (b"CF-Connecting-IP: 192.0.2.7", b"CF-IPCountry: CH", b"Connection: " + named)
    assert under.status(request(b"GET / HTTP/1.1", *sent)) == 200

    (got,) = under.one.requests
    ours = {
        *("cf-connecting-ip", "cf-ipcountry", "x-origin-key", "x-forwarded-proto"),
        *("x-forwarded-host", "x-served-by", "x-evenkeel-via", "x-forwarded-for", "host"),
    }
    assert ours - set(got.head.names) == set()


FLOODS = [
    [b"X-%d: 1" % number for number in range(8000)],
    [b"X-A: 1"] * 8000,
    [b"X-A: " + b"x" * 100_000],
    [b"X-" + b"a" * 60_000 + b": 1"],
    [b"Cookie: " + b"c" * 100_000],
    [b"Cookie: " + b"; ".join(b"c%d=1" % number for number in range(10_000))],
    [b"Cookie: c%d=1" % number for number in range(1000)],
    [b"Cookie: " + b"__evenkeel=" * 9_000],
    [b"Cookie: " + b"; ".join([b"__evenkeel=" + b"0" * 32] * 2000)],
    [b"Cookie: " + b";" * 100_000],
    [b"X-Evenkeel-Via: " + b"0," * 30_000],
    [b"X-Forwarded-For: " + b"1.2.3.4, " * 8_000],
    [b"CF-Connecting-IP: " + b"1" * 50_000],
    [b"Accept-Encoding: " + b"gzip;q=0.1, " * 5_000],
]


@pytest.mark.parametrize("lines", FLOODS, ids=range(len(FLOODS)))
def test_a_flood_passes(lines: list[bytes], under: Siege) -> None:
    """A request with a flood of headers, or with huge headers, still gets its response."""
    secrets = not lines[0].startswith(b"Cookie")
    answer = under.send(request(b"GET / HTTP/1.1", *lines, secrets=secrets))
    assert answer is not None
    assert answer.text == "one"


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: plain.test\r\nX-A: " + b"x" * 2_000_000,
        b"GET / HTTP/1.1\r\nHost: plain.test\r\n" + b"X-A: 1\r\n" * 200_000,
        b"GET /" + b"x" * 2_000_000,
        b"x" * 2_000_000,
        b"\r\n" * 100_000,
        b"\x00" * 100_000,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 100,
        b"",
    ],
    ids=range(8),
)
def test_what_never_ends_is_cut_off(data: bytes, under: Siege) -> None:
    """A head that is endless or malformed is refused and reaches no origin."""
    status = under.status(data, 0.5)
    assert status is None or status >= 400
    assert under.one.requests == []


VALUES = [
    *(b"\xff\xfe\x80", "é€😀".encode(), b"\x80" * 1000, b"'\"><script>", b"\\u0000\\r\\n"),
    *(b"%0d%0aX: y", b"${jndi:ldap://x/}", b"\x1b[31m", b"\t\t", b"", b"{}", b"1e999", b"NaN"),
]
NAMES = [
    *(b"X-Evenkeel-Via", b"CF-Connecting-IP", b"Connection", b"CF-Visitor", b"CF-IPCountry"),
    *(b"X-Forwarded-Host", b"Content-Type", b"Accept", b"Range", b"Origin", b"Cookie"),
    *(b"Sec-WebSocket-Key", b"Expect", b"If-None-Match", b"User-Agent"),
]


@pytest.mark.parametrize("name", NAMES)
def test_any_bytes_in_a_value(name: bytes, under: Siege) -> None:
    """Any bytes in a header value are forwarded, or refused by the runtime with 400."""
    for value in VALUES:
        line = name + b": " + value
        status = under.status(request(b"GET / HTTP/1.1", line, secrets=name != b"Cookie"))
        assert status == (400 if b"\x1b" in value and status != 200 else 200)
    assert under.two.requests == []


SHAPES = [
    # (header lines, body, expected status, body that the origin receives)
    ([b"Content-Length: 6", b"Transfer-Encoding: chunked"], b"0\r\n\r\nG", 200, b""),
    ([b"Transfer-Encoding: chunked", b"Content-Length: 3"], b"3\r\nabc\r\n0\r\n\r\n", 200, b"abc"),
    ([b"Content-Length: 3", b"Content-Length: 5"], b"abcde", 400, None),
    ([b"Content-Length: 3", b"Content-Length: 3"], b"abc", 200, b"abc"),
    ([b"Content-Length: 3, 3"], b"abc", 400, None),
    ([b"Content-Length: +3"], b"abc", 400, None),
    ([b"Content-Length: 0x3"], b"abc", 400, None),
    ([b"Content-Length: -1"], b"abc", 400, None),
    ([b"Content-Length: 3abc"], b"abc", 400, None),
    ([b"Content-Length: "], b"abc", 400, None),
    ([b"Content-Length: 18446744073709551619"], b"abc", 400, None),
    ([b"Content-Length : 3"], b"abc", 400, None),
    ([b"Transfer-Encoding : chunked"], b"3\r\nabc\r\n0\r\n\r\n", 400, None),
    ([b"Transfer-Encoding: xchunked"], b"3\r\nabc\r\n0\r\n\r\n", 400, None),
    ([b"Transfer-Encoding: chunked, identity"], b"3\r\nabc\r\n0\r\n\r\n", 400, None),
    ([b"Transfer-Encoding: identity", b"Content-Length: 3"], b"abc", 400, None),
    ([b"Transfer-Encoding: \x0bchunked"], b"3\r\nabc\r\n0\r\n\r\n", 400, None),
    ([b"Transfer-Encoding:", b" chunked"], b"3\r\nabc\r\n0\r\n\r\n", 400, None),
    ([b"X-A: 1", b"\tfolded: 2"], b"", 400, None),
    ([b"X-A: a\rX-B: b"], b"", 400, None),
    ([b"X-A: a\nContent-Length: 3"], b"abc", 200, b"abc"),  # a bare LF ends a line: RFC 9112 2.2
    ([b"X-A: a\x00b"], b"", 400, None),
    ([b": x"], b"", 400, None),
    ([b"garbage"], b"", 400, None),
    ([b"X A: 1"], b"", 400, None),
    ([b"Transfer-Encoding: chunked"], b"3;a=b;c\r\nabc\r\n0\r\nX-T: 1\r\n\r\n", 200, b"abc"),
]


@pytest.mark.parametrize(("lines", "body", "status", "read"), SHAPES, ids=range(len(SHAPES)))
def test_a_request_is_read_in_one_way(
    lines: list[bytes], body: bytes, status: int, read: bytes | None, under: Siege
) -> None:
    """Ambiguous framing is refused or resolved in one way, and no body byte becomes a request."""
    for host in (PLAIN, EAGER):
        under.reset()
        sent = request(b"POST / HTTP/1.1", *lines, host=host, body=body)
        with conversation(under.worker.port, 3) as talk:
            talk.send(sent + request(b"GET /smuggled HTTP/1.1", b"X-Smuggled: 1"))
            assert talk.answer().status == status
        bodies = [each.body for each in under.one.requests if each.target == "/"]
        assert bodies == ([] if read is None else [read])
        # The request that follows is forwarded whole or not at all; the origin sees no part of it.
        assert {each.target for each in under.one.requests} <= {"/", "/smuggled"}
        framed = [(each.head.length, each.head.chunked) for each in under.one.requests]
        assert all(length is None or not chunked for length, chunked in framed)


@pytest.mark.parametrize(
    "body",
    [
        b"zzz\r\nabc\r\n0\r\n\r\n",
        b"-3\r\nabc\r\n0\r\n\r\n",
        b"ffffffffffffffffff\r\nabc\r\n0\r\n\r\n",
        b"3\nabc\n0\n\n",
        b"3\r\nabcdef\r\n0\r\n\r\n",
        b"3 \x00\r\nabc\r\n0\r\n\r\n",
        b"0" * 100_000 + b"3\r\nabc\r\n0\r\n\r\n",
        b"3;" + b"x" * 1_000_000 + b"\r\nabc\r\n0\r\n\r\n",
    ],
    ids=range(8),
)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_body_in_bad_chunks(method: str, body: bytes, under: Siege) -> None:
    """A body in malformed chunks ends the request without a retry at another origin."""
    sent = request(f"{method} / HTTP/1.1", b"Transfer-Encoding: chunked", host=EAGER, body=body)
    status = under.status(sent, 3)
    assert status is None or status >= 400 or status == 200
    until(lambda: len(under.one.requests) <= 1)
    assert under.two.requests == []


def test_a_body_of_a_get_stays_with_it(under: Siege) -> None:
    """A GET with a body does not disturb the next request on the same connection."""
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: plain.test\r\n\r\n"
    length = b"Content-Length: %d" % len(smuggled)
    with conversation(under.worker.port) as talk:
        talk.send(request(b"GET /1 HTTP/1.1", length, body=smuggled))
        talk.send(request(b"GET /2 HTTP/1.1"))
        assert [talk.answer().text, talk.answer().text] == ["one", "one"]
    assert [each.target for each in under.one.requests] == ["/1", "/2"]


def test_cookies_reach_the_origin_alone(under: Siege) -> None:
    """A session cookie reaches the origin and appears nowhere else."""
    assert under.status(request()) == 200
    assert under.one.requests[0].header("cookie") == f"session={SESSION}"
