"""GET /status: how everything stands, with the charts that are asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from lb.admin.calls import Refusal, Result, refused
from lb.admin.handlers.status_document import status_document
from lb.catalog.managed import Kind

if TYPE_CHECKING:
    from lb.admin.calls import Call
    from lb.admin.handlers.context import HandlerContext


MOST_CHARTS = 200
"""Origins in one answer: each takes some kilobytes."""
MOST_FIELDS = 1100
NOTHING_SERVES = 1200
"""No configuration is good."""
NOT_ALLOWED = 10405
"""Cloudflare's code for a method that a path does not take."""


def status(context: HandlerContext, call: Call) -> Result | Refusal:
    """GET /status: see lb.report.report for its shape.

    `?charts=<pool>`, once or more, adds `charts`: those of the origins of these pools, and of all
    load balancers (lb.metrics.history.history), for MOST_CHARTS origins at most.
    """
    if call.method not in {"GET", "HEAD"}:
        return refused(405, NOT_ALLOWED, f"{call.path} is only read: use GET")
    told = _reported(context)
    wanted = _charts_in(call.query)
    if isinstance(told, Refusal) or not wanted or context.keeper is None:
        return told
    left, drawn = MOST_CHARTS, []
    for pool in context.keeper.config.pools:
        if pool.name in wanted and len(pool.origins) <= left:
            left -= len(pool.origins)
            drawn.append(pool.name)
    charts = context.keeper.totals.charts(drawn, context.clock())
    return Result(result={**told.result, "charts": charts})


def _charts_in(query: str) -> set[str]:
    """Return the names of the pools whose charts are wanted."""
    try:
        return set(parse_qs(query, max_num_fields=MOST_FIELDS).get("charts", ()))
    except ValueError:
        return set()


def _reported(context: HandlerContext) -> Result | Refusal:
    store, keeper, config = context.store, context.keeper, context.store.effective.config
    if keeper is None or config is None:
        return refused(
            503, NOTHING_SERVES, "nothing that is configured can serve: apply one that can"
        )
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
        ],
        read_only=lambda kind, name: (Kind(kind), name) in fixed,
    )
    return Result(result=status_document(config, known, context.clock()))
