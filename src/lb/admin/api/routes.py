"""Routes of Cloudflare's API: literal tables of paths, methods and handlers.

https://developers.cloudflare.com/api/resources/load_balancers/
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from lb.admin.api import lookups, objects, preview_results
from lb.admin.api.event_list import events
from lb.admin.api.pool_health import pool_health
from lb.admin.api.request import ApiRequest, fixed_id
from lb.admin.api.resources import LOAD_BALANCERS, MONITOR_GROUPS, MONITORS, POOLS
from lb.admin.calls import Refusal, refused
from lb.admin.codes import Code
from lb.admin.refusals import impossible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lb.admin.api.resources import Resource
    from lb.admin.calls import Call, Result
    from lb.admin.handlers.context import HandlerContext

    Handler = Callable[[ApiRequest], Result | Refusal]
    Methods = Mapping[str, Handler]

ROOT = "/client/v4/"
ANY = "*"
"""Placeholder of an identifier in a path."""
LONGEST_PATH = 2000
MOST_PARAMETERS = 50
LONGEST_IDENTIFIER = 128


def _collection(resource: Resource) -> Methods:
    return {
        "GET": partial(objects.listed, resource),
        "POST": partial(objects.create, resource),
    }


def _single(resource: Resource) -> Methods:
    return {
        "GET": partial(objects.get, resource),
        "PUT": partial(objects.replace, resource),
        "PATCH": partial(objects.edit, resource),
        "DELETE": partial(objects.delete, resource),
    }


def _references(resource: Resource) -> Methods:
    return {"GET": partial(lookups.references, resource)}


OF_BALANCERS: Mapping[tuple[str, ...], Methods] = {
    (): _collection(LOAD_BALANCERS),
    (ANY,): _single(LOAD_BALANCERS),
}
OF_THE_REST: Mapping[tuple[str, ...], Methods] = {
    ("monitors",): _collection(MONITORS),
    ("monitors", ANY): _single(MONITORS),
    ("monitors", ANY, "preview"): {"POST": preview_results.of_monitor},
    ("monitors", ANY, "references"): _references(MONITORS),
    ("monitor_groups",): _collection(MONITOR_GROUPS),
    ("monitor_groups", ANY): _single(MONITOR_GROUPS),
    ("monitor_groups", ANY, "references"): _references(MONITOR_GROUPS),
    ("pools",): {**_collection(POOLS), "PATCH": objects.edit_all_pools},
    ("pools", ANY): _single(POOLS),
    ("pools", ANY, "health"): {"GET": pool_health},
    ("pools", ANY, "preview"): {"POST": preview_results.of_pool},
    ("pools", ANY, "references"): _references(POOLS),
    ("preview", ANY): {"GET": preview_results.result},
    ("regions",): {"GET": lookups.regions},
    ("regions", ANY): {"GET": lookups.region},
    ("search",): {"GET": lookups.search},
}
OF_EVENTS: Mapping[tuple[str, ...], Methods] = {("events",): {"GET": events}}

# `_route` tries fixed steps before ids, so `monitors` is never the id of a load balancer.
BY_OWNER: Mapping[tuple[str, str], Mapping[tuple[str, ...], Methods]] = {
    ("accounts", "load_balancers"): {**OF_BALANCERS, **OF_THE_REST},
    ("zones", "load_balancers"): OF_BALANCERS,
    ("user", "load_balancers"): {**OF_BALANCERS, **OF_THE_REST},
    ("accounts", "load_balancing_analytics"): OF_EVENTS,
    ("user", "load_balancing_analytics"): OF_EVENTS,
}
"""By owner and subject of a path, then by the steps below."""


def handle(context: HandlerContext, call: Call) -> Result | Refusal:
    """Answer a call below /client/v4."""
    if len(call.path) > LONGEST_PATH:
        return refused(414, Code.NO_ROUTE, "the path is too long")
    found = _route(call.path.removeprefix(ROOT))
    if found is None:
        return refused(
            404, Code.NO_ROUTE, f"could not route to {call.path[:200]}: no such endpoint"
        )
    scope, identifier, methods = found
    owner, _, given = scope.partition("/")
    known = fixed_id(context, owner)
    if known and given != known:
        return refused(404, Code.NO_ROUTE, f"[admin] of the file names another of the {owner}")
    method = "GET" if call.method == "HEAD" else call.method
    handler = methods.get(method)
    if handler is None:
        return impossible(call.method, *methods)
    query = _query(call.query)
    if isinstance(query, Refusal):
        return query
    return handler(
        ApiRequest(context=context, call=call, scope=scope, identifier=identifier, query=query)
    )


def _route(path: str) -> tuple[str, str, Methods] | None:
    """Return the scope of a path, the id in it ("" without one) and its methods; None: no route."""
    steps = [unquote(step) for step in path.removesuffix("/").split("/")]
    owner, *rest = steps
    number = 0 if owner == "user" else 1
    if len(rest) <= number or not all(0 < len(step) <= LONGEST_IDENTIFIER for step in steps):
        return None
    scope = "/".join([owner, *rest[:number]])
    table = BY_OWNER.get((owner, rest[number]))
    below = tuple(rest[number + 1 :])
    if table is None:
        return None
    if below in table and ANY not in below:
        return scope, "", table[below]
    for place in (0, 1):
        pattern = (*below[:place], ANY, *below[place + 1 :])
        if len(below) > place and pattern in table:
            return scope, below[place], table[pattern]
    return None


def _query(text: str) -> dict[str, str] | Refusal:
    """Return the parameters of a query; the last value of each."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError:
        return refused(400, Code.INVALID, f"the query has more than {MOST_PARAMETERS} parameters")
    return dict(pairs)
