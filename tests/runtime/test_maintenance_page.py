"""The operator's own page on workerd: for GET and HEAD, and instead of an edge error."""

from __future__ import annotations

from support.answers import reply
from support.origins import Origin
from support.toml import at, load_balancer, pool
from support.workerd import Workerd

BODY = "<!doctype html><title>Übung</title>"


def configuration(one: Origin, two: Origin) -> str:
    """One host whose pool is in maintenance, and one whose origins fail."""
    page = {"message_body": BODY}
    window = {"from": "2020-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z"}
    return "\n".join(
        [
            pool("off", at(one), maintenance=[window]),
            pool("fails", two),
            load_balancer("off.test", "off", maintenance_page=page),
            load_balancer("fails.test", "fails", maintenance_page=page),
        ]
    )


def test_a_client_gets_the_page_while_all_is_in_maintenance(worker: Workerd, one: Origin) -> None:
    """A client gets 503 with the page and Retry-After while all origins are in maintenance."""
    answer = worker.get("/", host="off.test")

    assert (answer.status, answer.body.decode()) == (503, BODY)
    assert answer.header("content-type") == "text/html; charset=utf-8"
    assert int(answer.header("retry-after") or 0) > 1_000_000
    assert answer.header("cache-control") == "no-store"
    head = worker.send("HEAD", "/", host="off.test")
    assert (head.status, head.body) == (503, b"")
    assert one.requests == []
    assert worker.events("refused", load_balancer="off.test", status=503)


def test_it_stands_in_for_what_the_edge_writes_of_an_origin_that_is_away(
    worker: Workerd, two: Origin
) -> None:
    """The page replaces an error page of the edge, but not a response of the origin."""
    edge = (("Server", "cloudflare"), ("CF-RAY", "8f-FRA"))
    two.behave(reply(530, "error code: 1033", *edge))
    assert worker.get("/", host="fails.test").body.decode() == BODY

    two.behave(reply(503, "mine"))
    assert worker.get("/", host="fails.test").body == b"mine"

    two.stop()
    answer = worker.get("/", host="fails.test")
    assert (answer.status, answer.body.decode()) == (503, BODY)
    assert answer.header("retry-after") == "5"
    assert not worker.events("error")
