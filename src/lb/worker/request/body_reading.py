"""Bodies of requests: read before they are sent, or passed on with their end in sight."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import js
from pyodide.ffi import JsException, to_js

from lb.proxy.uploads import LOOKS_FOR, Upload

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.worker.request.fetches import Timers


async def whole(request: Any, seconds: float) -> tuple[Upload, Any]:
    """Read the body of a request, whose length is known; return it as an ArrayBuffer."""
    try:
        return Upload.WHOLE, await asyncio.wait_for(request.arrayBuffer(), seconds)
    except TimeoutError:
        return Upload.SLOW, None
    except JsException:
        return Upload.BROKEN, None


class Upstream:
    """A body of unknown length: its start, and a stream of all of it.

    The stream is the runtime's own branch of the body, and does not enter Python. It is piped, so
    that the pipe's promise tells when the client has sent all of it.
    """

    def __init__(self, body: Any) -> None:
        looked_at, passed_on = body.tee()
        self._reader = looked_at.getReader()
        self._passed_on = passed_on
        self._sent: Any = None
        self.start: Any = None
        """The whole body as a Uint8Array, where it is short."""
        self.size = 0
        """Bytes of the start that was read."""
        self.stream: Any = None
        """The body, where it goes on."""

    async def peek(self, limit: int) -> Upload:
        """Read `limit` bytes at most, for LOOKS_FOR at most."""
        try:
            ended = await asyncio.wait_for(self._read(limit), LOOKS_FOR)
        except TimeoutError:
            ended = False
        except JsException:
            return Upload.BROKEN
        await self._cancel(self._passed_on if ended else self._reader)
        if ended:
            return Upload.WHOLE
        identity = js.IdentityTransformStream.new()
        self._sent = self._passed_on.pipeTo(identity.writable)
        self.stream = identity.readable
        return Upload.GOES_ON

    def when_sent(self, begin: Callable[[], None], broken: Callable[[], None]) -> None:
        """Call `begin` when the client has sent the whole body, `broken` if it breaks it off."""
        self._waiting = asyncio.ensure_future(self._wait(begin, broken))

    async def _read(self, limit: int) -> bool:
        """Read the start of the body; return whether it is all of it."""
        found = b""
        while len(found) <= limit:
            chunk = await self._reader.read()
            if chunk.done:
                self.start = to_js(found)
                self.size = len(found)
                return True
            found += chunk.value.to_bytes()
        return False

    async def _wait(self, begin: Callable[[], None], broken: Callable[[], None]) -> None:
        try:
            await self._sent
        except JsException:
            broken()  # the fetch would wait for the rest
        else:
            begin()

    @staticmethod
    async def _cancel(side: Any) -> None:
        """Stop reading one of the two branches; the other goes on."""
        with suppress(JsException, TimeoutError):
            await asyncio.wait_for(side.cancel(), LOOKS_FOR)


class Limit:
    """The time limit of one fetch."""

    def __init__(self, timers: Timers, controller: Any) -> None:
        self._timers = timers
        self._controller = controller
        self._timer: int | None = None
        self._ended = False

    def begin(self, seconds: float) -> None:
        """Abort the fetch after `seconds`, unless it has ended."""
        if not self._ended:
            self._timer = self._timers.limit(self._controller, seconds)

    def end(self) -> None:
        """The fetch has ended."""
        self._ended = True
        if self._timer is not None:
            self._timers.stop(self._timer)
