"""Authentication and authorization of the admin side, on workerd."""

from __future__ import annotations

import base64
import json
import shutil
from contextlib import suppress
from typing import Any

import pytest

from support.client import Answer, conversation
from support.origins import Origin, origins
from support.toml import load_balancer, pool, value
from support.wire import LAST_CHUNK, chunk
from support.workerd import Workerd, workerd

TOKEN = "an-admin-token-for-tests-0123456789_abcdef"
READ = "a-read-token-for-tests-0123456789_abcdefgh"
VARIABLES = {"LB_ADMIN_TOKEN": TOKEN, "LB_READ_TOKEN": READ}
STATE = True
SAME_PAGE = (("Origin", "http://service.example.com"), ("Sec-Fetch-Site", "same-origin"))
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "TRACE", "LOCK")
PAGE = "https://ops.example.com"
LARGEST = 1 << 20
SITE = "http://service.example.com"


def configuration(one: Origin) -> str:
    """A load balancer for any host; only requests to the admin path do not reach the origin."""
    admin = f"admin = {value({'cors_origins': [PAGE]})}"
    return "\n".join([admin, pool("p", one), load_balancer("*", "p")])


def bearer(token: str = TOKEN) -> tuple[str, str]:
    """The Authorization header of a token."""
    return ("Authorization", f"Bearer {token}")


def result(answer: Answer) -> Any:
    """The result in the envelope of a successful call."""
    document = json.loads(answer.text)
    assert document["success"] is True
    assert document["errors"] == []
    return document["result"]


def reason(answer: Answer) -> str:
    """The message of a refused call."""
    document = json.loads(answer.text)
    assert document["success"] is False
    assert document["result"] is None
    (error,) = document["errors"]
    return str(error["message"])


def log_in(worker: Workerd, token: str = TOKEN) -> Answer:
    """Start a session as the page does."""
    body = json.dumps({"token": token}).encode()
    return worker.send(
        "POST",
        "/_lb/session",
        ("Content-Type", "application/json"),
        ("Origin", SITE),
        ("Sec-Fetch-Site", "same-origin"),
        body=body,
    )


def page_of(worker: Workerd, token: str = TOKEN) -> tuple[tuple[str, str], ...]:
    """All headers that the page sends with a change."""
    mine = cookie_of(log_in(worker, token))
    csrf = result(worker.get("/_lb/session", mine))["csrf"]
    return (mine, *SAME_PAGE, ("X-CSRF-Token", csrf))


def secrets_in(worker: Workerd) -> list[str]:
    """The secrets of these tests that appear in the log."""
    written = worker.written.read_text()
    return [each for each in (TOKEN, READ, "not-the-token") if each in written]


def cookie_of(answer: Answer) -> tuple[str, str]:
    """The Cookie header that follows a response."""
    (line,) = answer.head.all("set-cookie")
    return ("Cookie", line.partition(";")[0])


def test_the_tokens_open_it(worker: Workerd, one: Origin) -> None:
    """Each authentication header of Cloudflare's API is accepted, and no origin gets a request."""
    said = result(worker.get("/_lb/session", bearer()))
    assert said == {"role": "admin", "author": "admin token", "csrf": ""}
    said = result(worker.get("/_lb/session", ("X-Auth-Key", READ), ("X-Auth-Email", "a@b.test")))
    assert said == {"role": "read", "author": "read token (a@b.test)", "csrf": ""}
    said = result(worker.get("/_lb/session", ("X-Auth-User-Service-Key", TOKEN)))
    assert said["role"] == "admin"
    assert one.requests == []


