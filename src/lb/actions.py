"""What the status page and the command line do to one origin: drain, disable, enable, weight."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from lb.base.bounded_json import Unreadable, bounded_json
from lb.base.times import rfc3339
from lb.calls import Fault
from lb.config.reading.problems import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
