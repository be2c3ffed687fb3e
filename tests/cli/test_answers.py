"""Bad responses become a clear message and an exit code; the token is never printed."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
import respx
import trustme

from evenkeel.live.client.host import Host
from evenkeel.live.client.target import target_of
from evenkeel.live.client.wire import Wire
from evenkeel.output.errors import Exit, Failure
from support.commands import ADMIN, NOW, TOKEN, Scripted, bad, good, run

HTML = {"Content-Type": "text/html; charset=utf-8"}


@pytest.mark.parametrize(
    ("response", "code", "message"),
    [
        (bad(401, "Authentication error"), Exit.NOT_ALLOWED, "Authentication error"),
        (bad(403, "this token may only read"), Exit.NOT_ALLOWED, "this token may only read"),
        (bad(404, "there is no version 9"), Exit.NO, "there is no version 9"),
        (bad(412, "it is at version 4"), Exit.CHANGED, "it is at version 4"),
        (bad(400, "must be text", "/pools/0"), Exit.NO, "must be text @ /pools/0"),
        (bad(500, "a fault"), Exit.UNREACHABLE, "failed with status 500: a fault"),
        (bad(501, "bind LB_STATE"), Exit.UNREACHABLE, "bind LB_STATE"),
        # An origin behind a balancer without an admin side, or another site.
        (httpx.Response(404, text="<h1>404", headers=HTML), Exit.UNREACHABLE, "LB_ADMIN_TOKEN"),
        (
            httpx.Response(200, text="<h1>hi", headers=HTML),
            Exit.UNREACHABLE,
            "is not the admin side",
        ),
        (httpx.Response(200, json={"ok": True}), Exit.UNREACHABLE, "is not the admin side"),
        (httpx.Response(200, json=[1]), Exit.UNREACHABLE, "is not the admin side"),
        (httpx.Response(200, text='{"success": tr'), Exit.UNREACHABLE, "is not the admin side"),
        (httpx.Response(200, text="[" * 100_000), Exit.UNREACHABLE, "is not the admin side"),
        (httpx.Response(204), Exit.UNREACHABLE, "is not the admin side"),
        # A proxy's or Cloudflare's own page.
        (httpx.Response(502, text="<h1>Bad", headers=HTML), Exit.UNREACHABLE, "cannot answer now"),
        (httpx.Response(530, text="1033", headers=HTML), Exit.UNREACHABLE, "cannot answer now"),
        (httpx.Response(403, text="blocked", headers=HTML), Exit.UNREACHABLE, "status 403"),
    ],
)
@respx.mock
def test_every_bad_answer_has_its_exit_code(
    response: httpx.Response, code: Exit, message: str
) -> None:
    """One message goes to the standard error; the standard output stays empty."""
    respx.get(f"{ADMIN}/versions").mock(return_value=response)

    ran = run("versions", "--json")

    assert ran.code == code
    assert message in ran.err
    assert ran.out == ""
    assert TOKEN not in ran.err


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (httpx.ConnectError("[Errno 111] Connection refused"), "reached: connection refused\n"),
        (httpx.ConnectError("[Errno -2] Name or service not known"), "cannot be reached"),
        (httpx.ConnectTimeout("late"), "no answer in 3 s"),
        (httpx.ReadTimeout("late"), "no answer in 3 s"),
        (httpx.RemoteProtocolError("Server disconnected"), "server disconnected"),
        (httpx.ReadError(""), "readerror"),
    ],
)
@respx.mock
def test_no_answer_is_unreachable(error: Exception, message: str) -> None:
    """A connection may be refused, time out or break; a name may be unknown."""
    respx.get(f"{ADMIN}/versions").mock(side_effect=error)

    ran = run("versions", "--timeout=3")

    assert ran.code == Exit.UNREACHABLE
    assert message in ran.err


@respx.mock
def test_a_change_without_an_answer_may_have_been_made() -> None:
    """The message says so, as repeating it is not always right."""
    respx.post(f"{ADMIN}/adopt").mock(side_effect=httpx.ReadTimeout("late"))

    ran = run("adopt", "--yes")

    assert ran.code == Exit.UNREACHABLE
    assert "may still have been made" in ran.err


@respx.mock
def test_a_change_that_went_wrong_may_have_been_made_too() -> None:
    """A response with status 5xx, of the balancer or a proxy, is no proof."""
    route = respx.post(f"{ADMIN}/adopt")

    for response in (bad(503, "no answer in time"), httpx.Response(524, text="a timeout")):
        route.mock(return_value=response)
        assert "may still have been made" in run("adopt", "--yes").err
    for response in (bad(400, "no"), httpx.Response(404, text="not here")):
        route.mock(return_value=response)
        assert "may still have been made" not in run("adopt", "--yes").err


@respx.mock
def test_a_redirect_is_not_followed() -> None:
    """The token would be sent to the other host."""
    respx.get(f"{ADMIN}/versions").mock(
        return_value=httpx.Response(302, headers={"Location": "https://evil.example.com/x"})
    )
    elsewhere = respx.get("https://evil.example.com/x").mock(return_value=good([]))

    ran = run("versions")

    assert ran.code == Exit.UNREACHABLE
    assert "redirects to https://evil.example.com/x" in ran.err
    assert not elsewhere.called


@respx.mock
def test_cloudflare_access_is_recognized() -> None:
    """Its login page becomes a hint about service tokens."""
    login = "https://team.cloudflareaccess.com/cdn-cgi/access/login/lb.example.com?kid=1"
    respx.get(f"{ADMIN}/versions").mock(
        return_value=httpx.Response(302, headers={"Location": login})
    )

    ran = run("versions")

    assert ran.code == Exit.NOT_ALLOWED
    assert "CF_ACCESS_CLIENT_ID" in ran.err


@pytest.mark.parametrize(
    ("after", "slept"),
    [("7", 7.0), ("0", 0.0), ("Wed, 18 Nov 2026 11:06:45 GMT", 5.0), ("soon", 2.0)],
)
@respx.mock
def test_a_read_waits_as_long_as_it_is_asked_to(after: str, slept: float) -> None:
    """Retry-After is a number of seconds or a date; anything else means 2 seconds."""
    respx.get(f"{ADMIN}/versions").mock(
        side_effect=[bad(429, "slow down", headers={"Retry-After": after}), good([])]
    )
    scripted = Scripted()

    ran = run("versions", scripted=scripted)

    assert ran.code == Exit.FINE
    assert scripted.slept == [slept]
    assert "waiting for " in ran.err


@respx.mock
def test_a_read_does_not_wait_for_ever() -> None:
    """There are three tries, and none after more than a minute."""
    route = respx.get(f"{ADMIN}/versions").mock(
        return_value=bad(429, "slow down", headers={"Retry-After": "1"})
    )
    ran = run("versions")

    assert (ran.code, route.call_count) == (Exit.NOT_ALLOWED, 3)
    assert "Try again in 1 s." in ran.err

    route.mock(return_value=bad(429, "slow down", headers={"Retry-After": "3600"}))
    scripted = Scripted()

    assert run("versions", scripted=scripted).code == Exit.NOT_ALLOWED
    assert scripted.slept == []


@respx.mock
def test_a_change_is_sent_once() -> None:
    """A Retry-After does not repeat a change."""
    route = respx.post(f"{ADMIN}/adopt").mock(
        return_value=bad(429, "slow down", headers={"Retry-After": "1"})
    )

    assert run("adopt", "--yes").code == Exit.NOT_ALLOWED
    assert route.call_count == 1


@respx.mock
def test_a_response_does_not_control_the_terminal() -> None:
    """Control characters of a message are replaced."""
    respx.get(f"{ADMIN}/versions").mock(return_value=bad(400, "\x1b[2J\x07red \u202e[bold]text"))

    ran = run("versions")

    assert "\x1b" not in ran.err
    assert "\x07" not in ran.err
    assert "\u202e" not in ran.err
    assert "[bold]text" in ran.err


@pytest.fixture
def dripping() -> Iterator[int]:
    """Serve a response that never ends, a byte at a time; yields the port."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        ended = threading.Event()

        def serve() -> None:
            connection, _ = server.accept()
            with closing(connection):
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                while not ended.wait(0.05):
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(server.getsockname()[1])
        ended.set()
        thread.join()


def test_a_slow_stream_of_bytes_times_out(dripping: int) -> None:
    """The time-out is for the whole response, although each byte comes in time."""
    target = target_of(f"http://127.0.0.1:{dripping}")
    began = time.monotonic()
    with (
        Wire(target, TOKEN, 0.5, Host(environment={}), print) as wire,
        pytest.raises(Failure, match="no answer in"),
    ):
        wire.get("/status")

    assert time.monotonic() - began < 30


def test_an_untrusted_certificate_is_refused() -> None:
    """There is no option to accept it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            connection, _ = server.accept()
            with closing(connection):
                try:
                    context.wrap_socket(connection, server_side=True)
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        ran = run("versions", f"--url=https://localhost:{port}")
        thread.join()

    assert ran.code == Exit.UNREACHABLE
    assert "certificate" in ran.err


def test_the_clock_of_these_tests_has_the_documented_time() -> None:
    """The date of Retry-After above is relative to it."""
    assert time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW)) == "2026-11-18T11:06:40Z"
