"""Sends probes through the runtime's fetch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import js
from pyodide.ffi import JsException

from lb.monitors.words import Answer, ProbeFailure
from lb.worker.runtime import js_object

if TYPE_CHECKING:
    from lb.monitors.words import Probe, Reply
    from lb.worker.promises import Timers


class FetchProber:
    """The Prober port."""

    def __init__(self, timers: Timers) -> None:
        self._timers = timers

    async def send(self, probe: Probe) -> Reply:
        """Ask, read as much of the body as the probe wants, and let go of the rest."""
        signal, timer = self._timers.signal(probe.timeout)
        try:
            response = await js.fetch(probe.url, _options(probe, signal))
            return Answer(status=response.status, body=await _start_of(response, probe.body_limit))
        except JsException as error:
            aborted = error.name == "AbortError"
            return ProbeFailure.TIMEOUT if aborted else ProbeFailure.CONNECTION
        finally:
            self._timers.stop(timer)


def _options(probe: Probe, signal: Any) -> Any:
    headers = js.Headers.new()
    for name, value in probe.headers:
        headers.append(name, value)
    return js_object(
        method=probe.method,
        headers=headers,
        signal=signal,
        redirect="follow" if probe.follow_redirects else "manual",
    )


async def _start_of(response: Any, limit: int) -> bytes:
    """Return up to `limit` bytes of a body, chunk by chunk, so that an endless one does no harm."""
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
