"""Answers whoever collects metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.admin.calls import Answer, Refusal, refused
from lb.metrics.text.openmetrics import CONTENT_TYPE

if TYPE_CHECKING:
    from lb.admin.calls import Call
    from lb.admin.handlers.context import HandlerContext

NO_ROUTE = 7003
NOT_ALLOWED = 10405
"""Cloudflare's codes for a path that leads nowhere, and a method that it does not take."""
NOTHING_SERVES = 1200


def metrics(context: HandlerContext, call: Call) -> Answer | Refusal:
    """GET /metrics: everything in OpenMetrics, whatever the query says."""
    if call.path.rstrip("/") != "/metrics":
        return refused(404, NO_ROUTE, f"there is nothing at {call.path}")
    if call.method not in {"GET", "HEAD"}:
        return refused(405, NOT_ALLOWED, f"{call.path} is only read: use GET")
    if context.keeper is None:
        return refused(
            503, NOTHING_SERVES, "nothing that is configured can serve: apply one that can"
        )
    moment = context.keeper.moment(context.store.version)
    return Answer(body=context.keeper.totals.text(moment), content_type=CONTENT_TYPE)
