"""Who gets in on the admin side, on the real runtime, and what the others get."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest

from support.client import Answer, conversation
from support.origins import Origin
from support.toml import load_balancer, pool
from support.wire import LAST_CHUNK, chunk
from support.workerd import Workerd

TOKEN = "an-admin-token-for-tests-0123456789_abcdef"
READ = "a-read-token-for-tests-0123456789_abcdefgh"
VARIABLES = {"LB_ADMIN_TOKEN": TOKEN, "LB_READ_TOKEN": READ}
STATE = True
LARGEST = 1 << 20
SITE = "http://service.example.com"


def configuration(one: Origin) -> str:
    """A load balancer for any host: whatever is not the admin side's reaches the origin."""
    return "\n".join([pool("p", one), load_balancer("*", "p")])


def bearer(token: str = TOKEN) -> tuple[str, str]:
    """The header of a token."""
    return ("Authorization", f"Bearer {token}")


def result(answer: Answer) -> Any:
    """What is in the envelope of a call that went well."""
    document = json.loads(answer.text)
    assert document["success"] is True
    assert document["errors"] == []
    return document["result"]


def reason(answer: Answer) -> str:
    """Why a call was refused."""
    document = json.loads(answer.text)
    assert document["success"] is False
    assert document["result"] is None
    (error,) = document["errors"]
    return str(error["message"])


def log_in(worker: Workerd, token: str = TOKEN) -> Answer:
    """Begin a session as the page does."""
    body = json.dumps({"token": token}).encode()
    return worker.send(
        "POST",
        "/_lb/session",
        ("Content-Type", "application/json"),
        ("Origin", SITE),
        ("Sec-Fetch-Site", "same-origin"),
        body=body,
    )


def cookie_of(answer: Answer) -> tuple[str, str]:
    """The Cookie header after an answer."""
    (line,) = answer.head.all("set-cookie")
    return ("Cookie", line.partition(";")[0])


def test_the_tokens_open_it(worker: Workerd, one: Origin) -> None:
    """By each of the headers that Cloudflare's API knows; the origin hears nothing of it."""
    said = result(worker.get("/_lb/session", bearer()))
    assert said == {"role": "admin", "author": "admin token", "csrf": ""}
    said = result(worker.get("/_lb/session", ("X-Auth-Key", READ), ("X-Auth-Email", "a@b.test")))
    assert said == {"role": "read", "author": "read token (a@b.test)", "csrf": ""}
    said = result(worker.get("/_lb/session", ("X-Auth-User-Service-Key", TOKEN)))
    assert said["role"] == "admin"
    assert one.requests == []


def test_a_session_begins_with_a_token_and_ends_when_told(worker: Workerd) -> None:
    """The cookie is for the page alone; what it changes needs the CSRF token too."""
    begun = log_in(worker)
    assert (begun.status, begun.text) == (204, "")
    (line,) = begun.head.all("set-cookie")
    assert line.partition("; ")[2] == (
        "Path=/_lb; Max-Age=43200; HttpOnly; SameSite=Strict; Secure"
    )
    mine = cookie_of(begun)
    said = result(worker.get("/_lb/session", mine))
    assert (said["role"], said["author"]) == ("admin", "admin token")
    assert said["csrf"]
    same = (mine, ("Origin", SITE), ("Sec-Fetch-Site", "same-origin"))
    csrf = ("X-CSRF-Token", said["csrf"])
    assert worker.send("POST", "/_lb/nothing", *same, csrf).status == 404
    assert worker.send("POST", "/_lb/nothing", *same).status == 403
    ended = worker.send("DELETE", "/_lb/session", *same, csrf)
    assert ended.status == 204
    assert ended.head.all("set-cookie") == [
        "evenkeel_admin=; Path=/_lb; Max-Age=0; HttpOnly; SameSite=Strict; Secure"
    ]


@pytest.mark.parametrize(("size", "status"), [(LARGEST, 404), (LARGEST + 1, 413)])
@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_body_has_an_end(worker: Workerd, size: int, status: int, framing: str) -> None:
    """Whether its length is told or not."""
    told = (b"Content-Length: %d" % size) if framing == "length" else b"Transfer-Encoding: chunked"
    body = b"x" * size
    with conversation(worker.port) as talk:
        talk.send(
            b"POST /_lb/nothing HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n%s\r\n\r\n"
            % (TOKEN.encode(), told)
        )
        with suppress(OSError):  # who is answered early may not be listened to any more
            talk.send(body if framing == "length" else chunk(body) + LAST_CHUNK)
        assert talk.answer().status == status
