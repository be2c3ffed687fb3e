"""Answers that name their origin: redirects, links and cookies."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from evenkeel.dev.runtime import free_port
from measure.common.servers import find_executable
from support.answers import raw, reply
from support.client import Answer, send
from support.origins import Origin
from support.sockets import websocket
from support.toml import load_balancer, pool
from support.waiting import until
from support.wire import head
from support.workerd import HTTPS, Workerd, workerd

HOST = "service.test"
NGINX = find_executable("nginx")
NGINX_CONFIG = """\
daemon off; master_process off; worker_processes 1; error_log stderr; pid nginx.pid;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp;
  scgi_temp_path tmp;
  server { listen 127.0.0.1:PORT; root FOLDER/site; }
}
"""


def configuration(one: Origin) -> str:
    """Load balancers with the default, with the option off, with sessions, and with a token."""
    token = {"set": {"CF-Access-Client-Id": "id"}}
    removed = {"remove": ["Location", "Set-Cookie"]}
    return "\n".join(
        [
            pool("all", one),
            load_balancer(HOST, "all"),
            load_balancer("off.test", "all", proxy_redirect=False),
            load_balancer("cookie.test", "all", session_affinity="cookie"),
            load_balancer("edited.test", "all", response_headers=removed),
            load_balancer("token.test", "all", proxy_redirect=False, request_headers=token),
        ]
    )


def values(answer: Answer, name: str) -> list[str]:
    """The lines of one header."""
    return [value for key, value in answer.head.fields if key.lower() == name.lower()]


@contextmanager
def nginx(folder: Path) -> Iterator[int]:
    """Run nginx with a site that has the folder /docs/; yield its port."""
    (folder / "site" / "docs").mkdir(parents=True)
    (folder / "site" / "docs" / "index.html").write_text("documents")
    port = free_port()
    text = NGINX_CONFIG.replace("PORT", str(port)).replace("FOLDER", str(folder))
    (folder / "nginx.conf").write_text(text)
    process = subprocess.Popen(
        [str(NGINX), "-e", "stderr", "-p", f"{folder}/", "-c", str(folder / "nginx.conf")]
    )
    try:
        until(lambda: answers(port))
        yield port
    finally:
        process.terminate()
        process.wait()


def answers(port: int) -> bool:
    """Whether a server answers."""
    try:
        return send(port, "GET", "/docs/").status == 200
    except OSError:
        time.sleep(0.02)
        return False


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_a_directory_redirect_of_nginx_stays_on_the_public_host(tmp_path: Path) -> None:
    """Visitors left the balancer for http://service-primary.../docs/, as nginx names itself."""
    # nginx may run as another user, who must be able to enter the folders.
    with nginx(tmp_path) as port:
        here = {"name": "nginx", "address": f"http://127.0.0.1:{port}"}
        config = pool("p", here) + load_balancer("*", "p")
        with workerd(config) as worker:
            answer = worker.get("/docs", HTTPS, host=HOST)
            assert (answer.status, values(answer, "location")) == (301, [f"https://{HOST}/docs/"])
            assert worker.get("/docs/", HTTPS, host=HOST).text == "documents"


@pytest.mark.parametrize("status", [200, 201, 301, 302, 303, 307, 308])
def test_every_header_with_a_url_gets_the_public_name(
    status: int, worker: Workerd, one: Origin
) -> None:
    """Location, Content-Location, Refresh and Link get the scheme and authority of the client."""
    own = f"127.0.0.1:{one.port}"
    one.behave(
        reply(
            status,
            b"",
            ("Location", f"HTTP://{own}/a?next=http://{own}/#b"),
            ("Content-Location", f"//{own}/c"),
            ("Refresh", f"5; url=http://{own}"),
            ("Link", f"<http://{own}/d>; rel=next, <https://else.test/>; rel=last"),
            ("X-Else", f"http://{own}/"),
        )
    )

    answer = worker.get("/", HTTPS, host=f"{HOST}:8443")

    assert answer.status == status
    assert values(answer, "location") == [f"https://{HOST}:8443/a?next=http://{own}/#b"]
    assert values(answer, "content-location") == [f"//{HOST}:8443/c"]
    assert values(answer, "refresh") == [f"5; url=https://{HOST}:8443"]
    assert values(answer, "link") == [
        f"<https://{HOST}:8443/d>; rel=next, <https://else.test/>; rel=last"
    ]
    assert values(answer, "x-else") == [f"http://{own}/"]


def test_the_scheme_is_the_clients(worker: Workerd, one: Origin) -> None:
    """A client of http stays on http."""
    one.behave(reply(302, b"", ("Location", f"https://127.0.0.1:{one.port}/")))

    assert worker.get("/", host=HOST).header("location") == f"http://{HOST}/"


