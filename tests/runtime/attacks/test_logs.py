"""Log lines after probes of lying origins and after hostile configurations."""

from __future__ import annotations

import gzip
import json
from typing import Any

from lb.probing.probe import ProbeFailure
from support.answers import after, raw, reply, start
from support.listener import listener
from support.origins import Origin, origins
from support.siege import SECRETS, check_log
from support.toml import load_balancer, monitor, pool
from support.waiting import until
from support.workerd import Workerd, workerd

TRAP = "\x1b[31m\x07'\"}{<script>\u2028\u202e"
SECRET = SECRETS[0]
MISMATCHES = {"Response code mismatch", "Response body mismatch"}
CAUSES = {*MISMATCHES, *(each.value for each in ProbeFailure)}
BOMB = gzip.compress(bytes(10_000_000)) * 20

LIES = {
    "reason": raw(b"HTTP/1.1 500 " + SECRET.encode() + b"\r\nContent-Length: 0\r\n\r\n"),
    "control": raw(b"HTTP/1.1 500 \x1b[31m\r\nContent-Length: 0\r\n\r\n"),
    "body": reply(200, TRAP + SECRET),
    "garbage": raw(b"\x00\xff\r\n\x1b[31m"),
    "endless": raw(start(200) + b"x" * 1_000_000, b"x" * 1_000_000, 5.0),
    "headers": raw(b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 500_000),
    "bomb": reply(200, BOMB, ("Content-Encoding", "gzip")),
    "broken": reply(200, b"no gzip", ("Content-Encoding", "gzip")),
    "late": after(3.0, reply(200, "fine")),
    "switch": raw(start(101, ("Upgrade", "h2c"), ("Connection", "Upgrade"))),
}


def watched(one: Origin, name: str, **fields: Any) -> str:
    """A pool with a probe path of its own."""
    asking = {"expected_body": "fine", "header": {"Authorization": [SECRET]}, **fields}
    return monitor(name, path=f"/{name}", **asking) + pool(name, one, monitor=name)


def test_probes_believe_nobody_and_repeat_nothing() -> None:
    """Any response to a probe yields one of a few known causes and does not fill memory."""
    with origins(2) as (one, two):
        for name, lie in LIES.items():
            one.behave(lie, path=f"/{name}")
        parts = [watched(one, name) for name in LIES]
        fallback = pool("fine", two)
        balancer = load_balancer("*", *LIES, "fine")
        with workerd("\n".join([*parts, fallback, balancer])) as worker:
            worker.get()
            before = worker.memory
            until(lambda: worker.get().text == "two", 30)
            down = until(lambda: _all_down(worker, len(LIES)), 30)
            assert worker.memory - before < 150_000_000
            assert {line["cause"] for line in down} <= CAUSES
            check_log(worker)
            assert worker.alive


def test_a_probe_follows_no_redirect_unless_told_to() -> None:
    """A probe treats a redirect as a status unless follow_redirects is set."""
    with origins(2) as (one, two), listener() as canary:
        places = {
            "inside": f"http://127.0.0.1:{canary.port}/",
            "relative": f"//127.0.0.1:{canary.port}/",
            "file": "file:///etc/passwd",
        }
        for name, place in places.items():
            one.behave(reply(302, "fine", ("Location", place)), path=f"/{name}")
        parts = [watched(one, name) for name in places]
        balancer = load_balancer("*", *places, "fine")
        with workerd("\n".join([*parts, pool("fine", two), balancer])) as worker:
            worker.get()
            down = until(lambda: _all_down(worker, len(places)), 30)
            assert {line["cause"] for line in down} == {"Response code mismatch"}
            check_log(worker)
        assert canary.taken == 0


def test_a_redirect_that_a_probe_follows_takes_no_secret_along() -> None:
    """A followed redirect carries no Authorization header and never leaves HTTP."""
    with origins(2) as (one, two):
        places = {"other": f"{two.url}/fine", "file": "file:///etc/passwd", "data": "data:,fine"}
        for name, place in places.items():
            one.behave(reply(302, "fine", ("Location", place)), path=f"/{name}")
        parts = [watched(one, name, follow_redirects=True) for name in places]
        two.behave(reply(200, "fine"), path="/fine")
        with workerd("\n".join([*parts, load_balancer("*", *places)])) as worker:
            worker.get()
            until(lambda: two.requests)
            down = until(lambda: _all_down(worker, 2), 30)
            assert {line["cause"] for line in down} == {"HTTP Invalid Response"}
            check_log(worker)
        assert [each.header("authorization") for each in two.requests if each.path == "/fine"] == [
            None
        ] * len(two.requests)


def _all_down(worker: Workerd, count: int) -> list[dict[str, Any]]:
    """The changes to unhealthy once there are `count` of them; before that, an empty list."""
    worker.get()
    found = worker.events("health_changed", after="unhealthy")
    return found if len(found) >= count else []


def test_a_configurations_traps_are_in_no_log() -> None:
    """Escapes and misplaced secrets in a configuration appear in no log line, page or file."""
    config = "\n".join(
        [
            pool("a" + TRAP, {"name": TRAP, "address": f"https://user:{SECRET}@a.example.com"}),
            pool("b", {"name": "b", "address": f"https://a.example.com/?{SECRET}"}),
            load_balancer(
                "x" + TRAP,
                "b",
                cookie_name=TRAP,
                request_headers={"set": {"X-Key": f"{SECRET}\x1b", "Host": SECRET}},
                odd_key=SECRET,
            ),
        ]
    )
    with workerd(config) as worker:
        answer = worker.get()
        assert answer.status == 500
        assert SECRET not in answer.text
        problems = worker.events("error")
        assert len(problems) >= 5
        for line in worker.output:
            assert line.isascii()
            assert line.isprintable()
            json.loads(line)
        assert SECRET.encode() not in worker.written.read_bytes()
        assert worker.alive
