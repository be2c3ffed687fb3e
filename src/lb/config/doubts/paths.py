"""Paths of objects in the document of a valid configuration, by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.config.reading.problems import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.model import LoadBalancer, Monitor, Notification, Origin, Pool


class Paths:
    """Paths into one document."""

    def __init__(self, document: Mapping[str, object]) -> None:
        self._places = {key: _places(document, key) for key in _KEYS}

    def balancer(self, lb: LoadBalancer) -> Place:
        """Return the place of a load balancer."""
        return self._place("load_balancers", lb.name)

    def pool(self, pool: Pool) -> Place:
        """Return the place of a pool."""
        return self._place("pools", pool.name)

    def monitor(self, monitor: Monitor) -> Place:
        """Return the place of a monitor."""
        return self._place("monitors", monitor.name)

    def notification(self, notification: Notification) -> Place:
        """Return the place of a notification."""
        return self._place("notifications", notification.name)

    def origin(self, pool: Pool, origin: Origin) -> Place:
        """Return the place of an origin; a pool keeps the document's order."""
        index = next(at for at, one in enumerate(pool.origins) if one.name == origin.name)
        return self.pool(pool) / "origins" / index

    def address(self, pool: Pool, origin: Origin) -> str:
        """Return the path of an origin's address."""
        return (self.origin(pool, origin) / "address").text

    def _place(self, key: str, name: str) -> Place:
        # A load balancer's name is read as lower case.
        return Place() / key / self._places[key].get(name.lower(), 0)


_KEYS = ("load_balancers", "pools", "monitors", "notifications")


def _places(document: Mapping[str, object], key: str) -> dict[str, int]:
    listed = document.get(key)
    found: dict[str, int] = {}
    for index, each in enumerate(listed if isinstance(listed, list | tuple) else ()):
        name = each.get("name") if hasattr(each, "get") else None
        if isinstance(name, str):
            found.setdefault(name.lower(), index)
    return found
