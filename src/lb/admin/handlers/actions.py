"""What the status page and the command line do to one origin: drain, disable, enable, weight."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from lb.admin.calls import Fault, Refusal, Result, refused
from lb.admin.handlers.status import NOT_ALLOWED, _reported
from lb.base.bounded_json import Unreadable, bounded_json
from lb.base.times import rfc3339
from lb.catalog.managed import Kind
from lb.catalog.store import Changed
from lb.config.reading.problems import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lb.admin.calls import Call
    from lb.admin.handlers.context import HandlerContext
    from lb.catalog.managed import Managed
    from lb.model import Config


INVALID = 1002
"""Cloudflare's code for what does not pass validation."""


class Action(Enum):
    """What becomes of an origin."""

    DRAIN = "drain"
    """It takes nothing new; its sessions stay for drain_duration."""
    DISABLE = "disable"
    """It takes nothing."""
    ENABLE = "enable"
    WEIGHT = "weight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An action that could be asked for."""

    action: Action
    pool: str
    origin: str
    weight: float | None = None
    """Only of WEIGHT."""

    @property
    def words(self) -> str:
        """What is done, for the list of versions."""
        how = "" if self.weight is None else f" to {self.weight:g}"
        return f"{WORDS[self.action]} {self.origin} in {self.pool}{how}"


WORDS: Mapping[Action, str] = {
    Action.DRAIN: "drain",
    Action.DISABLE: "disable",
    Action.ENABLE: "enable",
    Action.WEIGHT: "set the weight of",
}
TAKES_OUT = frozenset({Action.DRAIN, Action.DISABLE})


def wish_in(text: str) -> Wish | tuple[Fault, ...]:
    """Return what a body asks for, or everything that is wrong with it.

        {"pool": name, "origin": name, "action": "drain"|"disable"|"enable"|"weight", "weight": 0.5}

    The weight, from 0 to 1, belongs to the action `weight`.
    """
    body = bounded_json(text)
    if isinstance(body, Unreadable):
        return (_fault(body.message),)
    if not isinstance(body, dict):
        return (_fault("the body must be a JSON object with pool, origin and action"),)
    known = ("pool", "origin", "action", "weight")
    faults = [
        _fault(f"is no field of an action{nearest(str(key), known)}", str(key))
        for key in body
        if key not in known
    ]
    faults += [
        _fault(f"must be the name of the {key}", key)
        for key in ("pool", "origin")
        if not isinstance(body.get(key), str)
    ]
    actions = {one.value: one for one in Action}
    wanted = body.get("action")
    action = actions.get(wanted) if isinstance(wanted, str) else None
    if action is None:
        faults.append(_fault(f"must be one of {', '.join(actions)}", "action"))
    weight = body.get("weight")
    if action is Action.WEIGHT and not _is_weight(weight):
        faults.append(_fault("must be a number from 0 to 1", "weight"))
    elif action is not None and action is not Action.WEIGHT and weight is not None:
        faults.append(_fault(f"does not belong to {action.value}", "weight"))
    if faults or action is None:
        return tuple(faults)
    return Wish(action=action, pool=body["pool"], origin=body["origin"], weight=weight)


def carried_out(wish: Wish, origin: Mapping[str, Any], now: float) -> dict[str, Any]:
    """Return an origin's document after a wish; the same one where nothing is left to do."""
    return CHANGES[wish.action](dict(origin), wish, now)


def left_without(config: Config, pool: str, origin: str) -> list[str]:
    """Return the load balancers that no other enabled origin would serve."""
    key = (pool, origin)
    return [
        lb.name
        for lb in config.load_balancers
        if lb.enabled
        and any(one.name == pool for one in lb.pools)
        and not any(
            other.enabled and other.key != key
            for one in lb.pools
            if one.enabled
            for other in one.origins
        )
    ]


def _drained(origin: dict[str, Any], _wish: Wish, now: float) -> dict[str, Any]:
    """Its sessions are drained from now on; of one that is off already, since it was."""
    if origin.get("enabled", True) is False:
        return origin
    return {**origin, "enabled": False, "disabled_at": rfc3339(now)}


def _disabled(origin: dict[str, Any], _wish: Wish, _now: float) -> dict[str, Any]:
    """Without the time at which it was disabled, there is nothing to drain (lb.maintenance)."""
    return {**_timeless(origin), "enabled": False}


def _enabled(origin: dict[str, Any], _wish: Wish, _now: float) -> dict[str, Any]:
    if origin.get("enabled", True) is True and "disabled_at" not in origin:
        return origin
    return {**_timeless(origin), "enabled": True}


def _weighted(origin: dict[str, Any], wish: Wish, _now: float) -> dict[str, Any]:
    return origin if origin.get("weight", 1) == wish.weight else {**origin, "weight": wish.weight}


def _timeless(origin: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in origin.items() if key != "disabled_at"}


CHANGES: Mapping[Action, Callable[[dict[str, Any], Wish, float], dict[str, Any]]] = {
    Action.DRAIN: _drained,
    Action.DISABLE: _disabled,
    Action.ENABLE: _enabled,
    Action.WEIGHT: _weighted,
}


def _is_weight(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= 1


def _fault(message: str, key: str = "") -> Fault:
    step = key.replace("~", "~0").replace("/", "~1")
    where = f"{key[:100]} " if key else ""
    return Fault(code=INVALID, message=f"{where}{message}", pointer=f"/{step}" if key else "")


GONE = 1001
OF_THE_FILE = 1101
"""The object comes from the file, and changes with a deployment alone."""


def act(context: HandlerContext, call: Call) -> Result | Refusal:
    """POST /actions: change one origin (lb.actions.wish_in says what the body is).

    The result is {"version", "changed", "origin"}: the origin as in the status, after it. What is
    so already makes no version.
    """
    if call.method != "POST":
        return refused(405, NOT_ALLOWED, "POST carries out an action")
    wish = wish_in(call.body)
    if not isinstance(wish, Wish):
        return Refusal(status=400, faults=wish)
    place = _place(context, wish)
    if isinstance(place, Refusal):
        return place
    pool, index = place
    origins = list(pool.document["origins"])
    after = carried_out(wish, origins[index], context.clock())
    # What was drained until its time was over is disabled, and keeps the time since when.
    over = wish.action is Action.DISABLE and _shown(context, wish).get("state") == "disabled"
    changed = after != origins[index] and not over
    if changed:
        origins[index] = after
        stopped = _change(context, call, wish, pool, origins)
        if stopped is not None:
            return stopped
    shown = _shown(context, wish) or None
    return Result(result={"version": context.store.version, "changed": changed, "origin": shown})


def _place(context: HandlerContext, wish: Wish) -> tuple[Managed, int] | Refusal:
    """Return the pool and the place of an origin in it, or why it cannot be changed."""
    catalog = context.store.catalog
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
    context: HandlerContext, call: Call, wish: Wish, pool: Managed, origins: list[dict[str, Any]]
) -> Refusal | None:
    """Make the change, or say why it must not be made."""
    config, now = context.store.effective.config, context.clock()
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
    said = context.store.change(
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


def _shown(context: HandlerContext, wish: Wish) -> dict[str, Any]:
    """Return an origin as the status shows it; an empty one where it does not."""
    found = _reported(context)
    if isinstance(found, Refusal):
        return {}
    pool = _named(found.result["pools"], wish.pool)
    return _named(pool.get("origins", []), wish.origin)
