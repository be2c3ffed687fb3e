"""A stored version, and the configuration that it makes with a deployment's file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lb.catalog.managed import Catalog, Kind, Managed
from lb.catalog.merging import Composed, composed, merged, objects_in, plain, settings_in
from lb.config import Invalid, parse
from lb.model import Config

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.config import Problem, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A version's content: the API's objects, and the file's document at that time."""

    own: tuple[Managed, ...] = ()
    adopted: bool = False
    """Whether the API has adopted the file's objects, so that the file's are not read."""
    file: Mapping[str, Any] = field(default_factory=dict)
    """The file's document; it keeps serving when a later file does not fit `own`."""
    short_sessions: bool = False

    def to_json(self) -> str:
        return json.dumps(
            {
                "adopted": self.adopted,
                "own": [[one.kind.value, one.id, one.scope, one.document] for one in self.own],
                "file": self.file,
                "short_sessions": self.short_sessions,
            },
            separators=(",", ":"),
        )

    @staticmethod
    def from_json(text: str) -> Stored:
        found = json.loads(text)
        return Stored(
            own=tuple(
                Managed(kind=Kind(kind), id=one, scope=scope, document=document)
                for kind, one, scope, document in found["own"]
            ),
            adopted=found["adopted"],
            file=found["file"],
            short_sessions=found["short_sessions"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """The served configuration."""

    config: Config | None
    """None only while nothing valid has ever been configured."""
    catalog: Catalog
    made: Composed
    short_sessions: bool = False
    problems: tuple[Problem, ...] = ()
    """Problems that keep the newest file from serving; empty = it serves."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A catalog and the result of its validation."""

    catalog: Catalog
    made: Composed
    parsed: Config | Invalid
    short_sessions: bool


def read(document: Mapping[str, Any], *, short_sessions: bool) -> Config | Invalid:
    """Return the configuration of a document whose objects may come from the API."""
    return parse(document, short_sessions=short_sessions, lenient=True)


def candidate(stored: Stored, document: Mapping[str, Any], *, short_sessions: bool) -> Candidate:
    """Return the combination of a version and a file's document."""
    file = () if stored.adopted else objects_in(document)
    catalog = merged(file, stored.own)
    made = composed(catalog, settings_in(document))
    parsed = read(made.document, short_sessions=short_sessions)
    return Candidate(catalog, made, parsed, short_sessions)


def effective(source: Source, stored: Stored | None) -> Effective:
    """Return the served configuration: newest file with newest version, else the last valid pair.

    A file that is bad, or does not go with what the API holds (it lacks a pool, say, that a load
    balancer of the API's names), never stops what served before.
    """
    if stored is None:
        if isinstance(source.parsed, Invalid):
            return Effective(
                config=None, catalog=Catalog({}), made=Composed({}), problems=source.parsed.problems
            )
        return _serving(candidate(Stored(), source.document, short_sessions=source.short_sessions))
    # A file may lack load balancers when the API has some.
    alone = parse(source.document, short_sessions=source.short_sessions)
    if isinstance(alone, Invalid) and not stored.adopted:
        problems = alone.problems
    else:
        newest = candidate(stored, source.document, short_sessions=source.short_sessions)
        if not isinstance(newest.parsed, Invalid):
            return _serving(newest)
        problems = newest.parsed.problems
    return _serving(candidate(stored, stored.file, short_sessions=stored.short_sessions), problems)


def _serving(found: Candidate, problems: tuple[Problem, ...] = ()) -> Effective:
    config = None if isinstance(found.parsed, Invalid) else found.parsed
    if isinstance(found.parsed, Invalid):
        problems = (*problems, *found.parsed.problems)
    return Effective(
        config=config,
        catalog=found.catalog,
        made=found.made,
        short_sessions=found.short_sessions,
        problems=problems,
    )


def remembering(stored: Stored, document: Mapping[str, Any], *, short_sessions: bool) -> Stored:
    """Return a version with the file that it fits; for an adopted file, its settings."""
    file = settings_in(document) if stored.adopted else plain(document)
    return replace(stored, file=file, short_sessions=short_sessions)