def test_a_session_begins_with_a_token_and_ends_when_told(worker: Workerd) -> None:
    """A session starts with a token, needs the CSRF token for changes, and ends on DELETE."""
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
    same = (mine, *SAME_PAGE)
    csrf = ("X-CSRF-Token", said["csrf"])
    assert worker.send("POST", "/_lb/nothing", *same, csrf).status == 404
    assert worker.send("POST", "/_lb/nothing", *same).status == 403
    ended = worker.send("DELETE", "/_lb/session", *same, csrf)
    assert ended.status == 204
    assert ended.head.all("set-cookie") == [
        "evenkeel_admin=; Path=/_lb; Max-Age=0; HttpOnly; SameSite=Strict; Secure"
    ]
    # A copy of the cookie is invalid after that; other sessions stay valid.
    assert worker.get("/_lb/session", mine).status == 401
    assert worker.get("/_lb/versions", mine).status == 401
    assert worker.send("POST", "/_lb/nothing", *same, csrf).status == 401
    assert worker.get("/_lb/versions", cookie_of(log_in(worker))).status == 200


@pytest.mark.parametrize(("size", "status"), [(LARGEST, 404), (LARGEST + 1, 413)])
@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_body_has_an_end(worker: Workerd, size: int, status: int, framing: str) -> None:
    """A body over the limit gets 413, with and without a Content-Length."""
    told = (b"Content-Length: %d" % size) if framing == "length" else b"Transfer-Encoding: chunked"
    body = b"x" * size
    with conversation(worker.port) as talk:
        talk.send(
            b"POST /_lb/nothing HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n%s\r\n\r\n"
            % (TOKEN.encode(), told)
        )
        with suppress(OSError):  # after an early response the connection may be closed
            talk.send(body if framing == "length" else chunk(body) + LAST_CHUNK)
        assert talk.answer().status == status


def test_a_body_that_hangs_is_given_up(worker: Workerd) -> None:
    """A body that does not arrive within 10 s gets 408 and blocks no other client."""
    with conversation(worker.port, 60) as talk:
        talk.send(
            b"POST /_lb/nothing HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\n"
            b"Content-Length: 100\r\n\r\nabc" % TOKEN.encode()
        )
        assert worker.get("/").text == "one"
        assert worker.get("/_lb/session", bearer()).status == 200
        answer = talk.answer()
        assert (answer.status, reason(answer)) == (408, "the body was not there within 10 s")


@pytest.mark.parametrize(
    ("body", "fields", "status"),
    [
        (b"\xff\xfe", (), 400),
        (b"{}", (("Content-Encoding", "gzip"),), 415),
        (b"\x00", (), 404),
        ("\u00e4\U0001f600".encode(), (), 404),
    ],
)
def test_a_body_is_plain_utf_8(
    worker: Workerd, body: bytes, fields: tuple[tuple[str, str], ...], status: int
) -> None:
    """A body must be uncompressed UTF-8."""
    assert worker.send("POST", "/_lb/nothing", bearer(), *fields, body=body).status == status


def test_who_sends_no_token_sends_no_body_either(worker: Workerd) -> None:
    """A request without a token gets 401 before its body is read."""
    with conversation(worker.port) as talk:
        talk.send(b"PUT /_lb/apply HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
        assert talk.answer().status == 401
    assert worker.get("/").text == "one"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "target", ["/_lb", "/_lb/", "/_lb/status", "/_lb/client/v4/x?a=/b", "/_lb//"]
)
def test_no_method_reaches_an_origin(
    worker: Workerd, one: Origin, method: str, target: str
) -> None:
    """No method, host or target under the admin path reaches an origin or may be cached."""
    for host in ("service.example.com", "[::1]", "unknown.test:8443"):
        answer = worker.send(method, target, host=host)
        assert answer.status in {401, 404, 405} or (answer.status == 200 and target in SHELL)
        assert answer.header("cache-control") == "no-store"
        assert answer.header("x-content-type-options") == "nosniff"
        assert answer.header("x-frame-options") == "DENY"
        assert answer.header("referrer-policy") == "no-referrer"
        assert "default-src 'none'" in (answer.header("content-security-policy") or "")
        assert answer.header("access-control-allow-origin") is None
        assert answer.header("x-served-by") is None
        assert answer.head.all("set-cookie") == []
    assert one.requests == []
    assert one.probes == []


SHELL = ("/_lb", "/_lb/")
"""Targets that are public: a page without data."""


