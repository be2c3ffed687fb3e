"""Open-loop load: each request is sent when it is due, whether or not others are still waiting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from measure.common.breaking_origin import BODY, ID_HEADER, reset
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
LEFT = "left"
"""The client left before an answer, as it was meant to."""

UPLOAD_PARTS = 10
"""Number of parts in which a slow client sends its body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """What the clients of a load ask for, how they send it, and how long they wait."""

    path: str = "/orders"
    post_every: int = POST_EVERY
    """One request in so many is a POST, from the first one on; 0 = none."""
    upload: float = 0.0
    """Seconds that the body of a POST takes."""
    missing: int = 0
    """Bytes of the announced body that are never sent."""
    leaves: float | None = None
    """Seconds after which a client leaves; None = it waits for CLIENT_TIMEOUT."""
    sessions: int = 0
    """Number of clients that keep their cookies; 0 = no client keeps any."""

    def method(self, number: int) -> str:
        """The method of the request with this number."""
        return "POST" if self.post_every and number % self.post_every == 0 else "GET"

    def client(self, number: int) -> int:
        """Index of the client that sends the request; -1 for a client of a single request."""
        return number % self.sessions if self.sessions else -1


@dataclass(frozen=True, slots=True)
class Visitors:
    """The clients of one load on one balancer."""

    port: int
    started: float
    """When the load begins, by the monotonic clock."""
    clients: Clients = field(default_factory=Clients)
    cookies: dict[int, str] = field(default_factory=dict)
    """The cookie of each client that keeps it."""


class Answer(NamedTuple):
    """The end of one exchange."""

    outcome: str
    origin: str = ""
    """The origin that answered, "" if the balancer itself did."""
    cookie: str = ""
    """Name and value of the cookie that the answer sets, "" if none."""


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
    client: int = -1
    """Index of the client if it keeps its cookies, else -1."""

    @property
    def end(self) -> float:
        """When it ended, in seconds from the beginning."""
        return self.at + self.seconds


async def load(
    visitors: Visitors, rate: float, count: int, done: Callable[[Record], None]
) -> float:
    """Send `count` requests, `rate` a second.

    `done` gets each record when the request has ended. Returns the seconds by which this program
    was late at most.
    """
    latest = 0.0

    async def one(number: int, at: float) -> None:
        done(await ask(visitors, number, at))

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            at = number / rate
            latest = max(latest, await until(visitors.started + at))
            group.create_task(one(number, at))
    return latest


async def until(moment: float) -> float:
    """Wait for a moment of the monotonic clock; returns by how much it was missed."""
    await asyncio.sleep(max(0.0, moment - time.monotonic()))
    return time.monotonic() - moment


async def ask(visitors: Visitors, number: int, at: float) -> Record:
    """Send one request on a new connection."""
    clients, cookies = visitors.clients, visitors.cookies
    client = clients.client(number)
    request = message(clients, number, cookies.get(client, ""))
    answer = Answer(UNANSWERED if clients.leaves is None else LEFT)
    try:
        async with asyncio.timeout(clients.leaves or CLIENT_TIMEOUT):
            answer = await exchange(visitors.port, request, clients.upload / UPLOAD_PARTS)
    except TimeoutError:
        pass
    except (OSError, EOFError, ValueError):
        answer = Answer(NO_ANSWER)
    if client >= 0 and answer.cookie:
        cookies[client] = answer.cookie
    seconds = time.monotonic() - visitors.started - at
    return Record(at, clients.method(number), answer.outcome, seconds, answer.origin, client)


def message(clients: Clients, number: int, cookie: str = "") -> Sequence[bytes]:
    """The bytes of a request, in the parts in which it is sent."""
    method, target = clients.method(number), f"{clients.path}/{number}"
    body = b'{"order": %d}' % number if method == "POST" else b""
    length = len(body) + clients.missing
    client = clients.client(number) if clients.sessions else number
    lines = [
        f"{method} {target} HTTP/1.1",
        f"Host: {HOST_NAME}",
        f"{ID_HEADER.decode()}: {target}",
        f"CF-Connecting-IP: 203.0.113.{client % 250 + 1}",
        "Connection: close",
        *([f"Cookie: {cookie}"] if cookie else []),
        *([f"Content-Length: {length}", "Content-Type: application/json"] if body else []),
    ]
    head = "\r\n".join(lines).encode() + b"\r\n\r\n"
    size = -(-len(body) // UPLOAD_PARTS) if clients.upload and body else len(body) or 1
    later = [body[begin : begin + size] for begin in range(size, len(body), size)]
    return [head + body[:size], *later]


async def exchange(port: int, request: Sequence[bytes], pause: float = 0.0) -> Answer:
    """Send a request with a pause between its parts, and read its answer.

    A client that leaves meanwhile resets its connection.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for index, part in enumerate(request):
            if index:
                await asyncio.sleep(pause)
            writer.write(part)
        return await read_answer(reader)
    except asyncio.CancelledError:
        reset(writer.transport)
        raise
    finally:
        writer.close()


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """Read an answer; EOFError, OSError or ValueError if there is none."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    version, _, rest = first.partition(" ")
    if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
        return Answer(STRANGE)
    origin = fields.get("x-origin", "")
    cookie = fields.get("set-cookie", "").partition(";")[0]
    try:
        body = await read_body(reader, fields)
    except (OSError, EOFError, ValueError):
        return Answer(CUT, origin, cookie)
    if rest[:3] == OK and (body != BODY or not origin):
        return Answer(STRANGE, origin, cookie)
    return Answer(rest[:3], origin, cookie)


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
