"""The runtime's own things in one place: clock, chance, log, background work, JS values."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from random import random
from typing import TYPE_CHECKING, Any

import _pyodide_entrypoint_helper
import js
from pyodide.ffi import to_js

from lb.log_events import Event, fields_of, trouble

if TYPE_CHECKING:
    from collections.abc import Coroutine

clock = time.time
chance = random


def js_object(**values: Any) -> Any:
    """Return a JavaScript object. A dict given as options is ignored, or kills the isolate."""
    return to_js(values, dict_converter=js.Object.fromEntries)


def connect(address: str) -> Any:
    """Open a TCP connection; https://developers.cloudflare.com/workers/runtime-apis/tcp-sockets/."""
    return _pyodide_entrypoint_helper.cloudflareSocketsModule.connect(address)


def log(event: Event) -> None:
    """Write one line of JSON, which escapes whatever a client or an origin put into a value."""
    now = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")
    print(json.dumps({"time": now, **fields_of(event)}))  # noqa: T201 (stdout is the Worker's log)


def in_background(ctx: Any, work: Coroutine[Any, Any, None]) -> None:
    """Let `work` go on behind the response.

    The runtime hands out a context whose waitUntil drops a coroutine; its own helper, which the
    SDK uses for its handler classes, makes it take one.
    """
    _pyodide_entrypoint_helper.patchWaitUntil(ctx)
    ctx.waitUntil(_guarded(work))


async def _guarded(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 (in the background nobody else would ever see it)
        log(trouble("background work failed", error))
