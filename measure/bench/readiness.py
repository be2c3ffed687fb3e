"""Waits until a peer serves, and checks its first answer."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass

from measure.bench.model import Peer
from measure.bench.origin import BODY
from measure.common.errors import MeasurementError
from measure.common.peers import Running
from measure.common.traffic import TARGET, headers

START_SECONDS = 60.0
OK = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """A peer's answer to one request."""

    status: int
    body: bytes
    served_by: str
    cookies: str
    """The cookies that it sets, as a request's Cookie header."""


def ask(port: int, target: str = TARGET) -> Answer:
    """Send one request; OSError if there is no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
    try:
        connection.request("GET", target, headers=headers())
        answer = connection.getresponse()
        body = answer.read()
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()
    cookies = [line.partition(";")[0] for line in answer.headers.get_all("Set-Cookie", [])]
    return Answer(answer.status, body, answer.headers.get("X-Served-By", ""), "; ".join(cookies))


def first_answer(peer: Peer, running: Running) -> Answer:
    """Wait until a peer answers; MeasurementError unless the answer is the origin's page."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            answer = ask(running.port)
        except OSError as error:
            if time.monotonic() > deadline or not running.process.runs():
                raise MeasurementError(
                    f"{peer.name} does not answer: {error}\n{running.process.output()}"
                ) from error
            time.sleep(0.02)
            continue
        named = answer.served_by in (peer.served_by or ("",))
        if answer.status != OK or answer.body != BODY or not named:
            raise MeasurementError(
                f"{peer.name} answered {answer.status} (X-Served-By: {answer.served_by!r}, "
                f"expected one of {peer.served_by}): {answer.body[:200]!r}\n"
                f"{running.process.output()}"
            )
        return answer
