"""Converts documents to objects and back: a file refers by name, the API by id."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lb.catalog.managed import Catalog, Kind, Managed
from lb.catalog.references import renamed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lb.config import Problem

_ID = re.compile(r"[0-9a-f]{32}")
_PLACE = re.compile(r"\$\.([a-z_]+)\[(\d+)\]")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]|\[\"((?:[^\"\\]|\\.)*)\"\]")

NAMED_BY: Mapping[Kind, str] = {
    Kind.MONITOR: "name",
    Kind.MONITOR_GROUP: "id",
    Kind.POOL: "name",
    Kind.LOAD_BALANCER: "name",
}
"""The key by which other objects of a file refer to an object."""


_UNNAMED = frozenset({Kind.MONITOR, Kind.MONITOR_GROUP})
"""Cloudflare's API has no names for them."""


def id_of(kind: Kind, name: str) -> str:
    """Return the id of a file's object: the same in every isolate and deployment."""
    return hashlib.sha256(f"{kind.value}/{name}".encode()).hexdigest()[:32]


def objects_in(document: Mapping[str, Any], *, read_only: bool = True) -> tuple[Managed, ...]:
    """Return the objects of a good document in the shape of a file."""
    found = []
    for kind in Kind:
        key = NAMED_BY[kind]
        for entry in document.get(kind.value) or ():
            name = str(entry[key])
            given = str(entry.get("id", ""))
            own = kind is not Kind.MONITOR_GROUP and _ID.fullmatch(given)
            found.append((kind, name, given if own else id_of(kind, name), plain(entry)))
    ids = {(kind, name): one for kind, name, one, _ in found}
    return tuple(
        Managed(
            kind=kind,
            id=one,
            document={
                **renamed(
                    kind,
                    {key: value for key, value in entry.items() if key != "id"},
                    lambda to, called: ids.get((to, called), called),
                ),
                "name": name,
            },
            read_only=read_only,
        )
        for kind, name, one, entry in found
    )


def settings_in(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that are not objects; they change only with a deployment."""
    objects = {kind.value for kind in Kind}
    return {key: plain(value) for key, value in document.items() if key not in objects}


def merged(file: Iterable[Managed], own: Iterable[Managed]) -> Catalog:
    """Return the file's objects and the API's, which replace those of the same name."""
    kept = {one.id: one for one in own}
    names = {(one.kind, one.name): one.id for one in kept.values()}
    instead = {
        (one.kind, one.id): names[one.kind, one.name]
        for one in file
        if (one.kind, one.name) in names
    }

    def stand_in(kind: Kind, reference: str) -> str:
        return instead.get((kind, reference), reference)

    objects = {
        one.id: replace(one, document=renamed(one.kind, one.document, stand_in))
        for one in file
        if (one.kind, one.id) not in instead and one.id not in kept
    }
    return Catalog({**objects, **kept})


@dataclass(frozen=True, slots=True)
class Composed:
    """A catalog as one document in a file's shape, with the object behind each place."""

    document: dict[str, Any]
    owners: Mapping[tuple[str, int], Managed] = field(default_factory=dict)

    def owner(self, problem: Problem) -> Managed | None:
        """Return the object that a problem is in."""
        found = _PLACE.match(problem.path)
        return self.owners.get((found[1], int(found[2]))) if found else None

    def pointer(self, problem: Problem) -> str:
        """Return the JSON pointer (RFC 6901) of a problem in its object, or in the document."""
        found = _PLACE.match(problem.path)
        inside = found is not None and self.owner(problem) is not None
        return pointer_of(problem.path[found.end() :] if found and inside else problem.path[1:])

    def words(self, problem: Problem) -> str:
        """Return a problem's message with the names of the objects that it mentions."""
        return _PLACE.sub(self._called, problem.message)

    def _called(self, place: re.Match[str]) -> str:
        owner = self.owners.get((place[1], int(place[2])))
        return place[0] if owner is None else f'{place[1]} "{owner.name}"'


def pointer_of(path: str) -> str:
    """Return the JSON pointer of the part of a path after its `$`."""
    steps = (step[1] or step[2] or step[3] or "" for step in _STEP.finditer(path))
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def composed(catalog: Catalog, settings: Mapping[str, Any]) -> Composed:
    """Return the document of a catalog; an unknown reference keeps its id as the name."""
    names = {(one.kind, one.id): one.name for one in catalog.objects.values()}
    document: dict[str, Any] = dict(settings)
    owners: dict[tuple[str, int], Managed] = {}
    for kind in Kind:
        entries = document[kind.value] = []
        for one in catalog.of(kind):
            owners[kind.value, len(entries)] = one
            entry = renamed(
                kind, one.document, lambda to, reference: names.get((to, reference), reference)
            )
            called = entry.pop("name", None)
            if not called and kind in _UNNAMED:
                called = one.id
            entries.append({NAMED_BY[kind]: called, **entry})
    return Composed(document, owners)


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: TOML's dates and times as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
