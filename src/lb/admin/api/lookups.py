"""Handlers of paths that can only be read: references, search, regions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lb.admin.api import region_list
from lb.admin.api.resources import BY_KIND, LOAD_BALANCERS, MONITORS, POOLS
from lb.admin.api.visible import VisibleObjects
from lb.admin.calls import Refusal, Result, refused
from lb.admin.codes import Code
from lb.admin.refusals import not_found
from lb.catalog.references import referred

if TYPE_CHECKING:
    from lb.admin.api.request import ApiRequest
    from lb.admin.api.resources import Resource
    from lb.catalog.managed import Managed

REFERRER = "referrer"
"""Type of reference: an object that refers to the one in question."""
REFERRAL = "referral"
"""Type of reference: an object that the one in question refers to."""
SEARCHED = (LOAD_BALANCERS, POOLS, MONITORS)
"""Kinds of object that Cloudflare's search covers."""
_KINDS_OF_REFERENCE = frozenset({"", "*", REFERRER, REFERRAL})


def regions(request: ApiRequest) -> Result:
    """GET regions: return the regions of a country or subdivision, or all."""
    return Result(result=region_list.regions(request.query))


def region(request: ApiRequest) -> Result | Refusal:
    """GET regions/{id}: return one region."""
    found = region_list.region(request.identifier)
    if found is None:
        return refused(404, Code.NOT_FOUND, f"there is no region {request.identifier[:64]}")
    return Result(result=found)


def references(resource: Resource, request: ApiRequest) -> Result | Refusal:
    """GET .../references: return the objects, of any owner, that refer to one."""
    visible = VisibleObjects(request)
    found = visible.find(resource)
    if found is None:
        return not_found(resource.word, request.identifier)
    listed = _referring(visible, found)
    return Result(result=listed, info=one_page(len(listed)))


def search(request: ApiRequest) -> Result | Refusal:
    """GET search: return objects by a part of their names or ids.

    Cloudflare documents `resources`, its Python SDK reads `items`; the answer has both. The SDK
    fetches pages until one is empty, so the first page has everything.
    """
    wanted, query = request.query.get("references", ""), request.query.get("query", "").lower()
    if wanted not in _KINDS_OF_REFERENCE:
        return refused(400, Code.INVALID, 'references must be "", *, referral or referrer')
    page = request.query.get("page", "1")
    visible = VisibleObjects(request)
    found: list[dict[str, Any]] = []
    for resource in SEARCHED if page in {"", "1", "1.0", "0"} else ():
        for one in visible.found(resource):
            entry = _entry(one)
            if query in entry["resource_name"].lower() or query in one.id.lower():
                found.append({**entry, **_with_references(visible, one, wanted)})
    items = [{**one, "resources": [one]} for one in found]
    return Result(result={"resources": found, "items": items}, info=one_page(len(found)))


def _with_references(visible: VisibleObjects, one: Managed, wanted: str) -> dict[str, Any]:
    listed: list[dict[str, str]] = []
    if wanted in {"*", REFERRER}:
        listed += _referring(visible, one)
    if wanted in {"*", REFERRAL}:
        named = {each.id for each in referred(one)}
        found = (other for other in visible.catalog.objects.values() if other.id in named)
        listed += [{"reference_type": REFERRAL, **_entry(other)} for other in found]
    return {"references": listed} if wanted else {}


def _referring(visible: VisibleObjects, to: Managed) -> list[dict[str, str]]:
    return [{"reference_type": REFERRER, **_entry(one)} for one in visible.store.referrers(to.id)]


def _entry(one: Managed) -> dict[str, str]:
    resource = BY_KIND[one.kind]
    return {
        "resource_id": one.id,
        "resource_name": resource.name_of(one),
        "resource_type": resource.type,
    }


def one_page(count: int) -> dict[str, int]:
    """Return Cloudflare's result_info of a list that has one page."""
    return {
        "page": 1,
        "per_page": max(count, 25),
        "count": count,
        "total_count": count,
        "total_pages": 1,
    }
