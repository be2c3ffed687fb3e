"""Each type of monitor on workerd, with the cause of each failure."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lb.probing.causes import BARRIER_CAUSES, EDGE_CAUSES
from lb.request.edge_answers import Barrier
from support.answers import after, events, garbage, hang, raw, reply, reset, start
from support.exchange import Behaviour
from support.listener import HOST, listener
from support.origins import Origin, origins
from support.toml import load_balancer, monitor, pool
from support.waiting import until
from support.workerd import Workerd, workerd

TIMEOUT = 0.4
SMTP = (b"220-mail\r\n220 ready\r\n", b"250 mail\r\n", b"221 bye\r\n")
EDGE = (("Server", "cloudflare"), ("CF-Ray", "8f0000000000-FRA"))
LOGIN = "/cdn-cgi/access/login/app.example.com?kid=1"

Found = dict[str, tuple[str, str]]


def asked(monitors: dict[str, dict[str, Any]], *known: Origin) -> Found:
    """Probe an origin with each monitor; return the health and the cause of each."""
    origin = known[0]
    parts = []
    for name, fields in monitors.items():
        given = {"interval": 60, "timeout": TIMEOUT, "path": f"/{name}", **fields}
        parts += [monitor(name, **given), pool(name, origin, monitor=name)]
    with workerd("\n".join([*parts, load_balancer("*", *monitors)])) as worker:
        worker.get()
        until(lambda: len(worker.events("health_changed")) == len(monitors))
        lines = worker.events("health_changed")
        assert worker.events("error") == []
    return {line["pool"]: (line["after"], line["cause"]) for line in lines}


@contextmanager
def nobody() -> Iterator[int]:
    """A port without a listener."""
    with socket.socket() as held:
        held.bind((HOST, 0))
        yield held.getsockname()[1]


@contextmanager
def unanswered() -> Iterator[int]:
    """A port whose full queue leaves connections unanswered."""
    with socket.socket() as full:
        full.bind((HOST, 0))
        full.listen(0)
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.settimeout(0)
            one.connect_ex(full.getsockname())
            waiting.append(one)
        try:
            yield full.getsockname()[1]
        finally:
            for one in waiting:
                one.close()


def test_connections() -> None:
    """A tcp monitor needs a connection, smtp a conversation, and each failure has its cause."""
    with (
        origins(1) as (one,),
        listener() as silent,
        listener(*SMTP) as mail,
        listener(b"554 no\r\n") as refusing,
        listener(b"SSH-2.0-x\r\n") as other,
        listener(b"220 ready\r\n") as stuck,
        nobody() as dead,
        unanswered() as full,
    ):
        found = asked(
            {
                "tcp": {"type": "tcp", "port": silent.port},
                "tcp-dead": {"type": "tcp", "port": dead},
                "tcp-slow": {"type": "tcp", "port": full},
                "smtp": {"type": "smtp", "port": mail.port},
                "smtp-silent": {"type": "smtp", "port": silent.port},
                "smtp-554": {"type": "smtp", "port": refusing.port},
                "smtp-other": {"type": "smtp", "port": other.port},
                "smtp-stuck": {"type": "smtp", "port": stuck.port},
                "smtp-dead": {"type": "smtp", "port": dead},
            },
            one,
        )
        until(lambda: silent.closed == 2 and stuck.closed == 1 and other.closed == 1)

    assert found == {
        "tcp": ("healthy", "No failures"),
        "tcp-dead": ("unhealthy", "TCP connection failed"),
        "tcp-slow": ("unhealthy", "TCP Timeout"),
        "smtp": ("healthy", "No failures"),
        "smtp-silent": ("unhealthy", "TCP Timeout"),
        "smtp-554": ("unhealthy", "Response code mismatch"),
        "smtp-other": ("unhealthy", "Response body mismatch"),
        "smtp-stuck": ("unhealthy", "TCP Timeout"),
        "smtp-dead": ("unhealthy", "TCP connection failed"),
    }
    assert silent.heard == [b"", b""]
    assert mail.heard == [b"HELO evenkeel.invalid\r\nQUIT\r\n"]
    assert stuck.heard == [b"HELO evenkeel.invalid\r\n"]


def test_a_connection_that_timed_out_is_tried_again_at_once() -> None:
    """A tcp or smtp probe is repeated `retries` times after a time-out and no other failure."""
    with origins(1) as (one,), listener() as silent, listener(b"554 no\r\n") as refusing:
        asked(
            {
                "silent": {"type": "smtp", "port": silent.port, "retries": 2},
                "refusing": {"type": "smtp", "port": refusing.port, "retries": 2},
            },
            one,
        )
        until(lambda: silent.closed == 3)

    assert len(refusing.heard) == 1


CUT = raw(start(200, ("Content-Length", "100")), b"alive?")

CAUSES: dict[str, tuple[Behaviour, str]] = {
    "hang": (hang(), "HTTP timeout occurred"),
    "slow": (after(2 * TIMEOUT, reply(200)), "HTTP timeout occurred"),
    "slow-body": (events(*"abcdefgh", gap=TIMEOUT / 4), "HTTP timeout occurred"),
    "stuck-body": (raw(start(200, ("Content-Length", "9")), 5.0), "HTTP timeout occurred"),
    "reset": (reset(), "TCP connection failed"),
    "garbage": (garbage(), "TCP connection failed"),
    "cut": (CUT, "Connection Reset by Peer"),
    "status": (reply(503), "Response code mismatch"),
    "text": (reply(200, "dead"), "Response body mismatch"),
    "edge-521": (reply(521, "", *EDGE), "TCP connection failed"),
    "edge-526": (reply(526, "", *EDGE), "TLS untrusted certificate"),
    "edge-530": (
        reply(530, "error code: 1033", *EDGE),
        "No route to host (1033: the tunnel is down)",
    ),
    "edge-502": (reply(502, "error code: 502", *EDGE), EDGE_CAUSES[502]),
    "edge-503": (reply(503, "", *EDGE), EDGE_CAUSES[503]),
    "edge-504": (reply(504, "", *EDGE), EDGE_CAUSES[504]),
    "edge-403": (reply(403, "no", *EDGE), EDGE_CAUSES[403]),
    "edge-challenge": (
        reply(403, "", *EDGE, ("cf-mitigated", "challenge")),
        BARRIER_CAUSES[Barrier.CHALLENGE],
    ),
    "edge-access": (reply(302, "", *EDGE, ("Location", LOGIN)), BARRIER_CAUSES[Barrier.ACCESS]),
    "origin-530": (reply(530, ""), "Response code mismatch"),
    "origin-502": (reply(502, "", *EDGE, ("CF-Cache-Status", "DYNAMIC")), "Response code mismatch"),
}


def test_causes() -> None:
    """Each failed HTTP probe has the cause that Cloudflare names."""
    with origins(1) as (one,):
        for name, (behaviour, _) in CAUSES.items():
            one.behave(behaviour, path=f"/{name}")
        found = asked({name: {"expected_body": "alive!"} for name in CAUSES}, one)

    assert found == {name: ("unhealthy", cause) for name, (_, cause) in CAUSES.items()}


def test_a_stopped_origin_and_a_name_that_nobody_has() -> None:
    """A refused connection has a cause of its own; an unknown name is "Other failure"."""
    with origins(1) as (one,), nobody() as dead:
        found = asked({"dead": {"port": dead}}, one)
        place = {"name": "nowhere", "address": "http://nowhere.invalid"}
        config = monitor("m", timeout=TIMEOUT) + pool("p", place, monitor="m")
        with workerd(config + load_balancer("*", "p")) as worker:
            worker.get()
            (line,) = until(lambda: worker.events("health_changed"))

    assert found == {"dead": ("unhealthy", "TCP connection failed")}
    assert line["cause"] == "Other failure"


def to(location: str, status: int = 302) -> Behaviour:
    """A redirect to this location."""
    return reply(status, b"", ("Location", location))


def test_redirects() -> None:
    """A probe follows up to five redirects if configured, to other hosts too, only over HTTP."""
    with origins(2) as (one, two):
        one.behave(reply(200, "here"), path="/ok")
        one.behave(to(f"{two.url}/elsewhere"), path="/off")
        one.behave(to(f"{two.url}/elsewhere"), path="/on")
        one.behave(to("/again"), path="/again")
        one.behave(to("ftp://example.com/"), path="/ftp")
        one.behave(to("/ok", 307), path="/hop")
        for number in range(2, 7):
            one.behave(to(f"/hop{number - 1}"), path=f"/hop{number}")
        one.behave(to("/ok"), path="/hop1")
        on = {"follow_redirects": True, "header": {"Authorization": ["secret"]}}
        found = asked(
            {
                "off": {"expected_codes": "302"},
                "on": on,
                "again": on,
                "ftp": on,
                "hop": {**on, "expected_body": "here"},
                "hop5": on,
                "hop6": on,
            },
            one,
        )

    assert found == {
        "off": ("healthy", "No failures"),
        "on": ("healthy", "No failures"),
        "again": ("unhealthy", "Response code mismatch"),
        "ftp": ("unhealthy", "HTTP Invalid Response"),
        "hop": ("healthy", "No failures"),
        "hop5": ("healthy", "No failures"),
        "hop6": ("unhealthy", "Response code mismatch"),
    }
    (elsewhere,) = two.requests
    assert elsewhere.target == "/elsewhere"
    assert elsewhere.header("authorization") is None
    assert {probe.header("authorization") for probe in one.requests if "hop" in probe.target} == {
        "secret"
    }
    assert len([probe for probe in one.requests if probe.target == "/again"]) == 6


def test_a_redirect_to_access_is_not_followed_to_its_log_in_page() -> None:
    """The log-in page answered with 200, and an origin that nobody reaches was healthy by it."""
    with origins(1) as (one,):
        one.behave(reply(302, b"", *EDGE, ("Location", LOGIN)), path="/m")
        found = asked({"m": {"follow_redirects": True, "expected_codes": "2xx"}}, one)
        assert [probe.path for probe in one.requests if probe.path != "/"] == ["/m"]

    assert found == {"m": ("unhealthy", BARRIER_CAUSES[Barrier.ACCESS])}


def test_an_expected_answer_of_unknown_writer_is_healthy() -> None:
    """A missing CF-Cache-Status alone fails nobody, nor does one that names the origin."""
    with origins(1) as (one,):
        one.behave(reply(200, "", *EDGE), path="/none")
        one.behave(reply(200, "", *EDGE, ("CF-Cache-Status", "BYPASS")), path="/bypass")
        found = asked({"none": {}, "bypass": {}}, one)

    assert found == dict.fromkeys(("none", "bypass"), ("healthy", "No failures"))


def test_a_probe_asks_past_caches_with_its_own_headers() -> None:
    """Caches on the way must not answer; a monitor's own Cache-Control stays as it is."""
    with origins(1) as (one,):
        one.behave(reply(307, b"", ("Location", "/there")), path="/hop")
        own = {"Cache-Control": ["max-age=0"], "X-Key": ["1", "2"]}
        found = asked(
            {
                "plain": {"header": {"X-Key": ["1"]}},
                "own": {"header": own},
                "hop": {"follow_redirects": True},
            },
            one,
        )
        sent = {probe.path: probe for probe in one.requests if probe.path != "/"}

    assert set(found.values()) == {("healthy", "No failures")}
    assert set(sent) == {"/plain", "/own", "/hop", "/there"}
    for path in ("/plain", "/hop", "/there"):
        assert sent[path].header("cache-control") == "no-cache"
        assert sent[path].header("pragma") == "no-cache"
    assert sent["/plain"].header("x-key") == "1"
    assert sent["/own"].header("cache-control") == "max-age=0"
    assert sent["/own"].header("x-key") == "1, 2"
    assert all("Evenkeel-Health-Check" in str(one.header("user-agent")) for one in sent.values())


