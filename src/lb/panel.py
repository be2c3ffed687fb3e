"""What the status page and the command line ask of the Durable Object."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from lb.actions import INVALID, TAKES_OUT, Action, Wish, carried_out, left_without, wish_in
from lb.base.times import rfc3339
from lb.calls import Fault, Refusal, Result, refused
from lb.catalog.managed import Kind
from lb.catalog.store import Changed
from lb.config.reading.problems import nearest
from lb.report import report

if TYPE_CHECKING:
    from lb.calls import Call
    from lb.catalog.managed import Managed
    from lb.room import Room

MOST_CHARTS = 200
"""Origins in one answer: each takes some kilobytes."""
MOST_FIELDS = 1100

NOTHING_SERVES = 1200
"""No configuration is good."""
NOT_ALLOWED = 10405
"""Cloudflare's code for a method that a path does not take."""
GONE = 1001
OF_THE_FILE = 1101
"""The object comes from the file, and changes with a deployment alone."""


def status(room: Room, call: Call) -> Result | Refusal:
    """GET /status: see lb.report.report for its shape.

    `?charts=<pool>`, once or more, adds `charts`: those of the origins of these pools, and of all
    load balancers (lb.metrics.history.history), for MOST_CHARTS origins at most.
    """
    if call.method not in {"GET", "HEAD"}:
        return refused(405, NOT_ALLOWED, f"{call.path} is only read: use GET")
    told = _reported(room)
    wanted = _charts_in(call.query)
    if isinstance(told, Refusal) or not wanted or room.keeper is None:
        return told
    left, drawn = MOST_CHARTS, []
    for pool in room.keeper.config.pools:
        if pool.name in wanted and len(pool.origins) <= left:
            left -= len(pool.origins)
            drawn.append(pool.name)
    charts = room.keeper.ledger.charts(drawn, room.clock())
    return Result(result={**told.result, "charts": charts})


def _charts_in(query: str) -> set[str]:
    """Return the names of the pools whose charts are wanted."""
    try:
        return set(parse_qs(query, max_num_fields=MOST_FIELDS).get("charts", ()))
    except ValueError:
        return set()


def act(room: Room, call: Call) -> Result | Refusal:
    """POST /actions: change one origin (lb.actions.wish_in says what the body is).

    The result is {"version", "changed", "origin"}: the origin as in the status, after it. What is
    so already makes no version.
    """
    if call.method != "POST":
        return refused(405, NOT_ALLOWED, "POST carries out an action")
    wish = wish_in(call.body)
    if not isinstance(wish, Wish):
        return Refusal(status=400, faults=wish)
    place = _place(room, wish)
    if isinstance(place, Refusal):
        return place
    pool, index = place
    origins = list(pool.document["origins"])
    after = carried_out(wish, origins[index], room.clock())
    # What was drained until its time was over is disabled, and keeps the time since when.
    over = wish.action is Action.DISABLE and _shown(room, wish).get("state") == "disabled"
    changed = after != origins[index] and not over
    if changed:
        origins[index] = after
        stopped = _change(room, call, wish, pool, origins)
        if stopped is not None:
            return stopped
    shown = _shown(room, wish) or None
    return Result(result={"version": room.store.version, "changed": changed, "origin": shown})


def _shown(room: Room, wish: Wish) -> dict[str, Any]:
    """Return an origin as the status shows it; an empty one where it does not."""
    found = _reported(room)
    if isinstance(found, Refusal):
        return {}
    pool = _named(found.result["pools"], wish.pool)
    return _named(pool.get("origins", []), wish.origin)


def _reported(room: Room) -> Result | Refusal:
    store, keeper, config = room.store, room.keeper, room.store.effective.config
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
            key: {"share": share} for key, share in keeper.ledger.shares(room.clock()).items()
        },
        messages=[
            f"loadbalancer.toml does not go with what was configured here, and is not used: {one}"
            for one in problems
        ],
        read_only=lambda kind, name: (Kind(kind), name) in fixed,
    )
    return Result(result=report(config, known, room.clock()))


def _place(room: Room, wish: Wish) -> tuple[Managed, int] | Refusal:
    """Return the pool and the place of an origin in it, or why it cannot be changed."""
    catalog = room.store.catalog
    pool = catalog.named(Kind.POOL, wish.pool)
    if pool is None:
        hint = nearest(wish.pool, [one.name for one in catalog.of(Kind.POOL)])
        return refused(404, GONE, f"there is no such pool{hint}", "/pool")
    names = [_name(one) for one in pool.document["origins"]]
    if wish.origin not in names:
        hint = nearest(wish.origin, names)
        return refused(404, GONE, f"the pool has no such origin{hint}", "/origin")
    if pool.read_only:
        message = (
            "this pool comes from loadbalancer.toml and changes with a deployment alone; "
            "to change it here, adopt what the file says first: POST /adopt, or `evenkeel adopt`"
        )
        return refused(403, OF_THE_FILE, message, "/pool")
    return pool, names.index(wish.origin)


def _change(
    room: Room, call: Call, wish: Wish, pool: Managed, origins: list[dict[str, Any]]
) -> Refusal | None:
    """Make the change, or say why it must not be made."""
    config, now = room.store.effective.config, room.clock()
    if config is not None and wish.action in TAKES_OUT:
        alone = left_without(config, wish.pool, wish.origin)
        faults = [
            Fault(
                code=INVALID,
                message=f"load balancer {name}: not one pool would have an origin that is enabled",
                pointer="/origin",
            )
            for name in alone
        ]
        if faults:
            return Refusal(status=400, faults=tuple(faults))
    document = {**pool.document, "origins": origins, "modified_on": rfc3339(now)}
    said = room.store.change(
        [replace(pool, document=document)], author=call.author, now=now, note=wish.words
    )
    if isinstance(said, Changed):
        return None
    wrong = getattr(said, "wrong", ())
    return Refusal(
        status=400, faults=tuple(Fault(code=INVALID, message=one.sentence) for one in wrong)
    )


def _name(origin: dict[str, Any]) -> str:
    """Return an origin's name: one without goes by its address (lb.config.pools)."""
    return str(origin.get("name") or origin.get("address") or "")


def _named(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next((one for one in rows if one["name"] == name), {})
