"""Nothing that a client or an origin does takes the Worker down; it starts from a snapshot."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from evenkeel import checkout
from support.answers import cut, garbage, raw, reply, reset, start
from support.client import conversation
from support.exchange import Behaviour
from support.origins import Origin, origins
from support.toml import load_balancer, pool
from support.waiting import until
from support.wire import head
from support.workerd import Workerd, workerd

HOST = ("Host", "service.example.com")
SNAPSHOT = "snapshot.bin"


def configuration(one: Origin, two: Origin) -> str:
    """Two origins with sessions."""
    quiet = {"session_affinity": "cookie", "ejection": {"base_time": 0}}
    return pool("a", one) + pool("b", two) + load_balancer("*", "a", "b", **quiet)


BARRAGE = [
    b"",
    b"\r\n\r\n",
    b"GARBAGE\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a:99999999\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nCookie: \xff\xfe=\xff\r\nConnection: \xff, \xfe\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nCookie: " + b"x" * 15_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X-A: 1\r\n" * 500 + b"\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX-A: " + b"x" * 1_000_000,
    b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    b"HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\nabc",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nabc",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\nabc",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nCF-Connecting-IP: \xff'\"<script>\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX-Evenkeel-Via: " + b"0," * 5000 + b"\r\n\r\n",
]


def test_a_barrage_of_odd_requests(worker: Workerd, one: Origin) -> None:
    """Whatever is sent, the same process answers the next request."""
    pid = worker.pid
    for sent in BARRAGE:
        # Refused, or waited for: anything but the end of the Worker will do.
        with conversation(worker.port, 0.3) as talk, suppress(OSError, IndexError, ValueError):
            talk.send(sent)
            talk.answer()
        assert worker.get("/").text == "one"

    assert worker.alive
    assert worker.pid == pid
    assert one.requests
    assert [line for line in worker.log if line["event"] == "error"] == []


@pytest.mark.parametrize(
    "answer",
    [
        reset(),
        garbage(),
        reply(999),
        reply(200, b"", ("X-A", "\xff" * 10_000)),
        reply(204, b"", ("Content-Length", "5")),
        reply(200, b"no gzip", ("Content-Encoding", "gzip")),
        reply(301, b"", ("Location", "\xff://")),
        reply(200, b"", ("Set-Cookie", "\xff"), ("Connection", "\xff, bad name, x")),
        cut(b"abc", 10),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzzz\r\n"),
        raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nX-A: " + b"x" * 200_000 + b"\r\n\r\n"),
        raw(start(100) * 50 + start(200, ("Content-Length", "0"))),
    ],
    ids=range(14),
)
def test_odd_answers(answer: Behaviour, worker: Workerd, one: Origin) -> None:
    """Whatever an origin answers, the same process answers the next request."""
    one.behave(answer)
    with suppress(OSError, ValueError):  # an answer that was begun cannot be taken back
        worker.get("/")
    one.behave()

    assert worker.get("/").text == "one"
    assert worker.alive


def test_clients_that_leave(worker: Workerd, one: Origin) -> None:
    """Clients that leave at any moment of a request do no harm to those after them."""
    whole = head("POST /a HTTP/1.1", HOST, ("Content-Length", "5")) + b"abcde"
    for length in range(0, len(whole) + 1, 3):
        with conversation(worker.port) as talk:
            talk.send(whole[:length])
    assert worker.get("/").text == "one"
    until(lambda: one.open_connections <= 1)
    assert worker.alive


def snapshot_options(folder: Path, option: str) -> list[str]:
    """Workerd's options for a snapshot in a folder, in place of the usual one."""
    usual = checkout.workerd_options(snapshot=None)
    kept = [each for each in usual if not each.startswith("--python-snapshot-dir")]
    return [*kept, f"--python-snapshot-dir={folder}", option]


def test_the_snapshot_of_a_deploy_can_be_taken(tmp_path: Path) -> None:
    """The Worker's top level can be kept as a snapshot, and a Worker started from it serves.

    Chance, which must not be part of it, is new in each isolate that is started.
    """
    with origins(2) as (one, two):
        config = pool("p", one, two) + load_balancer("*", "p")
        taking = snapshot_options(tmp_path, "--python-save-snapshot")
        with workerd(config, options=taking) as worker:
            assert worker.get("/").status == 200
            until((tmp_path / SNAPSHOT).exists)
            assert [line for line in worker.output if "serialize" in line] == []

        loading = snapshot_options(tmp_path, f"--python-load-snapshot={SNAPSHOT}")
        rolls = []
        for _ in range(2):
            with workerd(config, options=loading) as worker:
                rolls.append([worker.get("/").served_by for _ in range(40)])

    assert set(rolls[0]) == {"one", "two"}
    assert rolls[0] != rolls[1]
