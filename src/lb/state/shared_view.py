"""The view of health that all isolates share, and its text."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from enum import Enum
from math import isfinite
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from lb.health.verdict import OriginHealth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lb.model import OriginKey


_SAMPLE = OriginHealth()


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedHealth:
    """Health of all origins, as one prober found it."""

    version: int
    """Grows with each change that isolates need."""
    fingerprint: str
    """lb.model.identity of the configuration that the view belongs to."""
    probed: float
    """End of the latest round of probes; 0 = no round is known."""
    origins: Mapping[OriginKey, OriginHealth]


NOTHING_SHARED = SharedHealth(version=0, fingerprint="", probed=0.0, origins=MappingProxyType({}))
"""The view before anything is known."""


class _UnreadableError(Exception):
    """A text of another program, or a damaged one."""


def to_json(shared: SharedHealth) -> str:
    """Return the text of a shared view."""
    return json.dumps(
        {
            "version": shared.version,
            "fingerprint": shared.fingerprint,
            "probed": shared.probed,
            "origins": [[*key, health_to_row(one)] for key, one in shared.origins.items()],
        },
        separators=(",", ":"),
    )


def from_json(text: str) -> SharedHealth | None:
    """Return the view that a text describes; None = it describes none."""
    try:
        return _shared(json.loads(text))
    except (_UnreadableError, ValueError, OverflowError, RecursionError):
        return None


def health_to_row(health: OriginHealth) -> dict[str, Any]:
    """Return an origin's health as JSON can hold it."""
    row = {
        one.name: value.value if isinstance(value, Enum) else value
        for one in fields(health)
        for value in [getattr(health, one.name)]
    }
    row["members"] = [[name, health_to_row(member)] for name, member in health.members]
    # Most origins have neither latencies nor members; missing keys keep the text short.
    return {name: value for name, value in row.items() if value or name not in _OFTEN_EMPTY}


def health_from_row(row: object) -> OriginHealth | None:
    """Return the health that a row describes, with defaults for missing keys; None = a bad row."""
    if not isinstance(row, dict):
        return None
    try:
        return OriginHealth(
            **{
                one.name: _field(one.name, row[one.name])
                for one in fields(OriginHealth)
                if one.name in row
            }
        )
    except (_UnreadableError, ValueError, OverflowError):
        return None


def _shared(document: Any) -> SharedHealth:
    if not isinstance(document, dict) or not isinstance(document.get("origins"), list):
        raise _UnreadableError
    origins: dict[OriginKey, OriginHealth] = {}
    for row in document["origins"]:
        if not isinstance(row, list) or len(row) != 3:
            raise _UnreadableError
        health = health_from_row(row[2])
        if health is None:
            raise _UnreadableError
        origins[_like("", row[0]), _like("", row[1])] = health
    return SharedHealth(
        version=_like(0, document.get("version")),
        fingerprint=_like("", document.get("fingerprint")),
        probed=_like(0.0, document.get("probed")),
        origins=MappingProxyType(origins),
    )


def _field(name: str, value: object) -> Any:
    read = _READ.get(name)
    return _like(getattr(_SAMPLE, name), value) if read is None else read(value)


def _pairs(value: object) -> list[list[Any]]:
    if not isinstance(value, list) or not all(
        isinstance(one, list) and len(one) == 2 for one in value
    ):
        raise _UnreadableError
    return value


def _latencies(value: object) -> tuple[tuple[str, float], ...]:
    return tuple((_like("", region), _like(0.0, seconds)) for region, seconds in _pairs(value))


def _members(value: object) -> tuple[tuple[str, OriginHealth], ...]:
    found = tuple((_like("", name), health_from_row(row)) for name, row in _pairs(value))
    if any(member is None or member.members for _, member in found):
        raise _UnreadableError
    return tuple((name, member) for name, member in found if member is not None)


def _like(sample: Any, value: object) -> Any:
    """Return a value of the sample's type; a whole number may stand for a float."""
    if isinstance(sample, Enum):
        return type(sample)(value)
    if isinstance(sample, float) and type(value) in {int, float}:
        value = float(value)  # type: ignore[arg-type] # one of the two
    if type(value) is not type(sample) or (isinstance(value, float) and not isfinite(value)):
        raise _UnreadableError
    return value


_READ: Mapping[str, Callable[[object], Any]] = {"latencies": _latencies, "members": _members}


_OFTEN_EMPTY = frozenset(_READ)
