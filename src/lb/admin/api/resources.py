"""The four kinds of object of the API, and their differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lb.admin.api import documents
from lb.catalog.managed import WORDS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.admin.api.documents import Document
    from lb.catalog.managed import Managed


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A kind of object."""

    kind: Kind
    shown: Callable[[Document], Document]
    """Turns a document into what callers see."""
    label: str = "name"
    """Key of the name that people use."""
    deleted_whole: bool = False
    """Whether the answer to a deletion is the whole object, not only its id."""

    @property
    def word(self) -> str:
        """Name of the kind in messages: `monitor group`."""
        return WORDS[self.kind]

    @property
    def type(self) -> str:
        """Cloudflare's `resource_type`: `monitor_group`."""
        return self.word.replace(" ", "_")

    def name_of(self, one: Managed) -> str:
        """Return the name that people use for an object."""
        return str(one.document.get(self.label) or one.document.get("name") or "")


MONITORS = Resource(kind=Kind.MONITOR, shown=documents.monitor, label="description")
MONITOR_GROUPS = Resource(
    kind=Kind.MONITOR_GROUP, shown=dict, label="description", deleted_whole=True
)
POOLS = Resource(kind=Kind.POOL, shown=documents.pool)
LOAD_BALANCERS = Resource(kind=Kind.LOAD_BALANCER, shown=documents.load_balancer)
RESOURCES = (LOAD_BALANCERS, POOLS, MONITORS, MONITOR_GROUPS)
BY_KIND = {resource.kind: resource for resource in RESOURCES}
