"""Limits against overload: max_requests of an origin and the retry budget."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from support.answers import hang
from support.client import conversation
from support.origins import Origin
from support.toml import at, load_balancer, pool
from support.waiting import until
from support.wire import LAST_CHUNK, chunk, head
from support.workerd import Workerd


def configuration(one: Origin, two: Origin, three: Origin) -> str:
    """Two limits, and a budget of only the retries that are always allowed."""
    quiet = {"ejection": {"base_time": 0}}
    return "\n".join(
        [
            pool("narrow", at(one, max_requests=2)),
            pool("left", at(one, max_requests=2)),
            pool("wide", two),
            pool("other", three),
            load_balancer("spills.test", "narrow", "wide", **quiet),
            load_balancer("refuses.test", "narrow", **quiet),
            load_balancer("left.test", "left", **quiet),
            load_balancer("left-spills.test", "left", "wide", **quiet),
            load_balancer("budget.test", "other", "wide", **quiet, failover={"retry_budget": 0}),
        ]
    )


@contextmanager
def waiting(worker: Workerd, origin: Origin, number: int) -> Iterator[None]:
    """Keep `number` requests waiting for a hanging origin."""
    origin.behave(hang())
    with ExitStack() as opened:
        for _ in range(number):
            talk = opened.enter_context(conversation(worker.port))
            talk.send(head("GET / HTTP/1.1", ("Host", "refuses.test")))
        until(lambda: len(origin.requests) == number)
        yield
    origin.behave()


def test_what_an_origin_may_not_have_goes_elsewhere(worker: Workerd, one: Origin) -> None:
    """A request beyond max_requests goes to another origin, or gets 503 if there is none."""
    with waiting(worker, one, 2):
        assert worker.get("/", host="spills.test").served_by == "two"
        refused = worker.get("/", host="refuses.test")
        assert (refused.status, refused.header("retry-after")) == (503, "5")
        assert len(one.requests) == 2


@pytest.mark.parametrize("host", ["left.test", "left-spills.test"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_clients_that_leave_give_their_places_back(
    method: str, host: str, worker: Workerd, one: Origin
) -> None:
    """Clients that left after a moment shut everybody out until their requests timed out."""
    one.behave(hang())
    for _ in range(2):
        with conversation(worker.port) as talk:
            talk.send(head(f"{method} / HTTP/1.1", ("Host", host), ("Content-Length", "0")))
            until(lambda: one.requests and not one.requests[-1].aborted)
            talk.reset()
        until(lambda: one.requests[-1].aborted)
    one.behave()
    assert [worker.get("/", host=host).served_by for _ in range(3)] == ["one"] * 3


@pytest.mark.parametrize("body", [b"x", [b"x"]], ids=["known length", "chunked"])
def test_an_upload_that_is_left_gives_its_place_back(
    body: bytes | list[bytes], worker: Workerd, one: Origin
) -> None:
    """A complete chunked POST of one byte held its place for the time that 100 MB take."""
    one.behave(hang())
    for _ in range(2):
        with conversation(worker.port) as talk:
            fields = (("Host", "left-spills.test"), *_framing(body))
            talk.send(head("POST / HTTP/1.1", *fields) + _bytes(body))
            until(lambda: one.requests and not one.requests[-1].aborted)
            talk.reset()
        until(lambda: one.requests[-1].aborted)
    one.behave()
    assert worker.get("/", host="left-spills.test").served_by == "one"


def _framing(body: bytes | list[bytes]) -> tuple[tuple[str, str], ...]:
    if isinstance(body, list):
        return (("Transfer-Encoding", "chunked"),)
    return (("Content-Length", str(len(body))),)


def _bytes(body: bytes | list[bytes]) -> bytes:
    if isinstance(body, list):
        return b"".join(chunk(part) for part in body) + LAST_CHUNK
    return body


def test_no_more_is_sent_again_than_the_budget_has(worker: Workerd, three: Origin) -> None:
    """Once the retry budget is spent, failures are passed to clients without a retry."""
    three.stop()
    statuses = [worker.get("/", host="budget.test").status for _ in range(60)]
    three.start()

    assert statuses[:10] == [200] * 10
    assert 503 in statuses
