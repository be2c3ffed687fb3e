"""Managed objects: what a catalog holds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Kind(Enum):
    """What an object is, by its place in a configuration and in Cloudflare's paths."""

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
"""How messages call them; the same words stand in lb.config's References."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Managed:
    """One object as Cloudflare's API has it: references are ids."""

    kind: Kind
    id: str
    """32 hexadecimal digits."""
    document: Mapping[str, Any]
    """Everything but its id. A monitor and a group may have a `name`, which the API lacks."""
    scope: str = ""
    """Where it was made: `accounts/<id>`, `zones/<id>` or `user`; empty: seen everywhere."""
    read_only: bool = False
    """Whether it comes from the file, and changes with a deployment alone."""

    @property
    def name(self) -> str:
        """How a configuration refers to it."""
        name = self.document.get("name")
        return name if isinstance(name, str) and name else self.id


@dataclass(frozen=True, slots=True)
class Catalog:
    """All objects of one moment, by their ids."""

    objects: Mapping[str, Managed]

    def of(self, kind: Kind) -> Iterator[Managed]:
        """Yield the objects of a kind, in their order."""
        return (one for one in self.objects.values() if one.kind is kind)

    def named(self, kind: Kind, name: str) -> Managed | None:
        """Return the object of a name."""
        return next((one for one in self.of(kind) if one.name == name), None)
