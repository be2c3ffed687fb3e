"""Managed objects, and the catalog that holds them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Kind(Enum):
    """Kinds of object, named as in a configuration and in Cloudflare's paths."""

    MONITOR = "monitors"
    MONITOR_GROUP = "monitor_groups"
    POOL = "pools"
    LOAD_BALANCER = "load_balancers"


WORDS: Mapping[Kind, str] = {
    Kind.MONITOR: "monitor",
    Kind.MONITOR_GROUP: "monitor group",
    Kind.POOL: "pool",
    Kind.LOAD_BALANCER: "load balancer",
}
"""Names in messages, as in lb.config's References."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Managed:
    """One object as Cloudflare's API has it: references are ids."""

    kind: Kind
    id: str
    """Identifier: 32 hexadecimal digits."""
    document: Mapping[str, Any]
    """The object without its id. Monitors and groups may have a `name`, which the API lacks."""
    scope: str = ""
    """Owner: `accounts/<id>`, `zones/<id>` or `user`; empty = visible everywhere."""
    read_only: bool = False
    """Whether it comes from the file and changes only with a deployment."""

    @property
    def name(self) -> str:
        """The name by which a configuration refers to it."""
        name = self.document.get("name")
        return name if isinstance(name, str) and name else self.id


@dataclass(frozen=True, slots=True)
class Catalog:
    """All objects of one version, by id."""

    objects: Mapping[str, Managed]

    def of(self, kind: Kind) -> Iterator[Managed]:
        """Yield the objects of a kind, in their order."""
        return (one for one in self.objects.values() if one.kind is kind)

    def named(self, kind: Kind, name: str) -> Managed | None:
        """Return the object with a name; None = unknown."""
        return next((one for one in self.of(kind) if one.name == name), None)
