"""Handlers that create, read, change and delete objects of all four kinds."""

from __future__ import annotations

from dataclasses import replace as changed
from typing import TYPE_CHECKING, Any

from lb.admin.api.documents import dated, writable
from lb.admin.api.lookups import one_page
from lb.admin.api.resources import POOLS
from lb.admin.api.visible import VisibleObjects, shown
from lb.admin.calls import Refusal, Result
from lb.admin.refusals import invalid, not_found
from lb.catalog.managed import Kind, Managed

if TYPE_CHECKING:
    from lb.admin.api.request import ApiRequest
    from lb.admin.api.resources import Resource


def listed(resource: Resource, request: ApiRequest) -> Result:
    """GET: return every object on one page, whatever page is requested."""
    found = [shown(one) for one in VisibleObjects(request).seen(resource)]
    monitor = request.query.get("monitor")
    if resource is POOLS and monitor:
        found = [one for one in found if one.get("monitor") == monitor]
    return Result(result=found, info=one_page(len(found)))


def create(resource: Resource, request: ApiRequest) -> Result | Refusal:
    """POST: create an object."""
    body = _body(request, {})
    if isinstance(body, Refusal):
        return body
    visible = VisibleObjects(request)
    document = dated(resource.kind, body, None, request.context.clock())
    made = Managed(kind=resource.kind, id=visible.new_id(), document=document, scope=request.scope)
    return visible.put(made)


def get(resource: Resource, request: ApiRequest) -> Result | Refusal:
    """GET: return one object."""
    visible = VisibleObjects(request)
    found = visible.find(resource)
    if found is None:
        return not_found(resource.word, request.identifier)
    return visible.show(found)


def replace(resource: Resource, request: ApiRequest) -> Result | Refusal:
    """PUT: replace an object; keys that are not in the body get their defaults."""
    return _change(resource, request, whole=True)


def edit(resource: Resource, request: ApiRequest) -> Result | Refusal:
    """PATCH: change an object; keys that are not in the body stay."""
    return _change(resource, request, whole=False)


def _change(resource: Resource, request: ApiRequest, *, whole: bool) -> Result | Refusal:
    visible = VisibleObjects(request)
    found = visible.find(resource)
    if found is None:
        return not_found(resource.word, request.identifier)
    refusal = visible.refused_change(found)
    if refusal is not None:
        return refusal
    body = _body(request, {} if whole else dict(found.document))
    if isinstance(body, Refusal):
        return body
    document = dated(resource.kind, body, found.document, request.context.clock())
    return visible.put(changed(found, document=document))


def delete(resource: Resource, request: ApiRequest) -> Result | Refusal:
    """DELETE: remove an object that nothing refers to."""
    visible = VisibleObjects(request)
    found = visible.find(resource)
    if found is None:
        return not_found(resource.word, request.identifier)
    return visible.refused_change(found) or visible.delete(found)


def edit_all_pools(request: ApiRequest) -> Result | Refusal:
    """PATCH pools: change all of them; Cloudflare's only field here can only be cleared."""
    body = request.body()
    if isinstance(body, Refusal):
        return body
    wrong = [
        (f"/{key}", 'only notification_email can be changed for all pools, and only to ""')
        for key, value in body.items()
        if key != "notification_email" or value != ""
    ]
    if wrong:
        return invalid(wrong[:20])
    visible = VisibleObjects(request)
    pools = [one for one in visible.seen(POOLS) if one.document.get("notification_email")]
    own = [one for one in pools if not one.read_only] if body else []
    now = request.context.clock()
    refusal = visible.put_all(
        tuple(
            changed(
                one,
                document=dated(
                    Kind.POOL, {**one.document, "notification_email": ""}, one.document, now
                ),
            )
            for one in own
        )
    )
    return refusal or listed(POOLS, request)


def _body(request: ApiRequest, before: dict[str, Any]) -> dict[str, Any] | Refusal:
    """Return a document with the body's keys, and those of `before` that it lacks."""
    body = request.body()
    if isinstance(body, Refusal):
        return body
    return {**writable(before), **writable(body)}
