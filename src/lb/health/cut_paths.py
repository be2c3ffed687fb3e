"""Cut answers by origin and path: whether the origin or the path is at fault."""

from __future__ import annotations

from enum import Enum
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lb.model import LoadBalancer, Origin, OriginKey

    Place = tuple[str, str]
    """A load balancer, and a path there: others may serve something else at that path."""

CUTS_COUNT_FOR = 60.0
"""Seconds for which a cut counts: against its origin, and for or against its path."""

REPEATED_FOR = 3.0
"""Seconds for which an origin must cut a path that another origin delivers whole, until that counts
like cuts of several paths."""

MOST_PATHS = 64
"""Most paths that are remembered; the one whose latest cut is oldest goes first."""

LONGEST_PATH = 200
"""Characters of a path that are compared."""


class Blame(Enum):
    """What a cut answer says."""

    PATH = "the path is cut at several origins, so the cut says nothing about this one"
    UNCLEAR = "the origin or the path may be at fault"
    ORIGIN = "the origin cuts off whatever it is asked for"


class _Row:
    """The cuts of one origin since its latest whole answer."""

    __slots__ = ("cuts", "latest", "paths", "since")

    def __init__(self, now: float) -> None:
        self.since = now
        self.latest = now
        self.cuts = 0
        self.paths: set[Place] = set()


class _Path:
    """How answers to one path have ended. Times are in seconds since the Unix epoch."""

    __slots__ = ("cut_at", "latest", "whole_at")

    def __init__(self) -> None:
        self.cut_at: dict[str, float] = {}
        """Time of the latest cut by the origin's URL: one server may be in several pools."""
        self.latest = -inf
        """Time of the latest cut."""
        self.whole_at = -inf
        """Time of the latest whole answer, of any origin."""

    def blamed(self, now: float) -> bool:
        """Whether several origins cut the path off, and none delivers it."""
        recently = now - CUTS_COUNT_FOR
        cutting = sum(at > recently for at in self.cut_at.values())
        return cutting > 1 and self.whole_at <= recently


class CutPaths:
    """The recent cuts of one isolate; plain data, a few paths and no more."""

    def __init__(self) -> None:
        self._rows: dict[OriginKey, _Row] = {}
        self.paths: dict[Place, _Path] = {}
        """Paths with recent cuts, in the order of these. Empty = there have been none."""

    def suspects(self, key: OriginKey, now: float) -> bool:
        """Whether an origin has cuts on record, which a whole answer would clear."""
        self._forget(now)
        return key in self._rows

    def concerns(self, lb: LoadBalancer, origin: Origin, path: str, now: float) -> bool:
        """Whether a whole answer of this origin to this path would prove something."""
        return self.suspects(origin.key, now) or _place(lb, path) in self.paths

    def whole(self, lb: LoadBalancer, origin: Origin, path: str, now: float) -> bool:
        """Record a whole answer; return whether it cleared its origin."""
        self._forget(now)
        seen = self.paths.get(_place(lb, path))
        if seen is not None:
            seen.whole_at = now
            seen.cut_at.pop(origin.url, None)
        return self._rows.pop(origin.key, None) is not None

    def cut(
        self, lb: LoadBalancer, origin: Origin, path: str, now: float
    ) -> tuple[Blame, Iterable[OriginKey]]:
        """Record a cut; return what it says, and the origins that it clears."""
        self._forget(now)
        place, enough = _place(lb, path), lb.ejection.consecutive_failures + 1
        seen = self._seen(place)
        seen.cut_at[origin.url] = seen.latest = now
        if seen.blamed(now):
            return Blame.PATH, self._cleared_of(place)
        row = self._rows.setdefault(origin.key, _Row(now))
        row.latest, row.cuts = now, min(row.cuts + 1, enough)
        if len(row.paths) < enough:
            row.paths.add(place)
        return (Blame.ORIGIN if _convicts(row, seen, enough, now) else Blame.UNCLEAR), ()

    def _seen(self, place: Place) -> _Path:
        """Return what is remembered of a path, as the one that was cut last."""
        seen = self.paths.pop(place, None) or _Path()
        self.paths[place] = seen
        if len(self.paths) > MOST_PATHS:
            del self.paths[next(iter(self.paths))]
        return seen

    def _cleared_of(self, place: Place) -> list[OriginKey]:
        """Take a path out of all rows; return the origins whose rows have ended by that."""
        cleared = []
        for key, row in list(self._rows.items()):
            row.paths.discard(place)
            if not row.paths:
                del self._rows[key]
                cleared.append(key)
        return cleared

    def _forget(self, now: float) -> None:
        """Drop what no longer counts."""
        oldest = now - CUTS_COUNT_FOR
        for key in [key for key, row in self._rows.items() if row.latest <= oldest]:
            del self._rows[key]
        for place, seen in list(self.paths.items()):
            if seen.latest > oldest:
                break
            del self.paths[place]


def _place(lb: LoadBalancer, path: str) -> Place:
    return lb.name, path[:LONGEST_PATH]


def _convicts(row: _Row, seen: _Path, enough: int, now: float) -> bool:
    """Whether a row of cuts, the latest of them of the path `seen`, is the origin's fault.

    `enough` different paths are the origin's fault. Where everything has one path, the comparison
    with another origin must do.
    """
    if len(row.paths) >= enough:
        return True
    elsewhere = seen.whole_at >= row.since
    return elsewhere and row.cuts >= enough and now - row.since >= REPEATED_FOR
