"""WebSockets through the balancer, and failover of their handshake."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from support.answers import reply, reset
from support.origins import Origin
from support.sockets import LARGEST, websocket
from support.toml import load_balancer, pool
from support.waiting import until
from support.workerd import Workerd


def configuration(one: Origin, two: Origin) -> str:
    """Two origins, in order."""
    quiet = {"session_affinity": "cookie", "ejection": {"base_time": 0}}
    return pool("a", one) + pool("b", two) + load_balancer("*", "a", "b", **quiet)


@contextmanager
def connected(worker: Workerd, *subprotocols: str) -> Iterator[ClientConnection]:
    """Open a WebSocket through the Worker."""
    link = socket.create_connection(("127.0.0.1", worker.port), 10)
    wanted = [Subprotocol(name) for name in subprotocols]
    uri = "ws://service.example.com/chat?context=1"
    with connect(uri, sock=link, subprotocols=wanted or None, max_size=LARGEST) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _listening(one: Origin, two: Origin) -> None:
    for origin in (one, two):
        origin.behave(websocket("chat.v2", "chat.v1"))


def test_messages_pass_both_ways(worker: Workerd, one: Origin) -> None:
    """Text and large binary messages arrive unchanged in both directions."""
    data = os.urandom(1_000_000)
    with connected(worker) as chat:
        for message in ("hello", "", "\u00e9\U0001f600", data, b""):
            chat.send(message)
            assert chat.recv(timeout=10) == message

    (request,) = one.requests
    assert request.target == "/chat?context=1"
    assert request.header("upgrade") == "websocket"


def test_a_subprotocol_is_agreed_on(worker: Workerd) -> None:
    """Client and origin agree on a subprotocol through the balancer."""
    with connected(worker, "other", "chat.v1") as chat:
        assert chat.subprotocol == "chat.v1"


def test_the_handshake_names_the_origin_and_pins_it(worker: Workerd) -> None:
    """The response to a handshake has X-Served-By and the affinity cookie."""
    with connected(worker) as chat:
        assert chat.response is not None
        assert chat.response.headers["X-Served-By"] == "one"
        assert chat.response.headers["Set-Cookie"].startswith("__evenkeel=")


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1001, "bye"), (4001, "try later")])
def test_the_origin_closes(code: int, reason: str, worker: Workerd) -> None:
    """The client gets the close code and the reason of the origin."""
    with connected(worker) as chat:
        chat.send(f"close {code} {reason}")
        with pytest.raises(ConnectionClosed) as closed:
            chat.recv(timeout=10)

    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (code, reason)


@pytest.mark.parametrize("code", [1000, 1001, 4002])
def test_the_client_closes(code: int, worker: Workerd, one: Origin) -> None:
    """The origin gets the close code of the client."""
    with connected(worker) as chat:
        chat.send("hello")
        chat.recv(timeout=10)
        chat.close(code, "done")

    assert until(lambda: one.requests[0].body) == str(code).encode()
    assert not one.requests[0].aborted


def test_the_origin_dies(worker: Workerd) -> None:
    """If the origin's connection is reset, the client's connection ends too."""
    with connected(worker) as chat:
        chat.send("abort")
        with pytest.raises(ConnectionClosedError):
            chat.recv(timeout=10)
    with connected(worker) as chat:
        chat.send("again")
        assert chat.recv(timeout=10) == "again"


def test_the_client_dies(worker: Workerd, one: Origin) -> None:
    """If the client's connection breaks, the origin's connection ends too."""
    link = socket.create_connection(("127.0.0.1", worker.port), 10)
    chat = connect("ws://service.example.com/", sock=link)
    link.shutdown(socket.SHUT_RDWR)
    chat.close_socket()
    until(lambda: one.open_connections == 0 and one.requests)


@pytest.mark.parametrize("fault", [reset(), reply(503), reply(530)], ids=["reset", "503", "530"])
def test_a_failed_handshake_goes_to_the_next_origin(
    fault: object, worker: Workerd, one: Origin, two: Origin
) -> None:
    """A failed handshake is retried at the next origin."""
    one.behave(fault)  # type: ignore[arg-type]
    with connected(worker, "chat.v2") as chat:
        chat.send("hello")
        assert chat.recv(timeout=10) == "hello"
        assert chat.subprotocol == "chat.v2"
    assert (len(one.requests), len(two.requests)) == (1, 1)


def test_a_stopped_origin_is_passed_by(worker: Workerd, one: Origin, two: Origin) -> None:
    """If the first origin is stopped, the WebSocket opens at the second."""
    one.stop()
    with connected(worker) as chat:
        chat.send("hello")
        assert chat.recv(timeout=10) == "hello"
    assert len(two.requests) == 1


def test_a_refused_handshake_is_the_clients(worker: Workerd, one: Origin, two: Origin) -> None:
    """The client gets the response of an origin that refuses the WebSocket."""
    one.behave(reply(403, b"no"))
    with pytest.raises(InvalidStatus) as refused, connected(worker):
        pass
    assert refused.value.response.status_code == 403
    assert two.requests == []
