"""Whole configurations: adopting the file's objects, and applying a document."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lb.base.times import rfc3339
from lb.catalog.changes import differences
from lb.catalog.effective import Stored
from lb.catalog.merging import objects_in, settings_in
from lb.catalog.references import renamed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.catalog.managed import Catalog, Kind, Managed

STAMPS = ("created_on", "modified_on")


def adopted(catalog: Catalog, now: float) -> Stored:
    """Return the state in which the API owns every object."""
    own = (
        _stamped(replace(one, read_only=False), None, now) if one.read_only else one
        for one in catalog.objects.values()
    )
    return Stored(own=tuple(own), adopted=True)


def applied(catalog: Catalog, document: Mapping[str, Any], now: float) -> Stored:
    """Return the state that a valid document in a file's shape describes.

    An object keeps its id, its scope and what Evenkeel notes of it where its name stays.
    """
    wanted = objects_in(document, read_only=False)
    before = {one.id: catalog.named(one.kind, one.name) for one in wanted}
    ids = {(one.kind, one.id): was.id for one in wanted if (was := before[one.id]) is not None}

    def same(kind: Kind, reference: str) -> str:
        return ids.get((kind, reference), reference)

    own = []
    for one in wanted:
        was = before[one.id]
        moved = replace(
            one,
            id=same(one.kind, one.id),
            document=renamed(one.kind, one.document, same),
            scope=was.scope if was else "",
        )
        own.append(_stamped(moved, was, now))
    return Stored(own=tuple(own), adopted=True)


def other_settings(document: Mapping[str, Any], made: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the settings of a document that differ from the served ones and cannot be applied."""
    wanted = settings_in(document)
    return tuple(sorted(key for key, value in wanted.items() if made.get(key) != value))


def _stamped(one: Managed, was: Managed | None, now: float) -> Managed:
    """Return an object with its created_on and modified_on."""
    bare = {key: value for key, value in one.document.items() if key not in STAMPS}
    stamp = rfc3339(now)
    if was is None:
        return replace(one, document={**bare, "created_on": stamp, "modified_on": stamp})
    known = {key: was.document[key] for key in STAMPS if key in was.document}
    old = {key: value for key, value in was.document.items() if key not in STAMPS}
    if not was.read_only and not differences(old, bare):
        return replace(one, document={**bare, **known})
    return replace(one, document={"created_on": stamp, **bare, **known, "modified_on": stamp})
