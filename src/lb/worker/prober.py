"""Sends probes through the runtime's fetch."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import js
from pyodide.ffi import JsException

from lb.monitors.words import Answer, ProbeFailure
from lb.worker.runtime import js_object

if TYPE_CHECKING:
    from lb.monitors.words import Probe, Reply


class FetchProber:
    """The Prober port."""

    async def send(self, probe: Probe) -> Reply:
        """Ask, read as much of the body as the probe wants, and let go of the rest."""
        controller = js.AbortController.new()
        loop = asyncio.get_running_loop()
        timer = loop.call_later(probe.timeout, controller.abort)
        try:
            response = await js.fetch(probe.url, _options(probe, controller.signal))
            return Answer(status=response.status, body=await _start_of(response, probe.body_limit))
        except JsException:
            aborted = controller.signal.aborted
            return ProbeFailure.TIMEOUT if aborted else ProbeFailure.CONNECTION
        finally:
            timer.cancel()


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