def test_a_cached_page_does_not_bring_a_dead_origin_back() -> None:
    """A cached 200 of a dead origin's health path made it healthy, and requests were lost."""
    with origins(2) as (one, two):
        config = monitor("m", interval=2) + pool("p", one, monitor="m") + pool("q", two)
        with workerd(config + load_balancer("*", "p", "q")) as worker:
            one.fail_health()
            worker.get()
            until(lambda: worker.events("health_changed"))
            for status in ("HIT", "STALE", "UPDATING", "REVALIDATED"):
                one.fail_health(reply(200, "", *EDGE, ("CF-Cache-Status", status)))
                probe_three_times(worker, lambda: len(one.probes))
                assert worker.get().text == two.name
            assert len(worker.events("health_changed")) == 1

            one.fail_health(reply(200, "", *EDGE, ("CF-Cache-Status", "DYNAMIC")))
            until(lambda: worker.get().text == one.name)
            assert [line["after"] for line in worker.events("health_changed")] == [
                "unhealthy",
                "healthy",
            ]
            assert worker.events("error") == []


@pytest.mark.parametrize("text", ["alive", "ALIVE"])
def test_no_more_is_read_than_is_looked_at(text: str) -> None:
    """A probe decides after 10 KB of a body and aborts an endless response."""
    with origins(1) as (one,):
        one.behave(events("Alive", *("x" * 1024 for _ in range(5000)), gap=0.001), path="/endless")
        found = asked({"endless": {"expected_body": text, "timeout": 5}}, one)
        until(lambda: one.requests and one.requests[-1].aborted)

    assert found == {"endless": ("healthy", "No failures")}


def test_sockets_do_not_pile_up() -> None:
    """A probe closes its sockets."""
    with origins(1) as (one,), listener(*SMTP) as mail:
        config = monitor("m", type="smtp", port=mail.port) + pool("p", one, monitor="m")
        with workerd(config + load_balancer("*", "p")) as worker:
            probe_three_times(worker, lambda: len(mail.heard))
    assert mail.closed == len(mail.heard)


def probe_three_times(worker: Workerd, count: Callable[[], int]) -> None:
    """Send requests until three more probes have arrived."""
    wanted = count() + 3

    def come() -> bool:
        worker.get()
        return count() >= wanted

    until(come)
