"""POST /actions: changes one origin for the status page and the command line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lb.admin.calls import Fault, Refusal, Result, refused
from lb.admin.codes import Code
from lb.admin.handlers.origin_actions import (
    TAKES_OUT,
    Action,
    ActionRequest,
    after_action,
    left_without,
    read_action,
)
from lb.admin.handlers.status import status_now
from lb.admin.refusals import from_file, wrong_method
from lb.base.times import rfc3339
from lb.catalog.managed import Kind
from lb.catalog.store import Changed
from lb.config.reading.problems import nearest

if TYPE_CHECKING:
    from lb.admin.calls import Call
    from lb.admin.handlers.context import HandlerContext
    from lb.catalog.managed import Managed


def actions(context: HandlerContext, call: Call) -> Result | Refusal:
    """Change one origin; `read_action` documents the body.

    The result is {"version", "changed", "origin"}: the origin afterwards, as in the status. An
    action that changes nothing makes no version.
    """
    if call.method != "POST":
        return wrong_method("POST carries out an action")
    request = read_action(call.body)
    if not isinstance(request, ActionRequest):
        return Refusal(status=400, faults=request)
    place = _place(context, request)
    if isinstance(place, Refusal):
        return place
    pool, index = place
    origins = list(pool.document["origins"])
    after = after_action(request, origins[index], context.clock())
    # A drained origin whose time is over is disabled already, and keeps that time.
    is_off = request.action is Action.DISABLE and _state(context, request) == "disabled"
    changed = after != origins[index] and not is_off
    if changed:
        origins[index] = after
        refusal = _change(context, call, request, pool, origins)
        if refusal is not None:
            return refusal
    shown = _shown(context, request) or None
    return Result(result={"version": context.store.version, "changed": changed, "origin": shown})


def _place(context: HandlerContext, request: ActionRequest) -> tuple[Managed, int] | Refusal:
    """Return the pool of an origin and its index there, or why it cannot be changed."""
    catalog = context.store.catalog
    pool = catalog.named(Kind.POOL, request.pool)
    if pool is None:
        hint = nearest(request.pool, [one.name for one in catalog.of(Kind.POOL)])
        return refused(404, Code.NOT_FOUND, f"there is no such pool{hint}", "/pool")
    names = [_name(one) for one in pool.document["origins"]]
    if request.origin not in names:
        hint = nearest(request.origin, names)
        return refused(404, Code.NOT_FOUND, f"the pool has no such origin{hint}", "/origin")
    if pool.read_only:
        return from_file("pool", "/pool")
    return pool, names.index(request.origin)


def _change(
    context: HandlerContext,
    call: Call,
    request: ActionRequest,
    pool: Managed,
    origins: list[dict[str, Any]],
) -> Refusal | None:
    """Store the change, or say why it is refused."""
    config, now = context.store.effective.config, context.clock()
    if config is not None and request.action in TAKES_OUT:
        faults = [
            Fault(
                code=Code.INVALID,
                message=f"load balancer {name}: not one pool would have an origin that is enabled",
                pointer="/origin",
            )
            for name in left_without(config, request.pool, request.origin)
        ]
        if faults:
            return Refusal(status=400, faults=tuple(faults))
    document = {**pool.document, "origins": origins, "modified_on": rfc3339(now)}
    outcome = context.store.change(
        [replace(pool, document=document)], author=call.author, now=now, note=request.summary
    )
    if isinstance(outcome, Changed):
        return None
    wrong = getattr(outcome, "wrong", ())
    return Refusal(
        status=400, faults=tuple(Fault(code=Code.INVALID, message=one.sentence) for one in wrong)
    )


def _name(origin: dict[str, Any]) -> str:
    """Return an origin's name; without one, its address (lb.config.objects)."""
    return str(origin.get("name") or origin.get("address") or "")


def _named(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next((one for one in rows if one["name"] == name), {})


def _shown(context: HandlerContext, request: ActionRequest) -> dict[str, Any]:
    """Return an origin as the status shows it; {} when it is not there."""
    document = status_now(context)
    if document is None:
        return {}
    pool = _named(document["pools"], request.pool)
    return _named(pool.get("origins", []), request.origin)


def _state(context: HandlerContext, request: ActionRequest) -> object:
    return _shown(context, request).get("state")
