"""Open-loop load: each request is sent when it is due, whether or not others are still waiting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from measure.common.breaking_origin import BODY, ID_HEADER
from measure.common.traffic import HOST_NAME

POST_EVERY = 5
"""One request in so many is a POST; the others are GETs."""
CLIENT_TIMEOUT = 20.0
"""Seconds after which a client gives up."""

OK = "200"
CUT = "cut"
NO_ANSWER = "no answer"
UNANSWERED = "never answered"
STRANGE = "not the origin's answer"


class Record(NamedTuple):
    """One request, as its client saw it."""

    at: float
    """When it was due, in seconds from the beginning."""
    method: str
    outcome: str
    """OK for a complete answer with status 200, else the status or what happened."""
    seconds: float
    """Duration from when it was due until its end."""
    origin: str = ""
    """The origin that answered, "" if the balancer itself did."""


async def load(
    port: int, rate: float, count: int, started: float, done: Callable[[Record], None]
) -> float:
    """Send `count` requests, `rate` a second, from `started` of the monotonic clock on.

    `done` gets each record when the request has ended. Returns the seconds by which this program
    was late at most.
    """
    latest = 0.0

    async def one(number: int, at: float) -> None:
        done(await ask(port, number, at, started))

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            at = number / rate
            latest = max(latest, await until(started + at))
            group.create_task(one(number, at))
    return latest


async def until(moment: float) -> float:
    """Wait for a moment of the monotonic clock; returns by how much it was missed."""
    await asyncio.sleep(max(0.0, moment - time.monotonic()))
    return time.monotonic() - moment


async def ask(port: int, number: int, at: float, started: float) -> Record:
    """Send one request on a new connection."""
    method = method_of(number)
    origin = ""
    try:
        async with asyncio.timeout(CLIENT_TIMEOUT):
            outcome, origin = await exchange(port, message(method, number))
    except TimeoutError:
        outcome = UNANSWERED
    except (OSError, EOFError, ValueError):
        outcome = NO_ANSWER
    return Record(at, method, outcome, time.monotonic() - started - at, origin)


def method_of(number: int) -> str:
    """A request's method; the first of every fault is a POST, which is the hardest to save."""
    return "POST" if number % POST_EVERY == 0 else "GET"


def message(method: str, number: int) -> bytes:
    """The bytes of a request."""
    body = b'{"order": %d}' % number if method == "POST" else b""
    lines = [
        f"{method} /orders/{number} HTTP/1.1",
        f"Host: {HOST_NAME}",
        f"{ID_HEADER.decode()}: {number}",
        f"CF-Connecting-IP: 203.0.113.{number % 250 + 1}",
        "Connection: close",
        *([f"Content-Length: {len(body)}", "Content-Type: application/json"] if body else []),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def exchange(port: int, request: bytes) -> tuple[str, str]:
    """Send a request; return its outcome, and the origin that answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = {
            name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
        }
        version, _, rest = first.partition(" ")
        if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
            return STRANGE, ""
        origin = fields.get("x-origin", "")
        try:
            body = await read_body(reader, fields)
        except (OSError, EOFError, ValueError):
            return CUT, origin
        if rest[:3] == OK and (body != BODY or not origin):
            return STRANGE, origin
        return rest[:3], origin
    finally:
        writer.close()


async def read_body(reader: asyncio.StreamReader, fields: Mapping[str, str]) -> bytes:
    """Read a body with a Content-Length or in chunks; EOFError if it is cut off."""
    if fields.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(fields.get("content-length", "0")))
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return body
