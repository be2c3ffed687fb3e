"""The Worker: hooks the runtime's handlers to the balancer. Wiring only."""

from lb.worker.direct import direct
from lb.worker.edge import answer
from lb.worker.schedule import on_scheduled
from lb.worker.state import State

__all__ = ["State", "on_fetch", "on_scheduled"]

on_fetch = direct(answer, globals(), "on_fetch")
