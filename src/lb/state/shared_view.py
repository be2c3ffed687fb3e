"""The view of health that all isolates share, and its text."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from enum import Enum
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from lb.base.stored_json import (
    DamagedError,
    as_enum,
    as_int,
    as_list,
    as_number,
    as_object,
    as_text,
    parsed,
)
from lb.health.verdict import OriginHealth
from lb.model import Health

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lb.model import OriginKey


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
    returned: Mapping[OriginKey, float] = field(default_factory=lambda: NOBODY)
    """Times at which changes of the configuration brought origins back, while that matters."""


NOBODY: Mapping[OriginKey, float] = MappingProxyType({})

NOTHING_SHARED = SharedHealth(version=0, fingerprint="", probed=0.0, origins=MappingProxyType({}))
"""The view before anything is known."""


def to_json(shared: SharedHealth) -> str:
    """Return the text of a shared view."""
    returned = [[*key, at] for key, at in shared.returned.items()]
    return json.dumps(
        {
            "version": shared.version,
            "fingerprint": shared.fingerprint,
            "probed": shared.probed,
            "origins": [[*key, health_to_row(one)] for key, one in shared.origins.items()],
            **({"returned": returned} if returned else {}),
        },
        separators=(",", ":"),
    )


def from_json(text: str) -> SharedHealth | None:
    """Return the view that a text describes; None = it describes none."""
    try:
        return _shared(parsed(text))
    except ValueError:
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
    try:
        return _health(row)
    except ValueError:
        return None


def _shared(value: object) -> SharedHealth:
    document = as_object(value)
    return SharedHealth(
        version=as_int(document.get("version")),
        fingerprint=as_text(document.get("fingerprint")),
        probed=as_number(document.get("probed")),
        origins=MappingProxyType(dict(map(_origin, as_list(document.get("origins"))))),
        returned=MappingProxyType(dict(map(_returned, as_list(document.get("returned", []))))),
    )


def _origin(row: object) -> tuple[OriginKey, OriginHealth]:
    pool, origin, health = as_list(row)
    return (as_text(pool), as_text(origin)), _health(health)


def _returned(row: object) -> tuple[OriginKey, float]:
    pool, origin, at = as_list(row)
    return (as_text(pool), as_text(origin)), as_number(at)


def _health(row: object) -> OriginHealth:
    given = as_object(row)
    return OriginHealth(
        **{name: read(given[name]) for name, read in READERS.items() if name in given}
    )


def _latencies(value: object) -> tuple[tuple[str, float], ...]:
    pairs = map(as_list, as_list(value))
    return tuple((as_text(region), as_number(seconds)) for region, seconds in pairs)


def _members(value: object) -> tuple[tuple[str, OriginHealth], ...]:
    pairs = map(as_list, as_list(value))
    return tuple((as_text(name), _member(row)) for name, row in pairs)


def _member(row: object) -> OriginHealth:
    if as_object(row).get("members"):  # a member of a group is not a group
        raise DamagedError
    return _health(row)


READERS: Mapping[str, Callable[[object], Any]] = {
    "health": partial(as_enum, Health),
    "streak": as_int,
    "since": as_number,
    "checked": as_number,
    "cause": as_text,
    "recovered": as_number,
    "latencies": _latencies,
    "members": _members,
}
"""The reader of each field of OriginHealth."""

_OFTEN_EMPTY = frozenset({"latencies", "members"})
