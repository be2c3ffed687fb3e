"""The Worker: hooks the runtime's handlers to the balancer. Wiring only."""

from lb.worker.edge import on_fetch

__all__ = ["on_fetch"]
