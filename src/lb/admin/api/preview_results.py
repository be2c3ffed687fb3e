"""Previews: trial runs of a monitor on pools, carried out after the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lb.admin.api.documents import writable
from lb.admin.api.pool_health import probe_result
from lb.admin.api.resources import MONITORS, POOLS
from lb.admin.api.visible import VisibleObjects, without_effect
from lb.admin.calls import Refusal, Result, refused
from lb.admin.codes import Code
from lb.admin.refusals import invalid, not_found
from lb.catalog.merging import pointer_of
from lb.config import Invalid, parse
from lb.config.doubts import notes_of
from lb.object.previews import Previews

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lb.admin.api.request import ApiRequest
    from lb.catalog.managed import Managed

_NAME = "preview"
_AT = f"$.{MONITORS.kind.value}[0]"
_OF_POOLS = frozenset({"monitor", "monitor_group", "check_regions"})
"""Keys of a pool that choose how it is probed."""


def of_monitor(request: ApiRequest) -> Result | Refusal:
    """POST monitors/{id}/preview: try the monitor, changed by the body, on all of its pools."""
    visible = VisibleObjects(request)
    found = visible.find(MONITORS)
    if found is None:
        return not_found(MONITORS.word, request.identifier)
    pools = [one for one in visible.catalog.of(POOLS.kind) if _monitored_by(visible, one, found.id)]
    return _preview(request, found.document, pools)


def of_pool(request: ApiRequest) -> Result | Refusal:
    """POST pools/{id}/preview: try the pool's monitor, changed by the body, on this pool."""
    visible = VisibleObjects(request)
    found = visible.find(POOLS)
    if found is None:
        return not_found(POOLS.word, request.identifier)
    monitor = visible.catalog.objects.get(str(found.document.get("monitor")))
    return _preview(request, monitor.document if monitor else {}, [found])


def result(request: ApiRequest) -> Result | Refusal:
    """GET preview/{id}: return the results so far; they are kept for an hour."""
    found = Previews(request.context.sql).result(request.identifier, request.context.clock())
    if found is None:
        return refused(404, Code.NOT_FOUND, "there is no such preview: each is kept for an hour")
    return Result(
        result={
            pool: {
                "healthy": seen["healthy"],
                "origins": [
                    {address: probe_result(**verdict) for address, verdict in origin.items()}
                    for origin in seen["origins"]
                ],
            }
            for pool, seen in found.items()
        }
    )


def _preview(
    request: ApiRequest, monitor: Mapping[str, Any], pools: Iterable[Managed]
) -> Result | Refusal:
    body = request.body() if request.call.body.strip() else {}
    if isinstance(body, Refusal):
        return body
    pools = tuple(pools)
    document = {
        MONITORS.kind.value: [{**monitor, **writable(body), "name": _NAME}],
        POOLS.kind.value: [_on(one) for one in pools],
    }
    parsed = parse(document, lenient=True)
    if isinstance(parsed, Invalid):
        return invalid(
            (pointer_of(problem.path.removeprefix(_AT)), problem.message)
            for problem in parsed.problems
        )
    if not parsed.monitors:
        return refused(400, Code.INVALID, "a Worker cannot probe as this monitor says", "/type")
    one, names = VisibleObjects(request).new_id(), {each.id: each.name for each in pools}
    Previews(request.context.sql).add(one, document, names, request.context.clock())
    notes = (
        without_effect(pointer, reason)
        for path, reason in notes_of(document, parsed)
        if path.startswith(_AT) and (pointer := pointer_of(path.removeprefix(_AT)))
    )
    return Result(result={"preview_id": one, "pools": names}, notes=tuple(notes))


def _on(pool: Managed) -> dict[str, Any]:
    bare = {key: value for key, value in pool.document.items() if key not in _OF_POOLS}
    return {**bare, "monitor": _NAME}


def _monitored_by(visible: VisibleObjects, pool: Managed, monitor: str) -> bool:
    document = pool.document
    if document.get("monitor") == monitor:
        return True
    group = visible.catalog.objects.get(str(document.get("monitor_group")))
    members = group.document.get("members") if group else None
    return any(isinstance(one, dict) and one.get("monitor_id") == monitor for one in members or ())