COOKIES = (
    "a=1; Domain={own}; Path=/; HttpOnly",
    "b=2;domain=.{own}",
    "c=3; Domain=test; Expires=Wed, 21 Oct 2099 07:28:00 GMT; Secure",
    "d=caf\u00e9; Path=/, e=f",
    "g=127.0.0.1; SameSite=Lax",
)


def test_a_cookie_of_the_origins_host_becomes_the_clients(worker: Workerd, one: Origin) -> None:
    """Browsers refused it, as its Domain is another host; every other cookie stays as it is."""
    cookies = [each.format(own="127.0.0.1") for each in COOKIES]
    lines = [head("HTTP/1.1 200 OK", ("Content-Length", "0"))[: -len(b"\r\n")]]
    lines += [b"Set-Cookie: " + each.encode("utf-8") + b"\r\n" for each in cookies]
    one.behave(raw(b"".join([*lines, b"\r\n"])))

    answer = worker.get("/", host="cookie.test")

    *passed, session = [value.encode("latin-1") for value in values(answer, "set-cookie")]
    assert passed == [
        b"a=1; Path=/; HttpOnly",
        b"b=2",
        *(each.encode("utf-8") for each in cookies[2:]),
    ]
    assert session.startswith(b"__evenkeel=")


def test_bytes_that_are_not_utf_8_stay(worker: Workerd, one: Origin) -> None:
    """JavaScript reads such bytes as U+FFFD; values with them were written again with that."""
    own = one.url.encode()
    fields = [b"Location: " + own + b"/caf\xe9", b"Set-Cookie: a=1; Domain=127.0.0.1"]
    fields += [b"Set-Cookie: b=caf\xe9"]
    one.behave(raw(b"\r\n".join([b"HTTP/1.1 302 Found", b"Content-Length: 0", *fields, b"", b""])))

    answer = worker.get("/", host=HOST)

    passed = [b": ".join(part.encode("latin-1") for part in each) for each in answer.head.fields]
    assert [each for each in passed if each.startswith((b"Location", b"Set-Cookie"))] == fields


def test_the_option_turns_it_off(worker: Workerd, one: Origin) -> None:
    """With proxy_redirect = false, everything passes as it is."""
    own = f"http://127.0.0.1:{one.port}/"
    one.behave(reply(302, b"", ("Location", own), ("Set-Cookie", "a=1; Domain=127.0.0.1")))

    answer = worker.get("/", host="off.test")

    assert values(answer, "location") == [own]
    assert values(answer, "set-cookie") == ["a=1; Domain=127.0.0.1"]


def test_edits_of_the_operator_come_after_it(worker: Workerd, one: Origin) -> None:
    """A header that response_headers removes does not come back with the public name."""
    one.behave(
        reply(
            302,
            b"",
            ("Location", f"{one.url}/"),
            ("Set-Cookie", "a=1; Domain=127.0.0.1"),
            ("Connection", "keep-alive, X-Hop"),
            ("X-Hop", "1"),
        )
    )

    answer = worker.get("/", host="edited.test")

    assert [answer.header(name) for name in ("location", "set-cookie", "x-hop")] == [None] * 3


@pytest.mark.parametrize("host", [HOST, "off.test"])
def test_headers_that_connection_names_still_go(host: str, worker: Workerd, one: Origin) -> None:
    """Hop-by-hop headers of an origin are removed, whatever other headers the answer has."""
    hop = (("Connection", "X-Hop"), ("X-Hop", "1"))
    for fields in (hop, (*hop, ("Set-Cookie", "a=1"))):
        one.behave(reply(200, b"", *fields))
        assert worker.get("/", host=host).header("x-hop") is None


def test_cookies_of_access_do_not_reach_clients(worker: Workerd, one: Origin) -> None:
    """With a service token, answers brought clients a cookie that opens the origin's hostname."""
    one.behave(
        reply(
            200,
            b"",
            ("Set-Cookie", "CF_Authorization=jwt; Path=/; Secure"),
            ("Set-Cookie", "a=1; Domain=127.0.0.1"),
            ("Set-Cookie", "CF_AppSession=n1; Path=/"),
        )
    )

    assert values(worker.get("/", host="token.test"), "set-cookie") == ["a=1; Domain=127.0.0.1"]
    assert len(values(worker.get("/", host=HOST), "set-cookie")) == 3


def test_a_websocket_is_left_alone(worker: Workerd, one: Origin) -> None:
    """The answer that opens a WebSocket passes as it is."""
    one.behave(websocket())
    handshake = (
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
    )

    assert worker.get("/", *handshake, host=HOST).status == 101
