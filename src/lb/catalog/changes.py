"""The differences between two catalogs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from lb.catalog.managed import WORDS
from lb.catalog.references import renamed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lb.catalog.managed import Catalog, Kind, Managed

_COMPUTED = frozenset({"created_on", "modified_on"})
"""Fields that every change updates."""


class Action(Enum):
    """How an object changed."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Difference:
    """One changed value; None = absent."""

    path: str
    """Place in the object: `origins[0].weight`."""
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The change of one object."""

    action: Action
    kind: Kind
    name: str
    id: str
    fields: tuple[Difference, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "action": self.action.value,
            "kind": self.kind.value,
            "name": self.name,
            "id": self.id,
            "fields": [asdict(each) for each in self.fields],
        }

    def __str__(self) -> str:
        return f"{self.action.value} {WORDS[self.kind]} {self.name}"


def changes(before: Catalog, after: Catalog) -> tuple[Change, ...]:
    """Return every change from one catalog to another: created, changed, deleted.

    What refers to others is compared by their ids, and shown with their names.
    """
    everything = {**before.objects, **after.objects}
    names = {(one.kind, one.id): one.name for one in everything.values()}
    found = []
    for one in after.objects.values():
        was = before.objects.get(one.id)
        if was is None:
            found.append(_change(Action.CREATE, one, differences({}, _named(one, names))))
        elif fields := differences(_shown(was), _shown(one)):
            named = differences(_named(was, names), _named(one, names))
            found.append(_change(Action.UPDATE, one, named or fields))
    found += [
        _change(Action.DELETE, one, differences(_named(one, names), {}))
        for one in before.objects.values()
        if one.id not in after.objects
    ]
    return tuple(found)


def summary(made: tuple[Change, ...]) -> str:
    """Return changes in one line."""
    first = ", ".join(map(str, made[:3]))
    return f"{first} and {len(made) - 3} more" if len(made) > 3 else first


def differences(before: object, after: object, path: str = "") -> tuple[Difference, ...]:
    """Return the places where two documents differ; list elements compare by index."""
    return tuple(_differences(before, after, path))


def _differences(before: object, after: object, path: str) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in (*before, *(key for key in after if key not in before)):
            step = f"{path}.{key}" if path else str(key)
            yield from _differences(before.get(key), after.get(key), step)
    elif isinstance(before, list | tuple) and isinstance(after, list | tuple):
        for index in range(max(len(before), len(after))):
            one = before[index] if index < len(before) else None
            other = after[index] if index < len(after) else None
            yield from _differences(one, other, f"{path}[{index}]")
    elif before != after:
        yield Difference(path, before, after)


def _shown(one: Managed) -> dict[str, Any]:
    return {key: value for key, value in one.document.items() if key not in _COMPUTED}


def _named(one: Managed, names: Mapping[tuple[Kind, str], str]) -> dict[str, Any]:
    return renamed(one.kind, _shown(one), lambda to, known: names.get((to, known), known))


def _change(action: Action, one: Managed, fields: tuple[Difference, ...]) -> Change:
    return Change(action=action, kind=one.kind, name=one.name, id=one.id, fields=fields)