def test_a_websocket_is_not_opened(worker: Workerd, one: Origin) -> None:
    """A WebSocket handshake to the admin path is refused with and without a token."""
    upgrade = (
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    )
    assert worker.get("/_lb/status", *upgrade).status == 401
    assert worker.get("/_lb/nothing", *upgrade, bearer()).status == 404
    assert one.requests == []


@pytest.mark.parametrize(
    "fields",
    [
        (bearer("not-the-token"),),
        (bearer(TOKEN + "x"),),
        (bearer(TOKEN[:-1]),),
        (bearer(""),),
        (bearer(), bearer("not-the-token")),
        (bearer("not-the-token"), bearer()),
        (bearer("not-the-token"), ("X-Auth-Key", TOKEN)),
        (("X-Auth-Key", "not-the-token"), ("X-Auth-User-Service-Key", TOKEN)),
        (("Authorization", TOKEN),),
        (("Cookie", f"evenkeel_admin={TOKEN}"),),
        (("X-Forwarded-User", "admin"), ("X-Original-URL", "/"), ("X-Rewrite-URL", "/")),
        (("Cf-Access-Jwt-Assertion", "a.b.c"), ("Cf-Access-Authenticated-User-Email", "a@b.test")),
    ],
)
def test_what_is_not_a_token_opens_nothing(
    worker: Workerd, fields: tuple[tuple[str, str], ...]
) -> None:
    """A wrong token is refused, even beside a valid one."""
    for target in ("/_lb/status", "/_lb/session", f"/_lb/status?token={TOKEN}"):
        answer = worker.get(target, *fields)
        assert (answer.status, answer.header("www-authenticate")) in {
            (401, 'Bearer realm="evenkeel"'),
            (429, None),
        }
    assert secrets_in(worker) == []


def test_a_flood_of_guesses_is_slowed_and_does_not_keep_the_operator_out(worker: Workerd) -> None:
    """Wrong tokens are rate-limited by address prefix in few log lines; the right one works."""
    guesser, neighbour = (
        ("CF-Connecting-IP", "2001:db8:7::1"),
        ("CF-Connecting-IP", "2001:db8:7::2"),
    )
    statuses = [
        worker.get("/_lb/status", bearer("not-the-token"), guesser).status for _ in range(30)
    ]
    assert statuses == [401] * 5 + [429] * 25
    slowed = worker.get("/_lb/status", bearer("not-the-token"), neighbour)
    assert slowed.status == 429
    assert 1 <= int(slowed.header("retry-after") or 0) <= 10
    begun = worker.send(
        "POST",
        "/_lb/session",
        guesser,
        ("Content-Type", "application/json"),
        body=b'{"token": "not-the-token"}',
    )
    assert begun.status == 429
    other = ("CF-Connecting-IP", "2001:db8:7:1::1")
    assert worker.get("/_lb/status", bearer("not-the-token"), other).status == 401
    assert worker.get("/_lb/session", bearer(), guesser).status == 200
    assert worker.get("/", guesser).text == "one"
    told = worker.events("admin_denied", client="2001:db8:7::/48")
    assert [(each["cause"], each["failures"]) for each in told[:1]] == [("wrong token", 1)]
    assert len(told) <= 2
    assert secrets_in(worker) == []


def test_a_cookie_that_is_not_quite_ours_opens_nothing(worker: Workerd) -> None:
    """A session cookie that is forged, damaged or renamed is refused."""
    _, mine = cookie_of(log_in(worker, READ))
    name, _, signed = mine.partition("=")
    text, _, mac = signed.partition(".")
    said = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    assert said[0] == "read"
    assert TOKEN not in str(said)
    assert READ not in str(said)
    better = [
        ["admin", *said[1:]],
        [*said[:2], said[2] + 10**6, said[3]],
    ]
    forged = [
        base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode() + f".{mac}"
        for each in better
    ]
    for other in (*forged, signed + "A", signed[1:], f"{text}.", f".{mac}", text, "", "\xff"):
        assert worker.get("/_lb/session", ("Cookie", f"{name}={other}")).status == 401
    assert worker.get("/_lb/session", ("Cookie", f"X{mine}")).status == 401
    assert result(worker.get("/_lb/session", ("Cookie", f"a=b;{mine}")))["role"] == "read"


