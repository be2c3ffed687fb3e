"""Limits against overload: max_requests of an origin and the retry budget."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from support.answers import hang
from support.client import conversation
from support.origins import Origin
from support.toml import at, load_balancer, pool
from support.waiting import until
from support.wire import head
from support.workerd import Workerd


def configuration(one: Origin, two: Origin, three: Origin) -> str:
    """Two limits, and a budget of only the retries that are always allowed."""
    quiet = {"ejection": {"base_time": 0}}
    return "\n".join(
        [
            pool("narrow", at(one, max_requests=2)),
            pool("wide", two),
            pool("other", three),
            load_balancer("spills.test", "narrow", "wide", **quiet),
            load_balancer("refuses.test", "narrow", **quiet),
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


def test_no_more_is_sent_again_than_the_budget_has(worker: Workerd, three: Origin) -> None:
    """Once the retry budget is spent, failures are passed to clients without a retry."""
    three.stop()
    statuses = [worker.get("/", host="budget.test").status for _ in range(60)]
    three.start()

    assert statuses[:10] == [200] * 10
    assert 503 in statuses
