"""References between objects: found and renamed by the tables that validate them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from lb.catalog.managed import WORDS, Kind
from lb.config.objects.load_balancer_fields import LOAD_BALANCER
from lb.config.objects.monitor_fields import MONITOR, MONITOR_GROUP
from lb.config.objects.pool_fields import POOL
from lb.config.reading.tables import Table
from lb.config.reading.values import ListOf, MapOf, Reference

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.catalog.managed import Managed

    Rename = Callable[[Kind, str], str]

TABLES: Mapping[Kind, Table] = {
    Kind.MONITOR: MONITOR,
    Kind.MONITOR_GROUP: MONITOR_GROUP,
    Kind.POOL: POOL,
    Kind.LOAD_BALANCER: LOAD_BALANCER,
}
_KINDS = {word: kind for kind, word in WORDS.items()}


class Referred(NamedTuple):
    """An object that another one refers to."""

    kind: Kind
    id: str


def renamed(kind: Kind, document: Mapping[str, Any], rename: Rename) -> dict[str, Any]:
    """Return a document with each reference replaced by `rename(kind, reference)`."""
    found: dict[str, Any] = _rewritten(TABLES[kind], document, rename)
    return found


def referred(one: Managed) -> frozenset[Referred]:
    """Return the references of an object."""
    found: set[Referred] = set()

    def note(kind: Kind, name: str) -> str:
        found.add(Referred(kind, name))
        return name

    renamed(one.kind, one.document, note)
    return frozenset(found)


def _rewritten(kind: object, value: Any, rename: Rename) -> Any:
    """Return a value with its references renamed; values of another shape are kept."""
    if isinstance(kind, Reference) and isinstance(value, str):
        return rename(_KINDS[kind.to], value)
    if isinstance(kind, ListOf) and isinstance(value, list | tuple):
        return [_rewritten(kind.kind, each, rename) for each in value]
    if isinstance(kind, MapOf) and isinstance(value, Mapping):
        return {
            _rewritten(kind.key, key, rename): _rewritten(kind.kind, each, rename)
            for key, each in value.items()
        }
    if isinstance(kind, Table) and isinstance(value, Mapping):
        kinds = {field.key: field.kind for field in kind.fields}
        return {key: _rewritten(kinds.get(key), each, rename) for key, each in value.items()}
    return value
