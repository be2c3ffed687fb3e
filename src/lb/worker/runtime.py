"""Clock, chance, log, background work and JavaScript values of the runtime."""

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
    """Return a JavaScript object. A dict in place of options is ignored, or ends the isolate."""
    return to_js(values, dict_converter=js.Object.fromEntries)


def connect(address: str) -> Any:
    """Open a TCP connection; https://developers.cloudflare.com/workers/runtime-apis/tcp-sockets/."""
    return _pyodide_entrypoint_helper.cloudflareSocketsModule.connect(address)


def log(event: Event) -> None:
    """Write an event as one line of JSON, which escapes whatever clients and origins send."""
    now = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")
    print(json.dumps({"time": now, **fields_of(event)}))  # noqa: T201 (stdout is the Worker's log)


def in_background(ctx: Any, work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine behind the response.

    The waitUntil of a plain handler's context drops coroutines. The runtime's own helper, which the
    SDK uses for handler classes, makes it accept them.
    """
    _pyodide_entrypoint_helper.patchWaitUntil(ctx)
    ctx.waitUntil(_guarded(work))


async def _guarded(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 (nothing else reports an error of background work)
        log(trouble("background work failed", error))
