"""Objects are made, read, changed and deleted: the same way for all four kinds."""

from __future__ import annotations

from dataclasses import replace as changed
from typing import TYPE_CHECKING, Any

from lb.admin.api.documents import dated, taken
from lb.admin.api.lookups import one_page
from lb.admin.api.resources import POOLS
from lb.admin.api.visible import Shelf, shown
from lb.admin.calls import Refusal, Result
from lb.admin.codes import invalid, not_found
from lb.catalog.managed import Kind, Managed

if TYPE_CHECKING:
    from lb.admin.api.request import Asked
    from lb.admin.api.resources import Resource


def listed(resource: Resource, asked: Asked) -> Result:
    """GET: every object on one page, whatever page was asked for."""
    found = [shown(one) for one in Shelf(asked).seen(resource)]
    monitor = asked.query.get("monitor")
    if resource is POOLS and monitor:
        found = [one for one in found if one.get("monitor") == monitor]
    return Result(result=found, info=one_page(len(found)))


def create(resource: Resource, asked: Asked) -> Result | Refusal:
    """POST: make an object."""
    body = _body(asked, {})
    if isinstance(body, Refusal):
        return body
    shelf = Shelf(asked)
    document = dated(resource.kind, body, None, asked.room.clock())
    made = Managed(kind=resource.kind, id=shelf.new_id(), document=document, scope=asked.scope)
    return shelf.put(made)


def get(resource: Resource, asked: Asked) -> Result | Refusal:
    """GET one."""
    shelf = Shelf(asked)
    found = shelf.find(resource)
    if found is None:
        return not_found(resource.word, asked.identifier)
    return shelf.show(found)


def replace(resource: Resource, asked: Asked) -> Result | Refusal:
    """PUT: what is not in the body has its default from now on."""
    return _change(resource, asked, whole=True)


def edit(resource: Resource, asked: Asked) -> Result | Refusal:
    """PATCH: what is not in the body stays."""
    return _change(resource, asked, whole=False)


def _change(resource: Resource, asked: Asked, *, whole: bool) -> Result | Refusal:
    shelf = Shelf(asked)
    found = shelf.find(resource)
    if found is None:
        return not_found(resource.word, asked.identifier)
    refusal = shelf.refused_change(found)
    if refusal is not None:
        return refusal
    body = _body(asked, {} if whole else dict(found.document))
    if isinstance(body, Refusal):
        return body
    document = dated(resource.kind, body, found.document, asked.room.clock())
    return shelf.put(changed(found, document=document))


def delete(resource: Resource, asked: Asked) -> Result | Refusal:
    """DELETE one that nothing refers to."""
    shelf = Shelf(asked)
    found = shelf.find(resource)
    if found is None:
        return not_found(resource.word, asked.identifier)
    return shelf.refused_change(found) or shelf.delete(found)


def edit_all_pools(asked: Asked) -> Result | Refusal:
    """PATCH pools: all of them at once. Cloudflare's only field here is one that can be cleared."""
    body = asked.body()
    if isinstance(body, Refusal):
        return body
    wrong = [
        (f"/{key}", 'only notification_email can be changed for all pools, and only to ""')
        for key, value in body.items()
        if key != "notification_email" or value != ""
    ]
    if wrong:
        return invalid(wrong[:20])
    shelf = Shelf(asked)
    pools = [one for one in shelf.seen(POOLS) if one.document.get("notification_email")]
    own = [one for one in pools if not one.read_only] if body else []
    now = asked.room.clock()
    refusal = shelf.put_all(
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
    return refusal or listed(POOLS, asked)


def _body(asked: Asked, before: dict[str, Any]) -> dict[str, Any] | Refusal:
    """Return the document that a body makes of another one."""
    body = asked.body()
    if isinstance(body, Refusal):
        return body
    return {**taken(before), **taken(body)}
