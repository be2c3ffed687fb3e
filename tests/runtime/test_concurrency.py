"""Many concurrent requests in one isolate, each with its own response."""

from __future__ import annotations

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor

from support.answers import after, echo, hang, in_turn, reply, reset
from support.origins import Origin
from support.site import Site
from support.toml import load_balancer, pool
from support.workerd import Workerd

CLIENTS = 24
REQUESTS = 600


def configuration(one: Origin, two: Origin, three: Origin) -> str:
    """Three origins, chosen at random."""
    eager = {"first_byte_timeout": 0.5, "retry_non_idempotent": True}
    quiet = {"failover": eager, "session_affinity": "cookie", "ejection": {"base_time": 0}}
    return pool("all", one, two, three) + load_balancer("*", "all", **quiet)


def test_every_client_gets_its_own_answer(
    worker: Workerd, one: Origin, two: Origin, three: Origin
) -> None:
    """Concurrent requests that fail over, wait or time out each get their own response."""
    one.behave(in_turn(*[echo(), reset(), reply(503, "busy"), after(0.02, echo())] * 200))
    two.behave(in_turn(*[after(0.05, echo()), *[echo()] * 30, hang()] * 40))
    three.behave(echo())

    def ask(number: int) -> None:
        method = ("GET", "POST")[number % 2]
        body = b"" if method == "GET" else str(number).encode() * (number % 50)
        ip = ("CF-Connecting-IP", f"198.51.100.{number % 250}")
        answer = worker.send(
            method, f"/{number}?{number}", ip, ("X-Number", str(number)), body=body
        )
        seen = json.loads(answer.text)
        headers = dict(seen["headers"])
        assert answer.status == 200
        assert (seen["method"], seen["target"]) == (method, f"/{number}?{number}")
        assert seen["size"] == len(body)
        assert (headers["X-Number"], headers["X-Real-IP"]) == (str(number), ip[1])
        assert headers["X-Served-By"] == seen["origin"] == answer.served_by

    numbers = list(range(REQUESTS))
    random.Random(1).shuffle(numbers)
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(ask, numbers))
    assert [line for line in worker.log if line["event"] == "error"] == []


def test_slow_requests_wait_side_by_side(worker: Workerd, site: Site) -> None:
    """Concurrent requests to slow origins take no longer together than one alone."""
    for origin in site.origins:
        origin.behave(after(0.3, reply(200)))
    began = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as clients:
        statuses = list(clients.map(lambda _: worker.get().status, range(CLIENTS)))

    assert statuses == [200] * CLIENTS
    assert time.monotonic() - began < 2
