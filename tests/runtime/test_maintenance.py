"""Maintenance under load: an origin is drained and returns without a lost request."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from support.answers import after, reply
from support.client import Answer
from support.origins import Origin, origins
from support.toml import at, load_balancer, monitor, pool
from support.workerd import Workerd, workerd

AHEAD = 10.0
"""Seconds from now to the window, enough to start the Worker and the sessions."""
WINDOW, DRAIN, REST = 2.0, 1.0, 1.0
EDGE = 0.15
"""Seconds around the start or end of the window in which either state is correct."""
PACE = 0.01


@dataclass(slots=True)
class Seen:
    """One response, with the start and end of its request."""

    began: float
    ended: float
    answer: Answer


@dataclass(slots=True)
class Client:
    """A client that sends requests in turn, with its latest cookie if it keeps cookies."""

    worker: Workerd = field(repr=False)
    keeps: bool
    cookie: str = ""
    seen: list[Seen] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)

    def ask(self) -> Answer:
        """Send one request."""
        fields = [("Cookie", self.cookie)] if self.cookie else []
        began = time.time()
        answer = self.worker.get("/", *fields)
        self.seen.append(Seen(began, time.time(), answer))
        set_cookie = answer.header("set-cookie")
        if self.keeps and set_cookie:
            self.cookie = set_cookie.partition(";")[0]
        return answer

    def until(self, end: float) -> None:
        """Send requests until `end`."""
        try:
            while time.time() < end:
                self.ask()
                time.sleep(PACE)
        except Exception as fault:  # noqa: BLE001 (a request was lost: the test says so)
            self.faults.append(fault)

    def served(self, start: float, end: float) -> set[str | None]:
        """The origins that served the requests that lay wholly between two moments."""
        inside = [one for one in self.seen if one.began >= start and one.ended <= end]
        assert inside
        return {one.answer.served_by for one in inside}


def moment(seconds: float) -> str:
    """A moment in the configuration's format."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds")


def configuration(one: Origin, two: Origin, start: float) -> str:
    """Two origins in one pool; the first one has a maintenance window from `start` on."""
    window = {"from": moment(start), "to": moment(start + WINDOW)}
    return "\n".join(
        [
            monitor("m"),
            pool("p", at(one, maintenance=[window]), two, monitor="m"),
            load_balancer(
                "*",
                "p",
                session_affinity="cookie",
                session_affinity_attributes={"drain_duration": int(DRAIN)},
            ),
        ]
    )


def client_of(worker: Workerd, origin: str) -> Client:
    """A client whose session is pinned to this origin."""
    for _ in range(200):
        client = Client(worker, keeps=True)
        if client.ask().served_by == origin:
            client.seen.clear()
            return client
    raise AssertionError(f"{origin} was never chosen")


def together(*work: Callable[[], None]) -> None:
    """Run all functions concurrently and wait for their end."""
    threads = [threading.Thread(target=one) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_no_request_is_lost_while_an_origin_is_drained_under_load() -> None:
    """A drained origin keeps its sessions, then gets no requests, then returns without a loss."""
    start = round(time.time() + AHEAD, 3)
    drained, end = start + DRAIN, start + WINDOW
    with origins(2) as (one, two), workerd(configuration(one, two, start)) as worker:
        for origin in (one, two):
            origin.behave(after(0.02, reply(200, origin.name)))
        one.behave(after(DRAIN + 0.5, reply(200, "one, late")), path="/long")
        here, there = client_of(worker, "one"), client_of(worker, "two")
        pinned = here.cookie
        new = [Client(worker, keeps=False) for _ in range(3)]
        clients = [here, there, *new]
        assert time.time() < start - 0.7, "the Worker took too long to start"
        long: list[Answer] = []

        def begin_long() -> None:
            time.sleep(max(start - 0.5 - time.time(), 0))
            long.append(worker.get("/long", ("Cookie", pinned)))

        last = end + REST
        together(begin_long, *(lambda c=client: c.until(last) for client in clients))
        log = worker.events("origin_enabled_changed")
        others = worker.events("failover") + worker.events("refused") + worker.events("error")

    assert [client.faults for client in clients] == [[]] * len(clients)
    assert {seen.answer.status for client in clients for seen in client.seen} == {200}
    assert sum(len(client.seen) for client in clients) > 300
    assert [(each.status, each.text) for each in long] == [(200, "one, late")]
    assert not any(request.aborted for request in (*one.requests, *two.requests))
    assert others == []

    # Sessions.
    assert here.served(0, start) == {"one"}
    assert here.served(start + EDGE, drained - EDGE) == {"one"}
    assert here.served(drained + EDGE, last) == {"two"}
    assert there.served(0, last) == {"two"}
    # New clients.
    for client in new:
        assert client.served(0, start) == {"one", "two"}
        assert client.served(start + EDGE, end - EDGE) == {"two"}
        assert client.served(end + EDGE, last) == {"one", "two"}
    # Probes and log lines.
    probed = [probe.at + time.time() - time.monotonic() for probe in one.probes]
    assert [when for when in probed if start + EDGE < when < end - EDGE] == []
    assert max(probed) > end
    assert [(line["origin"], line["enabled"]) for line in log] == [("one", False), ("one", True)]
