"""A Worker under attack, and what must hold after each attack, checked in every test.

Every test in tests/runtime/attacks is followed by `Siege.check` (its conftest.py): the same process
serves the next request, no address was contacted that is not configured, no secret was logged, and
the log consists of whole lines of JSON without any fault of the balancer's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

import psutil

from support.client import Answer, conversation
from support.listener import Listener, listener
from support.origins import Origin, origins
from support.toml import at, load_balancer, pool
from support.waiting import until
from support.workerd import Workerd, workerd

COOKIE_KEY = "the-cookie-key-is-secret"
ADMIN_TOKEN = "the-admin-token-is-secret-and-long-enough"
ORIGIN_KEY = "the-origin-key-is-secret"
BEARER = "the-bearer-token-is-secret"
SESSION = "the-session-cookie-is-secret"
QUERY = "the-query-is-secret"
SECRETS = (COOKIE_KEY, ADMIN_TOKEN, ORIGIN_KEY, BEARER, SESSION, QUERY)

PLAIN = "plain.test"
EAGER = "eager.test"
SECURE = "secure.test"
OTHER = "other.test"
WILD = "x.wild.test"
HELD = "held.test"

# The runtime's own messages about CONNECT, which Python Workers cannot receive.
RUNTIMES_OWN = ("Received a connect event", "workerd/server/server/listen/mod.rs")
FIRST_BYTE_SECONDS = 1.0
LEFT_SECONDS = 15.0


def configuration(one: Origin, two: Origin, three: Origin) -> str:
    """Per host: sessions over one and two, the same with retries of every method, and redirects."""
    # A client that closes its connection shows nowhere until the answer is sent, so its request
    # lasts until the deadline.
    failover = {
        "first_byte_timeout": FIRST_BYTE_SECONDS,
        "deadline": 2 * FIRST_BYTE_SECONDS,
        "body_limit": 1000,
    }
    usual = {
        "session_affinity": "cookie",
        "ejection": {"base_time": 0},
        "failover": failover,
        "request_headers": {"set": {"X-Origin-Key": ORIGIN_KEY}},
    }
    eager = {**usual, "failover": {**failover, "retry_non_idempotent": True}}
    return "\n".join(
        [
            pool("a", one),
            pool("b", two),
            pool("c", three, at(one, name="off", enabled=False)),
            load_balancer(PLAIN, "a", "b", **usual),
            load_balancer(EAGER, "a", "b", **eager),
            load_balancer(HELD, "a", **usual),
            load_balancer(OTHER, "c", **usual),
            load_balancer(SECURE, "a", https_redirect=True),
            load_balancer("*.wild.test", "a", https_redirect=True),
            load_balancer("*.told.test", "a"),
        ]
    )


def request(
    line: bytes | str = b"GET / HTTP/1.1",
    *lines: bytes,
    host: bytes | str = PLAIN,
    body: bytes = b"",
    secrets: bool = True,
) -> bytes:
    """A request as bytes, with secrets that must not appear in a log."""
    fields = [b"Host: " + _bytes(host)] if host else []
    if secrets:
        fields.append(b"Authorization: Bearer " + BEARER.encode())
        fields.append(b"Cookie: session=" + SESSION.encode())
    return b"\r\n".join([_bytes(line), *fields, *lines]) + b"\r\n\r\n" + body


@dataclass(slots=True)
class Siege:
    """A Worker, its origins, and a listener on this machine that must not be contacted."""

    worker: Workerd
    one: Origin
    two: Origin
    three: Origin
    canary: Listener
    process: psutil.Process
    """The runtime's process."""

    @property
    def elsewhere(self) -> str:
        """The address that must not be contacted."""
        return f"127.0.0.1:{self.canary.port}"

    def send(self, data: bytes, seconds: float = 10.0, method: str = "GET") -> Answer | None:
        """Send bytes as they are; None = no complete response within `seconds`."""
        with (
            suppress(OSError, IndexError, ValueError),
            conversation(self.worker.port, seconds) as talk,
        ):
            talk.send(data)
            return talk.answer(method)
        return None

    def status(self, data: bytes, seconds: float = 10.0, method: str = "GET") -> int | None:
        """Send bytes; return the status of the response."""
        answer = self.send(data, seconds, method)
        return None if answer is None else answer.status

    def reset(self) -> None:
        """Restore the default behaviour of the origins and clear the output."""
        for origin in (self.one, self.two, self.three):
            origin.reset()
        self.worker.forget()

    def check(self) -> None:
        """Assert what must hold after any attack."""
        self.one.reset()
        # The same process serves the next request.
        assert self.worker.get("/", host=PLAIN).text == "one"
        assert self.worker.alive
        assert self.process.is_running()
        assert self.process.pid == self.worker.pid
        # No other address was contacted.
        assert self.canary.heard == []
        assert self.canary.taken == 0
        # The log has neither secrets nor faults.
        check_log(self.worker)
        # Connections of abandoned requests are released.
        until(lambda: self.one.busy + self.two.busy + self.three.busy == 0, LEFT_SECONDS)


def check_log(worker: Workerd) -> None:
    """Assert what must hold for every log, from the Worker's start on."""
    written = worker.written.read_bytes()
    assert [secret for secret in SECRETS if secret.encode() in written] == []
    for line in worker.output:
        if line.startswith(RUNTIMES_OWN):
            continue
        assert line.isascii()
        assert line.isprintable()
        assert set(json.loads(line)) >= {"time", "event"}
    assert worker.events("error") == []


@contextmanager
def siege(variables: Mapping[str, str] | None = None) -> Iterator[Siege]:
    """Run a Worker to attack during the block."""
    known = {"LB_COOKIE_KEY": COOKIE_KEY, "LB_ADMIN_TOKEN": ADMIN_TOKEN, **(variables or {})}
    with ExitStack() as stack:
        one, two, three = stack.enter_context(origins(3))
        canary = stack.enter_context(listener())
        worker = stack.enter_context(workerd(configuration(one, two, three), known))
        yield Siege(worker, one, two, three, canary, psutil.Process(worker.pid))


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")
