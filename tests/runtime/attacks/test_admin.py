"""Attacks on the admin side by strangers and by a misbehaving client that has a token."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack

import pytest

from support.client import conversation
from support.siege import ADMIN_TOKEN, PLAIN, Siege, request

AUTHORIZED = b"Authorization: Bearer " + ADMIN_TOKEN.encode()
JSON = b"Content-Type: application/json"


def admin(line: bytes, *lines: bytes, body: bytes = b"") -> bytes:
    """An admin request with the token."""
    return request(line, AUTHORIZED, *lines, body=body, secrets=False)


def test_it_is_open_to_the_token(under: Siege) -> None:
    """The admin token opens a session, so a refusal in the tests below is no accident."""
    answer = under.send(admin(b"GET /_lb/session HTTP/1.1"))
    assert answer is not None
    assert json.loads(answer.text)["result"]["role"] == "admin"


@pytest.mark.parametrize("path", [b"/_lb/session", b"/_lb/apply", b"/_lb/client/v4/accounts/a"])
@pytest.mark.parametrize("token", [True, False])
def test_uploads_that_never_end_hold_nobody_up(path: bytes, token: bool, under: Siege) -> None:
    """Thirty unfinished uploads at once block neither traffic nor other admin requests."""
    line = (b"POST " + path + b" HTTP/1.1", JSON, b"Content-Length: 100")
    data = admin(*line) if token else request(*line, secrets=False)
    with ExitStack() as stack:
        for _ in range(30):
            talk = stack.enter_context(conversation(under.worker.port, 30))
            talk.send(data + b'{"token": "')
        assert under.worker.get("/", host=PLAIN).text == "one"
        assert under.status(admin(b"GET /_lb/session HTTP/1.1")) == 200


def test_a_body_in_single_bytes_is_read_as_one(under: Siege) -> None:
    """A body that arrives byte by byte is read as one body."""
    body = json.dumps({"token": ADMIN_TOKEN}).encode()
    with conversation(under.worker.port, 30) as talk:
        talk.send(
            request(
                b"POST /_lb/session HTTP/1.1", JSON, b"Transfer-Encoding: chunked", secrets=False
            )
        )
        for byte in body:
            talk.send(b"1\r\n%c\r\n" % byte)
            time.sleep(0.002)
        talk.send(b"0\r\n\r\n")
        assert talk.answer().status == 204


@pytest.mark.parametrize(
    "lines",
    [
        (b"Content-Length: 5", b"Transfer-Encoding: chunked"),
        (b"Content-Length: 5", b"Content-Length: 6"),
        (b"Content-Length: -1",),
        (b"Content-Length: 99999999999999999999",),
        (b"Transfer-Encoding: xchunked",),
    ],
)
def test_ambiguous_framing_changes_nothing(lines: tuple[bytes, ...], under: Siege) -> None:
    """Ambiguous framing is refused, and a request hidden in the body is not executed."""
    inner = admin(b"POST /_lb/apply HTTP/1.1")
    data = request(b"POST /_lb/session HTTP/1.1", *lines, body=b"0\r\n\r\n" + inner, secrets=False)
    assert under.status(data, 3) not in {200, 204, 500}
    assert under.worker.events("admin_change") == []


def test_a_body_of_brackets_is_refused_at_once(under: Siege) -> None:
    """A malformed login body without a valid token is refused with 400 or 429."""
    for body in (b"[" * 4096, b'{"token":' * 400, b'"' * 4096, b"1" * 4096):
        length = b"Content-Length: %d" % len(body)
        data = request(b"POST /_lb/session HTTP/1.1", JSON, length, body=body, secrets=False)
        assert under.status(data) in {400, 429}


def test_a_thousand_guesses_are_a_few_lines_of_the_log(under: Siege) -> None:
    """A thousand wrong tokens write at most 30 log lines, and the right token still works."""
    for number in range(1000):
        wrong = b"Authorization: Bearer guess-%d" % number
        client = b"CF-Connecting-IP: 198.51.100.%d" % (number % 100)
        status = under.status(request(b"GET /_lb/status HTTP/1.1", wrong, client, secrets=False))
        assert status in {401, 429}
    assert (
        under.status(admin(b"GET /_lb/session HTTP/1.1", b"CF-Connecting-IP: 198.51.100.1")) == 200
    )
    assert len(under.worker.events("admin_denied")) <= 30
