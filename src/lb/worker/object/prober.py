"""Sends probes: requests through the runtime's fetch, connections through its sockets."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, assert_never

import js
from pyodide.ffi import JsException, to_js

from lb.model.header_secrets import sent
from lb.probing.causes import Phase, ended, failure_of, timed_out
from lb.probing.probe import Answer, Finished, HttpProbe, ProbeFailure, SocketProbe, Unsent
from lb.probing.types.http import bytes_to_read, redirected, unsent
from lb.request.edge_answers import barrier_of, writer_of
from lb.worker.runtime import connect, js_object

if TYPE_CHECKING:
    from lb.model.header_secrets import Secret
    from lb.probing.probe import Dialogue, Probe, Reply
    from lb.worker.request.fetches import Timers


class FetchProber:
    """The Prober port."""

    def __init__(self, timers: Timers, secret: Secret) -> None:
        self._timers = timers
        self._secret = secret

    async def send(self, probe: Probe) -> Reply:
        """Send a probe, and close whatever was opened for it."""
        try:
            match probe:
                case HttpProbe():
                    return await self._fetch(probe)
                case SocketProbe():
                    return await _connect(probe)
                case _:
                    assert_never(probe)
        except Exception:  # noqa: BLE001 (an unclear verdict is better than none)
            return ProbeFailure.OTHER

    async def _fetch(self, probe: HttpProbe) -> Answer | Unsent | ProbeFailure:
        missing = unsent(probe, self._secret)
        if missing is not None:
            return missing
        signal, timer = self._timers.signal(probe.timeout)
        phase = Phase.ASKING
        try:
            response = await js.fetch(probe.url, self._options(probe, signal))
            while True:
                following = redirected(probe, response.status, _header(response, "location"))
                if following is None:
                    break
                await _start_of(response, 0)
                if isinstance(following, ProbeFailure):
                    return following
                probe = following
                response = await js.fetch(probe.url, self._options(probe, signal))
            phase = Phase.READING
            status, header = response.status, partial(_header, response)
            writer, barrier = writer_of(status, header), barrier_of(status, header)
            body = await _start_of(response, bytes_to_read(probe, status, writer))
            return Answer(status=status, body=body, writer=writer, barrier=barrier)
        except JsException as error:
            return failure_of(phase, str(error.name), str(error.message))
        finally:
            self._timers.stop(timer)

    def _options(self, probe: HttpProbe, signal: Any) -> Any:
        headers = js.Headers.new()
        for name, value in sent(probe.headers, self._secret)[0]:
            headers.append(name, value)
        # We follow redirects ourselves: the runtime follows more of them, and from https to http.
        # no-store bypasses the cache of the origin's zone, and sends Cache-Control and Pragma
        # no-cache.
        return js_object(
            method=probe.method, headers=headers, signal=signal, redirect="manual", cache="no-store"
        )


def _header(response: Any, name: str) -> str:
    return response.headers.get(name) or ""


async def _start_of(response: Any, limit: int) -> bytes:
    """Return up to `limit` bytes of a body, chunk by chunk, as it may be endless."""
    if not response.body:
        return b""
    if not limit:
        await response.body.cancel()
        return b""
    reader = response.body.getReader()
    start = b""
    while len(start) < limit:
        chunk = await reader.read()
        if chunk.done:
            return start
        start += chunk.value.to_bytes()
    await reader.cancel()
    return start[:limit]


async def _connect(probe: SocketProbe) -> Finished | ProbeFailure:
    phase = Phase.CONNECTING
    socket: Any = None
    try:
        async with asyncio.timeout(probe.timeout):
            socket = connect(f"{probe.host}:{probe.port}")
            await socket.opened
            phase = Phase.TALKING
            return await _talk(socket, probe.dialogue()) if probe.dialogue else Finished()
    except TimeoutError:
        return timed_out(phase)
    except JsException as error:
        return failure_of(phase, str(error.name), str(error.message))
    finally:
        if socket is not None:
            await _close(socket)


async def _talk(socket: Any, dialogue: Dialogue) -> Finished | ProbeFailure:
    reader, writer = socket.readable.getReader(), socket.writable.getWriter()
    while True:
        chunk = await reader.read()
        if chunk.done:
            return ended(Phase.TALKING)
        step = dialogue.received(chunk.value.to_bytes())
        if isinstance(step, Finished):
            return step
        if step:
            await writer.write(to_js(step))


CLOSE_SECONDS = 1.0
"""Seconds to wait for a socket to close: while it is still connecting, closing it never ends."""


async def _close(socket: Any) -> None:
    with suppress(JsException, TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await socket.close()