def test_a_change_from_another_page_is_refused(worker: Workerd) -> None:
    """A change with a session cookie is refused without a same-origin page and its CSRF token."""
    mine, origin, site, csrf = page_of(worker)
    other = page_of(worker)[3]
    for fields in (
        (mine, origin, site),
        (mine, origin, site, other),
        (mine, csrf),
        (mine, origin, ("Sec-Fetch-Site", "cross-site"), csrf),
        (mine, origin, ("Sec-Fetch-Site", "same-site"), csrf),
        (mine, ("Origin", "https://evil.test"), site, csrf),
        (mine, ("Origin", PAGE), csrf),
        (mine, ("Origin", "null"), csrf),
        (mine, origin, ("Origin", "https://evil.test"), site, csrf),
    ):
        client = ("CF-Connecting-IP", f"192.0.2.{len(str(fields)) % 250}")
        assert worker.send("POST", "/_lb/nothing", client, *fields).status in {403, 429}
    assert worker.send("POST", "/_lb/nothing", mine, origin, site, csrf).status == 404
    reader = page_of(worker, READ)
    assert worker.send("POST", "/_lb/nothing", *reader).status == 403
    assert worker.send("POST", "/_lb/nothing", bearer(READ)).status == 403


def test_another_site_cannot_log_anybody_in(worker: Workerd) -> None:
    """A cross-site request or a form cannot start a session."""
    body = json.dumps({"token": TOKEN}).encode()
    for fields in (
        (("Content-Type", "application/json"), ("Origin", "https://evil.test")),
        (("Content-Type", "application/json"), ("Sec-Fetch-Site", "cross-site")),
        (("Content-Type", "application/json"), ("Origin", PAGE)),
        (("Content-Type", "text/plain"),),
        (),
    ):
        answer = worker.send("POST", "/_lb/session", *fields, body=body)
        assert answer.status in {403, 415}
        assert answer.head.all("set-cookie") == []
    large = worker.send("POST", "/_lb/session", body=b" " * 5000)
    assert large.status == 413


def test_a_page_elsewhere_may_ask_if_it_is_configured(worker: Workerd) -> None:
    """A configured origin may send cross-origin requests; others get no CORS header."""
    asked = ("Access-Control-Request-Method", "PUT")
    allowed = worker.send("OPTIONS", "/_lb/apply", ("Origin", PAGE), asked)
    assert (allowed.status, allowed.header("access-control-allow-origin")) == (204, PAGE)
    assert "Authorization" in (allowed.header("access-control-allow-headers") or "")
    assert allowed.header("access-control-allow-credentials") is None
    read = worker.get("/_lb/session", ("Origin", PAGE), bearer())
    assert (read.status, read.header("access-control-allow-origin")) == (200, PAGE)
    failed = worker.get("/_lb/status", ("Origin", PAGE))
    assert (failed.status, failed.header("access-control-allow-origin")) == (401, PAGE)
    for origin in ("https://evil.test", PAGE + ".evil.test", "null", "*", f"{PAGE}, {PAGE}"):
        refused = worker.send("OPTIONS", "/_lb/apply", ("Origin", origin), asked)
        assert refused.status == 405
        found = worker.get("/_lb/session", ("Origin", origin), bearer())
        for answer in (refused, found):
            assert [
                name for name, _ in answer.head.fields if "access-control" in name.lower()
            ] == []
            assert "Origin" in (answer.header("vary") or "")


