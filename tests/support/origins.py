"""Real HTTP origins on this machine, scripted by a running test.

    with origins(2) as (one, two):
        one.behave(reply(503))
        ...
        assert one.requests[0].target == "/a?b"

By default an origin responds with its name, and with 200 on its health path. Other behaviours are
in support/answers.py. Every request is recorded as it was on the wire.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from support.exchange import Behaviour, Exchange, Request
from support.wire import END_OF_HEAD, Head, head

HOST = "127.0.0.1"
TLS_HOST = "localhost"
"""The name in an origin's certificate."""
NAMES = ("one", "two", "three", "four", "five", "six")
HEALTH_PATH = "/health"
LONGEST_HEAD = 1 << 20
CALL_SECONDS = 10.0

T = TypeVar("T")


TURNS = 5
"""Iterations of the loop that finish what a stopped origin has begun."""


async def _name(exchange: Exchange) -> None:
    """Respond with the origin's name, the default behaviour."""
    await exchange.read_body()
    body = b"" if exchange.request.method == "HEAD" else exchange.name.encode()
    length = ("Content-Length", str(len(exchange.name)))
    await exchange.write(head("HTTP/1.1 200 OK", ("Content-Type", "text/plain"), length) + body)


class _Link(asyncio.StreamReaderProtocol):
    """A connection that reports when the other side closes it."""

    def __init__(
        self, serve: Callable[..., Any], loop: asyncio.AbstractEventLoop, links: set[_Link]
    ) -> None:
        """`links` are the open connections; this one is among them while it is open."""
        self.gone = asyncio.Event()
        self._links = links
        self.transport: asyncio.BaseTransport | None = None
        reader = asyncio.StreamReader(limit=LONGEST_HEAD, loop=loop)
        super().__init__(reader, lambda reader, writer: serve(self, reader, writer), loop)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._links.add(self)
        super().connection_made(transport)

    def eof_received(self) -> bool | None:
        self.gone.set()
        return super().eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        self.gone.set()
        self._links.discard(self)
        super().connection_lost(error)


class Origin:
    """One origin; its methods may be called from any thread."""

    def __init__(
        self, name: str, loop: asyncio.AbstractEventLoop, tls: ssl.SSLContext | None = None
    ) -> None:
        self.name = name
        self._tls = tls
        self.port = 0
        self.connections = 0
        """Number of accepted connections."""
        self.busy = 0
        """Number of requests that are being answered."""
        self.faults: list[Exception] = []
        """Errors of the origin's own script."""
        self._loop = loop
        self._records: list[Request] = []
        self._paths: dict[str, Behaviour] = {}
        self._server: asyncio.Server | None = None
        self._serving: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}
        self._links: set[_Link] = set()
        self.start()

    @property
    def url(self) -> str:
        return (
            f"http://{HOST}:{self.port}" if self._tls is None else f"https://{TLS_HOST}:{self.port}"
        )

    @property
    def open_connections(self) -> int:
        """Number of open connections."""
        return len(self._serving)

    @property
    def requests(self) -> list[Request]:
        """Requests of clients, the oldest first."""
        return [record for record in self._records if record.path != HEALTH_PATH]

    @property
    def probes(self) -> list[Request]:
        """Requests to the health path."""
        return [record for record in self._records if record.path == HEALTH_PATH]

    def behave(self, behaviour: Behaviour = _name, *, path: str = "") -> None:
        """Respond like this from now on; a given path limits it to requests for that path."""
        self._paths[path] = behaviour

    def fail_health(self, behaviour: Behaviour | None = None) -> None:
        """Respond to the health path with 500 or another status; other paths stay as they are."""
        self.behave(behaviour or _unhealthy, path=HEALTH_PATH)

    def start(self) -> None:
        """Listen, on the same port as before."""
        if self._server is None:
            self._call(self._start())

    def stop(self) -> None:
        """Stop listening: new connections are refused, open ones end."""
        if self._server is not None:
            self._call(self._stop())

    def reset(self) -> None:
        """Restore the default behaviour and clear the records."""
        self.start()
        self._paths.clear()
        self._records.clear()
        self.connections = 0

    def _call(self, work: Awaitable[T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_SECONDS)  # type: ignore[arg-type]

    async def _start(self) -> None:
        loop = self._loop
        self._server = await loop.create_server(
            lambda: _Link(self._serve, loop, self._links),
            HOST,
            self.port,
            ssl=self._tls,
            reuse_address=True,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self._server = None
        ending = [task for task in self._serving if task is not None]
        for writer in self._serving.values():
            writer.transport.abort()
        if ending:
            await asyncio.wait(ending)
        # A connection accepted at the last moment gets its transport in one of the next iterations
        # of the loop. An open transport would be an error in whichever later test collects it.
        # (Over TLS, asyncio closes the lower transport by itself, a little later.)
        quiet = 0 if self._tls is None else TURNS
        while quiet < TURNS:
            for link in tuple(self._links):
                if link.transport is not None:
                    link.transport.abort()  # type: ignore[attr-defined] # every socket's has it
            quiet = 0 if self._links else quiet + 1
            await asyncio.sleep(0)

    async def _serve(
        self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        self._serving[asyncio.current_task()] = writer
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._answer(link, reader, writer):
                    pass
        except Exception as error:  # noqa: BLE001 (the script is wrong: the test is told at its end)
            self.faults.append(error)
        finally:
            del self._serving[asyncio.current_task()]
            writer.close()

    async def _answer(
        self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Serve one request; return whether another may follow on this connection."""
        request = Request(Head.parse(await reader.readuntil(END_OF_HEAD)))
        self._records.append(request)
        exchange = Exchange(self.name, request, reader, writer)
        behaviour = self._paths.get(request.path) or self._paths.get("") or _name
        if request.path == HEALTH_PATH:
            behaviour = self._paths.get(HEALTH_PATH, _name)
        self.busy += 1
        answering = asyncio.ensure_future(behaviour(exchange))
        going = asyncio.ensure_future(link.gone.wait())
        try:
            await asyncio.wait({answering, going}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                request.aborted = not exchange.complete
                return False
            answering.result()
        except (ConnectionError, asyncio.IncompleteReadError):
            request.aborted = True
            raise
        finally:
            self.busy -= 1
            for task in (answering, going):
                task.cancel()
        return exchange.keep_alive


async def _unhealthy(exchange: Exchange) -> None:
    await exchange.read_body()
    await exchange.write(head("HTTP/1.1 500 Internal Server Error", ("Content-Length", "0")))


@contextmanager
def origins(count: int = 2, tls: ssl.SSLContext | None = None) -> Iterator[tuple[Origin, ...]]:
    """Run origins called "one", "two", ... during the block, over TLS if `tls` is set."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    running = tuple(Origin(name, loop, tls) for name in NAMES[:count])
    try:
        yield running
    finally:
        for origin in running:
            origin.stop()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
    for origin in running:
        assert origin.faults == [], origin.faults
