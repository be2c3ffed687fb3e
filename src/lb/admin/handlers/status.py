"""GET /status: the present state of everything, with charts on request."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from lb.admin.calls import Refusal, Result
from lb.admin.handlers.status_document import status_document
from lb.admin.refusals import NOTHING_SERVES, unless_read
from lb.catalog.managed import Kind
from lb.model.missing_secrets import problems_of

if TYPE_CHECKING:
    from typing import Any

    from lb.admin.calls import Call
    from lb.admin.handlers.context import HandlerContext

MOST_CHARTS = 200
"""Origins in one answer: each takes some kilobytes."""
MOST_FIELDS = 1100
"""Parameters of a query: each of the 1000 pools, and some more."""


def status(context: HandlerContext, call: Call) -> Result | Refusal:
    """Answer with the status document.

    `?charts=<pool>`, once or more, adds `charts` (lb.metrics.history): of the origins of these
    pools, `MOST_CHARTS` at most, and of all load balancers.
    """
    refusal = unless_read(call)
    if refusal is not None:
        return refusal
    document, wanted = status_now(context), _charts_in(call.query)
    if document is None:
        return NOTHING_SERVES
    if wanted and context.keeper is not None:
        left, drawn = MOST_CHARTS, []
        for pool in context.keeper.config.pools:
            if pool.name in wanted and len(pool.origins) <= left:
                left -= len(pool.origins)
                drawn.append(pool.name)
        document["charts"] = context.keeper.totals.charts(drawn, context.clock())
    return Result(result=document)


def status_now(context: HandlerContext) -> dict[str, Any] | None:
    """Return the status document; None while no stored configuration is valid."""
    store, keeper, config = context.store, context.keeper, context.store.effective.config
    if keeper is None or config is None:
        return None
    fixed = {(one.kind, one.name) for one in store.catalog.objects.values() if one.read_only}
    problems = store.effective.problems if store.version else ()
    known = replace(
        keeper.known(),
        version=store.version,
        traffic={
            key: {"share": share} for key, share in keeper.totals.shares(context.clock()).items()
        },
        messages=[
            f"loadbalancer.toml does not go with what was configured here, and is not used: {one}"
            for one in problems
        ]
        + list(problems_of(config, context.secret)),
        read_only=lambda kind, name: (Kind(kind), name) in fixed,
    )
    return status_document(config, known, context.clock())


def _charts_in(query: str) -> set[str]:
    """Return the names of the pools whose charts are requested."""
    try:
        return set(parse_qs(query, max_num_fields=MOST_FIELDS).get("charts", ()))
    except ValueError:
        return set()
