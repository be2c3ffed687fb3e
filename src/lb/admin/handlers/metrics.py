"""GET /metrics: everything that is counted, in OpenMetrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.admin.calls import Answer, Refusal
from lb.admin.refusals import NOTHING_SERVES, nothing_at, unless_read
from lb.metrics.text.openmetrics import CONTENT_TYPE

if TYPE_CHECKING:
    from lb.admin.calls import Call
    from lb.admin.handlers.context import HandlerContext


def metrics(context: HandlerContext, call: Call) -> Answer | Refusal:
    """Answer with all metrics; the query is ignored."""
    if call.path.rstrip("/") != "/metrics":
        return nothing_at(call.path)
    refusal = unless_read(call)
    if refusal is not None:
        return refusal
    if context.keeper is None:
        return NOTHING_SERVES
    current = context.keeper.current_state(context.store.version)
    return Answer(body=context.keeper.totals.text(current), content_type=CONTENT_TYPE)
