"""Variables that configure a balancer of a few origins without a file."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from support.answers import reply
from support.client import Answer
from support.origins import Origin, origins
from support.toml import load_balancer, pool
from support.waiting import until
from support.workerd import HTTPS, Workerd, workerd

DOMAIN = "aiostreams.example.com"
FILE = pool("file", {"name": "file", "address": "https://file.example.com"})
FILE += load_balancer("file.example.com", "file")
IPS = [f"198.51.100.{number}" for number in range(40)]


@contextmanager
def backends(count: int = 2, **more: str) -> Iterator[tuple[Workerd, tuple[Origin, ...]]]:
    """Serve `count` backends from variables: BACKEND_ONE, BACKEND_TWO, ..."""
    with origins(count) as running:
        named = {f"BACKEND_{origin.name.upper()}": origin.url for origin in running}
        with workerd(FILE, {"PRIMARY_DOMAIN": DOMAIN, **named, **more}) as worker:
            yield worker, running


def ask(worker: Workerd, ip: str = IPS[0], *fields: tuple[str, str]) -> Answer:
    """Send a GET for the domain over HTTPS from this address."""
    return worker.get("/", HTTPS, ("CF-Connecting-IP", ip), *fields, host=DOMAIN)


def by_client(worker: Workerd) -> dict[str, str | None]:
    """The origin that serves each of many clients."""
    return {ip: ask(worker, ip).served_by for ip in IPS}


def client_of(worker: Workerd, origin: Origin) -> str:
    """A client address whose requests go to this origin."""
    return next(ip for ip, name in by_client(worker).items() if name == origin.name)


def test_primary_domain() -> None:
    """Only the host PRIMARY_DOMAIN is served, and HTTP is redirected to HTTPS."""
    with backends() as (worker, _):
        assert ask(worker).status == 200
        assert worker.get("/", HTTPS, host="other.example.com").status == 421
        assert worker.get("/", HTTPS, host="file.example.com").status == 421
        redirect = worker.get("/a?b", host=DOMAIN)
        assert (redirect.status, redirect.header("location")) == (301, f"https://{DOMAIN}/a?b")


def test_without_primary_domain() -> None:
    """Without PRIMARY_DOMAIN every host is served."""
    with backends(PRIMARY_DOMAIN="") as (worker, _):
        for host in (DOMAIN, "other.example.com"):
            assert worker.get("/", HTTPS, host=host).status == 200


def test_backends() -> None:
    """All BACKEND_* variables share the clients by address."""
    with backends(4) as (worker, running):
        found = by_client(worker)
        assert Counter(found.values()).keys() == {origin.name for origin in running}
        assert by_client(worker) == found


@pytest.mark.parametrize("value", ["{host}", "http://{host}", "http://{host}/"])
def test_a_backend_is_a_host_or_a_url(value: str) -> None:
    """A backend is a host with a port, or a URL."""
    with origins(1) as (one,):
        variables = {"BACKEND_CF": value.format(host=f"127.0.0.1:{one.port}")}
        with workerd(FILE, variables) as worker:
            assert (ask(worker).text, ask(worker).served_by) == ("one", "cf")


def test_sticky_sessions() -> None:
    """With STICKY_SESSIONS a client stays on its backend when its address changes."""
    with backends(STICKY_SESSIONS="true") as (worker, (one, two)):
        first = ask(worker, client_of(worker, one))
        (cookie,) = first.head.all("set-cookie")
        assert re.fullmatch(
            r"__evenkeel=[0-9a-f]{32}; Path=/; Max-Age=86400; HttpOnly; Secure; SameSite=None",
            cookie,
        )
        pinned = ("Cookie", cookie.partition(";")[0])
        assert {ask(worker, ip, pinned).served_by for ip in IPS} == {"one"}
        assert two.requests


@pytest.mark.parametrize("value", ["false", ""])
def test_no_sticky_sessions(value: str) -> None:
    """Without STICKY_SESSIONS no cookie is set."""
    with backends(STICKY_SESSIONS=value) as (worker, _):
        assert ask(worker).header("set-cookie") is None


def test_session_cookie_name() -> None:
    """SESSION_COOKIE_NAME names the cookie in responses and requests."""
    with backends(STICKY_SESSIONS="true", SESSION_COOKIE_NAME="aio_session") as (worker, (one, _)):
        cookie = ask(worker, client_of(worker, one)).header("set-cookie") or ""
        assert cookie.startswith("aio_session=")
        pinned = ("Cookie", cookie.partition(";")[0])
        assert {ask(worker, ip, pinned).served_by for ip in IPS} == {"one"}


def test_session_cookie_ttl() -> None:
    """SESSION_COOKIE_TTL is the lifetime of the cookie in seconds."""
    with backends(STICKY_SESSIONS="true", SESSION_COOKIE_TTL="3600") as (worker, _):
        assert "Max-Age=3600;" in (ask(worker).header("set-cookie") or "")


def test_backend_down_time() -> None:
    """BACKEND_DOWN_TIME is the ejection time of a backend after a failure, in milliseconds."""
    with backends(BACKEND_DOWN_TIME="1200") as (worker, (one, _)):
        ip = client_of(worker, one)
        one.reset()
        one.behave(reply(500))
        began = time.monotonic()
        assert ask(worker, ip).text == "two"
        one.behave()
        assert ask(worker, ip).text == "two"
        until(lambda: ask(worker, ip).text == "one")
        assert 1.2 <= time.monotonic() - began < 2.4


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_max_retries(retries: int) -> None:
    """MAX_RETRIES limits the retries of a request, each at another backend."""
    with backends(4, MAX_RETRIES=str(retries)) as (worker, running):
        for origin in running:
            origin.behave(reply(500, "broken"))
        answer = ask(worker)

        assert (answer.status, answer.text) == (500, "broken")
        asked = sorted(len(origin.requests) for origin in running)
        assert asked == [0] * (3 - retries) + [1] * (retries + 1)


@pytest.mark.parametrize("status", [500, 501, 503, 530])
def test_any_5xx_is_tried_elsewhere(status: int) -> None:
    """A 5xx response of a backend fails over to another backend."""
    with backends() as (worker, (one, _)):
        ip = client_of(worker, one)
        one.behave(reply(status))
        assert ask(worker, ip).text == "two"


def test_a_backend_that_does_not_answer() -> None:
    """A stopped backend is skipped; if all are stopped, all are retried."""
    with backends() as (worker, (one, two)):
        ip = client_of(worker, one)
        one.stop()
        assert ask(worker, ip).text == "two"
        two.stop()
        assert ask(worker, ip).status == 503
        one.start()
        assert ask(worker, ip).text == "one"


def test_origins() -> None:
    """ORIGINS is a list in failover order that replaces the file, and a notice is logged."""
    with origins(2) as (one, two):
        variables = {"ORIGINS": f"http://127.0.0.1:{one.port}, 127.0.0.1:{two.port}"}
        with workerd(FILE, variables) as worker:
            assert worker.get().text == "one"
            assert worker.get("/", host="file.example.com").text == "one"
            one.stop()
            assert worker.get().text == "two"
            assert [line["message"] for line in worker.events("notice")] == [
                "the variables define the balancer; loadbalancer.toml is not read"
            ]


def test_without_origins_the_file_is_read() -> None:
    """Without origins in the variables the configuration comes from the file."""
    with origins(1) as (one,):
        config = pool("p", one) + load_balancer("*", "p")
        with workerd(config, {"STICKY_SESSIONS": "true", "UNRELATED": "1"}) as worker:
            assert worker.get().text == "one"
            assert worker.get().header("set-cookie") is None
            assert worker.events("notice") == []
