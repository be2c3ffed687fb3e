"""The cron trigger: wakes the Durable Object, so that probes go on if its alarm was lost."""

from __future__ import annotations

from typing import Any

from lb.log_events import trouble
from lb.state.refresh import Home
from lb.worker.request.bindings import MAIN
from lb.worker.runtime import log


async def on_scheduled(controller: Any, env: Any, ctx: Any) -> None:  # noqa: ARG001 (the runtime passes them)
    """Wake the object, if there is a binding."""
    try:
        state = getattr(env, Home.OBJECT.value, None)
        if state:
            await state.getByName(MAIN).wake()
    except Exception as error:  # noqa: BLE001 (the next trigger tries again)
        log(trouble("the state object cannot be woken", error))