def test_every_change_is_in_the_log_with_its_author(worker: Workerd) -> None:
    """The log holds each change with its author, no secret and no injected field."""
    worker.send(
        "POST",
        "/_lb/nothing%0a/%22?q=secret-query",
        bearer(),
        ("X-Auth-Email", 'ann@example.com","event":"x'),
        ("CF-Connecting-IP", "203.0.113.77"),
        body=b"secret-body",
    )
    page = page_of(worker)
    worker.send("DELETE", "/_lb/nothing", *page)
    worker.get("/_lb/status", bearer())
    first, begun, last = worker.events("admin_change")
    assert {
        name: first[name] for name in ("author", "means", "method", "path", "status", "client")
    } == {
        "author": "admin token (ann@example.comevent:x)",
        "means": "token",
        "method": "POST",
        "path": "/nothing%0a/%22",
        "status": 404,
        "client": "203.0.113.0/24",
    }
    assert (begun["path"], begun["status"]) == ("/session", 204)
    assert (last["means"], last["method"], last["status"]) == ("session", "DELETE", 404)
    written = worker.written.read_text()
    for secret in (
        TOKEN,
        READ,
        page[0][1].partition("=")[2],
        page[3][1],
        "secret-body",
        "secret-query",
    ):
        assert secret not in written
    assert "203.0.113.77" not in written
    assert worker.events("error") == []


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"LB_ADMIN_TOKEN": "hush" * 7}, "LB_ADMIN_TOKEN has fewer than 32 characters"),
        ({"LB_ADMIN_TOKEN": TOKEN, "LB_READ_TOKEN": TOKEN}, "is the same as LB_ADMIN_TOKEN"),
        ({"LB_ADMIN_TOKEN": TOKEN, "LB_READ_TOKEN": "hush"}, "LB_READ_TOKEN has fewer than 32"),
    ],
)
def test_a_bad_token_closes_the_admin_side(variables: dict[str, str], problem: str) -> None:
    """Invalid tokens close the admin side with 503, without forwarding requests to an origin."""
    with origins(1) as (one,), workerd(configuration(one), variables, state=True) as worker:
        for each in {*variables.values(), READ}:
            answer = worker.get("/_lb/session", bearer(each))
            assert answer.status == 503
            assert "closed until its tokens are mended" in reason(answer)
        assert one.requests == []
        assert worker.get("/").text == "one"
        (told,) = worker.events("error")
        assert problem in told["message"]
        assert [each for each in variables.values() if each in worker.written.read_text()] == []


def test_without_a_token_there_is_no_admin_path_and_without_an_object_nothing_to_ask() -> None:
    """Without a token the admin path reaches the origin; without a Durable Object it gets 501."""
    with origins(1) as (one,), workerd(configuration(one), {}, state=True) as worker:
        assert worker.get("/_lb/status", bearer()).text == "one"
        assert one.requests[0].target == "/_lb/status"
    with origins(1) as (one,), workerd(configuration(one), VARIABLES) as worker:
        answer = worker.get("/_lb/status", bearer())
        assert answer.status == 501
        assert "bind LB_STATE" in reason(answer)
        assert result(worker.get("/_lb/session", bearer()))["role"] == "admin"
        assert one.requests == []


BAD = """
admin = { path = "/ops", cors_origins = ["*"] }
[[pools]]
name = "p"
origins = []
"""


def test_a_bad_configuration_leaves_the_admin_side_where_it_is() -> None:
    """With an invalid configuration the admin side stays available at its configured path."""
    with workerd(BAD, VARIABLES, state=True) as worker:
        assert worker.get("/").status == 500
        assert result(worker.get("/ops/session", bearer()))["role"] == "admin"
        assert worker.get("/ops/nothing", bearer()).status == 404
        assert worker.get("/ops/session").status == 401
        assert worker.get("/_lb/session", bearer()).status == 500


def test_an_object_that_cannot_be_reached_is_said_so() -> None:
    """An unreachable Durable Object gets 503 on the admin side; traffic is still served."""
    with origins(1) as (one,), workerd(configuration(one), VARIABLES, state=True) as worker:
        shutil.rmtree(worker.written.parent / "disk")
        answer = worker.send("POST", "/_lb/apply", bearer(), body=b"{}")
        assert answer.status == 503
        assert "the Durable Object does not answer" in reason(answer)
        assert answer.header("retry-after") == "5"
        assert worker.get("/").text == "one"
