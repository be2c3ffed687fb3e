"""Actions on one origin: drain, disable, enable, weight."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from lb.admin.calls import Fault
from lb.admin.codes import Code
from lb.base.bounded_json import Unreadable, bounded_json
from lb.base.times import rfc3339
from lb.config.reading.problems import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lb.model import Config


class Action(Enum):
    """What to do with an origin."""

    DRAIN = "drain"
    """Take nothing new; keep its sessions for drain_duration."""
    DISABLE = "disable"
    """Take nothing."""
    ENABLE = "enable"
    WEIGHT = "weight"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRequest:
    """An action on an origin; whether the origin exists has not been checked."""

    action: Action
    pool: str
    origin: str
    weight: float | None = None
    """For `WEIGHT` only."""

    @property
    def summary(self) -> str:
        """The action in words, for the list of versions."""
        value = "" if self.weight is None else f" to {self.weight:g}"
        return f"{WORDS[self.action]} {self.origin} in {self.pool}{value}"


WORDS: Mapping[Action, str] = {
    Action.DRAIN: "drain",
    Action.DISABLE: "disable",
    Action.ENABLE: "enable",
    Action.WEIGHT: "set the weight of",
}
TAKES_OUT = frozenset({Action.DRAIN, Action.DISABLE})


def read_action(text: str) -> ActionRequest | tuple[Fault, ...]:
    """Return the action in a body, or everything that is wrong with the body.

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
    return ActionRequest(action=action, pool=body["pool"], origin=body["origin"], weight=weight)


def after_action(request: ActionRequest, origin: Mapping[str, Any], now: float) -> dict[str, Any]:
    """Return an origin's document after an action; an equal one when nothing changes."""
    return CHANGES[request.action](dict(origin), request, now)


def left_without(config: Config, pool: str, origin: str) -> list[str]:
    """Return the load balancers that would have no other enabled origin."""
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


def _drained(origin: dict[str, Any], _request: ActionRequest, now: float) -> dict[str, Any]:
    """Disable an origin as of now; one that is disabled already keeps its time."""
    if origin.get("enabled", True) is False:
        return origin
    return {**origin, "enabled": False, "disabled_at": rfc3339(now)}


def _disabled(origin: dict[str, Any], _request: ActionRequest, _now: float) -> dict[str, Any]:
    """Disable an origin without a time, so nothing is drained (lb.health.maintenance)."""
    return {**_timeless(origin), "enabled": False}


def _enabled(origin: dict[str, Any], _request: ActionRequest, _now: float) -> dict[str, Any]:
    if origin.get("enabled", True) is True and "disabled_at" not in origin:
        return origin
    return {**_timeless(origin), "enabled": True}


def _weighted(origin: dict[str, Any], request: ActionRequest, _now: float) -> dict[str, Any]:
    if origin.get("weight", 1) == request.weight:
        return origin
    return {**origin, "weight": request.weight}


def _timeless(origin: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in origin.items() if key != "disabled_at"}


CHANGES: Mapping[Action, Callable[[dict[str, Any], ActionRequest, float], dict[str, Any]]] = {
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
    pointer = f"/{step}" if key else ""
    return Fault(code=Code.INVALID, message=f"{where}{message}", pointer=pointer)
