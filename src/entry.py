"""The Worker: hooks the runtime's handlers to the balancer. Wiring only."""

from lb.worker.object.cron import on_scheduled
from lb.worker.object.state import State
from lb.worker.request.direct import direct
from lb.worker.request.isolate import answer

__all__ = ["State", "on_fetch", "on_scheduled"]

on_fetch = direct(answer, globals(), "on_fetch")
