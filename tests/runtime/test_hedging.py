"""Hedging on workerd with real origins: a second attempt while the first one is slow."""

from __future__ import annotations

from support.answers import after, hang, reply
from support.origins import Origin
from support.toml import load_balancer, pool
from support.waiting import until
from support.workerd import Workerd

EARNS_ONE = 10
"""Requests that earn one second attempt."""


def configuration(one: Origin, two: Origin, three: Origin) -> str:
    """One host that hedges and one that does not, with origins in order."""
    pools = [pool(origin.name, origin) for origin in (one, two, three)]
    names = [origin.name for origin in (one, two, three)]
    return "\n".join(
        [
            *pools,
            load_balancer("hedges.test", *names, failover={"hedge_after": 0.2}),
            load_balancer("waits.test", *names),
        ]
    )


def earn(worker: Workerd) -> None:
    """Send the requests that earn one second attempt."""
    for _ in range(EARNS_ONE):
        assert worker.get("/", host="hedges.test").served_by == "one"


def test_the_loser_is_aborted_and_its_origin_sees_it(
    worker: Workerd, one: Origin, two: Origin
) -> None:
    """The client gets the second origin's response, and the first attempt is aborted."""
    earn(worker)
    one.behave(hang())

    answer = worker.get("/slow?x=1", host="hedges.test")

    assert (answer.status, answer.served_by) == (200, "two")
    assert [request.target for request in two.requests] == ["/slow?x=1"]
    until(lambda: one.busy == 0)
    assert one.requests[-1].aborted
    assert worker.events("hedged", origin="one", next="two", answered="two")
    one.behave()
    assert worker.get("/", host="hedges.test").served_by == "one"
    assert not worker.events("failover")
    assert not worker.events("origin_quiet")
    assert not worker.events("error")


def test_the_first_attempt_may_win_and_a_failed_second_one_does_no_harm(
    worker: Workerd, one: Origin, two: Origin
) -> None:
    """A failed second attempt leaves the first one running, whose response arrives complete."""
    earn(worker)
    one.behave(after(1.0, reply(200, b"x" * 100_000)))
    two.behave(reply(503))

    answer = worker.get("/", host="hedges.test")

    assert (answer.status, answer.served_by, len(answer.body)) == (200, "one", 100_000)
    assert len(two.requests) == 1
    assert worker.events("failover", origin="two", cause="status 503")
    assert worker.events("hedged", answered="one")


def test_a_tenth_is_hedged_at_most_and_only_what_may_be(
    worker: Workerd, one: Origin, two: Origin, three: Origin
) -> None:
    """At most a tenth of requests is hedged, and never a POST or a host without hedging."""
    one.behave(after(0.5, reply(200, "slow")), path="/slow")
    earn(worker)
    assert worker.send("POST", "/slow", host="hedges.test", body=b"pay").served_by == "one"
    assert worker.get("/slow", host="waits.test").served_by == "one"
    assert len(two.requests) + len(three.requests) == 0

    for _ in range(EARNS_ONE - 1):
        worker.get("/slow", host="hedges.test")
    assert 1 <= len(two.requests) + len(three.requests) <= 2
    assert len(worker.events("hedged")) == len(two.requests) + len(three.requests)
