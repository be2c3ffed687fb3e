"""Retries of requests with a body and of requests with side effects."""

from __future__ import annotations

import pytest

from support.answers import hang, reply, reset
from support.client import conversation
from support.exchange import Behaviour
from support.origins import Origin
from support.toml import load_balancer, pool
from support.waiting import until
from support.wire import head
from support.workerd import Workerd

LIMIT = 1000
UNSAFE = ["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "MKCOL", "QUERY"]
EDGE = (("Server", "cloudflare"), ("CF-Ray", "8f0000000000-FRA"))
"""The headers that mark a response of Cloudflare's edge itself."""


def configuration(one: Origin, two: Origin) -> str:
    """Two origins in order; the host decides whether only safe methods are retried or all."""
    failover = {"first_byte_timeout": 0.4, "deadline": 1.0, "body_limit": LIMIT}
    eager = {**failover, "retry_non_idempotent": True}
    return "\n".join(
        [
            *(pool(origin.name, origin) for origin in (one, two)),
            load_balancer(
                "careful.test", "one", "two", failover=failover, ejection={"base_time": 0}
            ),
            load_balancer("eager.test", "one", "two", failover=eager, ejection={"base_time": 0}),
            load_balancer("ejecting.test", "one", "two", failover=failover),
        ]
    )


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize("fault", [reset(), hang(), reply(503)], ids=["reset", "hang", "503"])
def test_an_unsafe_request_never_reaches_two_origins(
    method: str, fault: Behaviour, worker: Workerd, one: Origin, two: Origin
) -> None:
    """A request that may have had an effect is not retried; the client gets 503."""
    one.behave(fault)
    for body in (b"", b"abc"):
        assert worker.send(method, "/", body=body, host="careful.test").status == 503
    assert (len(one.requests), len(two.requests)) == (2, 0)


def test_not_even_when_the_connection_was_refused(
    worker: Workerd, one: Origin, two: Origin
) -> None:
    """A POST is not retried after a refused connection, which looks like a lost one."""
    one.stop()
    assert worker.send("POST", "/", body=b"abc", host="careful.test").status == 503
    assert two.requests == []


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize("fault", [reset(), hang(), reply(503)], ids=["reset", "hang", "503"])
def test_with_retry_non_idempotent_any_method_is_sent_again(
    method: str, fault: Behaviour, worker: Workerd, one: Origin, two: Origin
) -> None:
    """With retry_non_idempotent, any method is retried with its body unchanged."""
    one.behave(fault)
    assert worker.send(method, "/", body=b"abc", host="eager.test").text == "two"
    assert [request.body for request in two.requests] == [b"abc"]
    assert two.requests[0].header("content-length") == "3"


@pytest.mark.parametrize("status", [521, 523, 525, 526, 530])
def test_a_request_that_the_edge_did_not_pass_on_is_sent_again(
    status: int, worker: Workerd, one: Origin, two: Origin
) -> None:
    """A POST is retried if Cloudflare's edge reports that it could not reach the origin."""
    one.behave(reply(status, "error code", *EDGE))
    assert worker.send("POST", "/", body=b"abc", host="careful.test").text == "two"
    assert [request.body for request in two.requests] == [b"abc"]


@pytest.mark.parametrize(
    ("status", "fields"),
    [
        (521, ()),
        (521, EDGE[:1]),
        (521, EDGE[1:]),
        (521, (*EDGE, ("CF-Cache-Status", "DYNAMIC"))),
        (521, (("Server", "nginx"), EDGE[1])),
        (520, EDGE),
        (522, EDGE),
        (524, EDGE),
        (502, EDGE),
    ],
)
def test_any_other_answer_proves_nothing(
    status: int, fields: tuple[tuple[str, str], ...], worker: Workerd, one: Origin, two: Origin
) -> None:
    """A POST is not retried after a response that the origin may have sent or caused."""
    one.behave(reply(status, "error", *fields))
    assert worker.send("POST", "/", body=b"abc", host="careful.test").status == status
    assert two.requests == []


def test_a_body_up_to_the_limit_is_sent_again(worker: Workerd, one: Origin, two: Origin) -> None:
    """A body of up to body_limit bytes is buffered and retried byte for byte."""
    one.behave(reply(503))
    body = bytes(range(256)) * 3 + b"\0" * (LIMIT - 768)
    assert worker.send("PUT", "/", body=body, host="eager.test").text == "two"
    assert [request.body for request in (*one.requests, *two.requests)] == [body, body]


@pytest.mark.parametrize("body", [[b"a" * 10], [b"a"] * LIMIT, []], ids=["one", "many", "empty"])
def test_a_short_body_of_unknown_length_is_sent_again(
    body: list[bytes], worker: Workerd, one: Origin, two: Origin
) -> None:
    """A chunked body that ends within body_limit was streamed, and gone after one attempt."""
    one.behave(reply(503))
    assert worker.send("PUT", "/", body=body, host="eager.test").text == "two"
    assert [request.body for request in (*one.requests, *two.requests)] == [b"".join(body)] * 2


@pytest.mark.parametrize(
    "body", [b"a" * (LIMIT + 1), [b"a" * (LIMIT + 1)]], ids=["known", "unknown"]
)
def test_a_body_beyond_the_limit_is_streamed_once(
    body: bytes | list[bytes], worker: Workerd, one: Origin, two: Origin
) -> None:
    """A body over the limit is streamed once without a retry."""
    one.behave(reply(503, "busy"))
    answer = worker.send("PUT", "/", body=body, host="eager.test")

    assert (answer.status, answer.text) == (503, "busy")
    assert one.requests[0].size == len(b"".join(body) if isinstance(body, list) else body)
    assert two.requests == []


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
@pytest.mark.parametrize("fault", [reset(), reply(503)], ids=["reset", "503"])
def test_a_body_of_a_safe_method_is_sent_again(
    method: str, fault: Behaviour, worker: Workerd, one: Origin, two: Origin
) -> None:
    """A short body of a GET or OPTIONS is sent again to the next origin."""
    one.behave(fault)
    assert worker.send(method, "/", body=b"abc", host="careful.test").text == "two"
    assert [request.body for request in two.requests] == [b"abc"]


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_a_long_body_of_a_safe_method_is_not(
    method: str, worker: Workerd, one: Origin, two: Origin
) -> None:
    """A GET or OPTIONS whose body exceeds the limit is not retried."""
    one.behave(reply(503, "busy"))
    answer = worker.send(method, "/", body=b"a" * (LIMIT + 1), host="careful.test")

    assert (answer.status, answer.text) == (503, "busy")
    assert two.requests == []


@pytest.mark.parametrize(
    ("method", "length"),
    [("POST", LIMIT), ("POST", LIMIT * 100), ("GET", LIMIT), ("GET", LIMIT * 100)],
)
def test_a_client_that_leaves_blames_no_origin(
    method: str, length: int, worker: Workerd, one: Origin
) -> None:
    """An upload that the client aborts is no failure of the origin."""
    streamed = length > LIMIT
    with conversation(worker.port) as talk:
        fields = (("Host", "ejecting.test"), ("Content-Length", str(length)))
        talk.send(head(f"{method} / HTTP/1.1", *fields) + b"abc")
        if streamed:
            until(lambda: one.requests and one.requests[0].size == 3)
    if streamed:
        until(lambda: one.requests[0].aborted)

    for _ in range(3):
        assert worker.get("/", host="ejecting.test").text == "one"
    assert worker.events("origin_ejected") == []
