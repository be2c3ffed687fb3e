"""Versions of the configuration in SQLite: each accepted change is one row, written at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lb.catalog.changes import Change, changes, summary
from lb.catalog.effective import Stored, candidate, effective, remembering
from lb.catalog.managed import WORDS
from lb.catalog.references import Referred, referred
from lb.config import Invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lb.catalog.effective import Effective
    from lb.catalog.managed import Catalog, Managed
    from lb.config import Source
    from lb.ports import Sql

KEPT_VERSIONS = 100
LONGEST = 1_900_000
"""Characters of a version: a row of the object's SQLite has at most 2 MB
(https://developers.cloudflare.com/durable-objects/platform/limits/)."""

_TABLE = """CREATE TABLE IF NOT EXISTS versions (
  id INTEGER PRIMARY KEY,
  at REAL NOT NULL,
  author TEXT NOT NULL,
  summary TEXT NOT NULL,
  state TEXT NOT NULL
)"""
_INSERT = "INSERT INTO versions (id, at, author, summary, state) VALUES (?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version: its change, time and author."""

    version: int
    at: float
    author: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """A problem that prevents a change."""

    message: str
    owner: Managed | None = None
    """The object with the problem; None = no single object."""
    pointer: str = ""
    """JSON pointer (RFC 6901) into the object, or else into the whole document."""
    taken: bool = False
    """Whether the problem is a name that is not unique."""

    @property
    def sentence(self) -> str:
        """The problem with the object's name, for messages."""
        where = f"{WORDS[self.owner.kind]} {self.owner.name}: " if self.owner else ""
        return f"{where}{self.message} @ {self.pointer or '/'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """An accepted change, or the result of a dry run."""

    version: int
    """The newest version afterwards; unchanged when nothing differs."""
    changes: tuple[Change, ...]
    catalog: Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A rejected change with all of its problems."""

    wrong: tuple[Wrong, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Referenced:
    """A deletion of objects that others refer to."""

    by: Mapping[str, tuple[Managed, ...]] = field(default_factory=dict)
    """Id -> the objects that refer to it."""


class ConfigStore:
    """The configuration of one Durable Object.

    It is the single writer: no other change comes between a read and its write.
    """

    def __init__(self, sql: Sql, source: Source) -> None:
        self._sql = sql
        self._source = source
        sql(_TABLE)
        found = sql("SELECT id, state FROM versions ORDER BY id DESC LIMIT 1")
        self.version = int(found[0]["id"]) if found else 0
        """Number of the newest version; 0 = no change yet."""
        self._stored = Stored.from_json(str(found[0]["state"])) if found else None
        self.effective: Effective = effective(source, self._stored)
        """The served configuration."""

    @property
    def catalog(self) -> Catalog:
        """Every object, including the file's."""
        return self.effective.catalog

    @property
    def adopted(self) -> bool:
        """Whether the file's objects have been adopted."""
        return self._stored is not None and self._stored.adopted

    def change(  # noqa: PLR0913 (what is changed, who did it when, and how)
        self,
        puts: Iterable[Managed] = (),
        deletes: Iterable[str] = (),
        *,
        author: str,
        now: float,
        note: str = "",
        dry_run: bool = False,
    ) -> Changed | Rejected | Referenced:
        """Create or replace objects by id, and delete others.

        `note` says what it is in the list of versions, in place of what differs. The caller
        sees to it that none of them is read-only.
        """
        puts, gone = tuple(puts), set(deletes)
        taken = tuple(wrong for one in puts if (wrong := self._taken(one)))
        if taken:
            return Rejected(wrong=taken)
        own = {one.id: one for one in self._own.own}
        own = {one: managed for one, managed in own.items() if one not in gone}
        own.update((one.id, one) for one in puts)
        by = {one: self.referrers(one, without=gone) for one in gone}
        if any(by.values()):
            return Referenced(by={one: users for one, users in by.items() if users})
        after = replace(self._own, own=tuple(own.values()))
        return self.replace(after, author=author, now=now, note=note, dry_run=dry_run)

    def replace(
        self, after: Stored, *, author: str, now: float, note: str = "", dry_run: bool = False
    ) -> Changed | Rejected:
        """Serve another state from now on, if it is valid and differs from the present one."""
        document, short = self._file
        found = candidate(after, document, short_sessions=short)
        if isinstance(found.parsed, Invalid):
            return Rejected(
                wrong=tuple(
                    Wrong(
                        message=found.made.words(problem),
                        owner=found.made.owner(problem),
                        pointer=found.made.pointer(problem),
                    )
                    for problem in found.parsed.problems
                )
            )
        made = changes(self.catalog, found.catalog)
        same = not made and after.adopted == self.adopted
        if same or dry_run:
            return Changed(version=self.version, changes=made, catalog=found.catalog)
        stored = remembering(after, document, short_sessions=short)
        text = stored.to_json()
        if len(text) > LONGEST:
            message = f"all objects together take {len(text)} characters, and {LONGEST} have room"
            return Rejected(wrong=(Wrong(message=message),))
        self._write(text, author, note or summary(made), now)
        self._stored = stored
        self.effective = effective(self._source, stored)
        return Changed(version=self.version, changes=made, catalog=self.catalog)

    def referrers(self, one: str, without: Iterable[str] = ()) -> tuple[Managed, ...]:
        """Return the objects that refer to an object."""
        target = self.catalog.objects.get(one)
        if target is None:
            return ()
        wanted, left_out = Referred(target.kind, one), set(without)
        return tuple(
            each
            for each in self.catalog.objects.values()
            if each.id not in left_out and wanted in referred(each)
        )

    def versions(self) -> tuple[Version, ...]:
        """Return the kept versions, newest first."""
        rows = self._sql("SELECT id, at, author, summary FROM versions ORDER BY id DESC")
        return tuple(
            Version(version=row["id"], at=row["at"], author=row["author"], summary=row["summary"])
            for row in rows
        )

    def stored(self, version: int) -> Stored | None:
        """Return a version's content; version 0 is the file alone."""
        if version == 0:
            return Stored()
        rows = self._sql("SELECT state FROM versions WHERE id = ?", version)
        return Stored.from_json(str(rows[0]["state"])) if rows else None

    def changed_by(self, version: int) -> tuple[Change, ...] | None:
        """Return a version's changes; None = it or its predecessor is not kept."""
        after, before = self.stored(version), self.stored(version - 1)
        if after is None or before is None:
            return None
        return changes(self._as_it_was(before, after), self._as_it_was(after, after))

    @property
    def _own(self) -> Stored:
        return self._stored or Stored()

    @property
    def _file(self) -> tuple[Mapping[str, Any], bool]:
        """The file's document that serves now; an older one while the newest has problems."""
        if self.effective.problems and self._stored is not None:
            return self._stored.file, self._stored.short_sessions
        return self._source.document, self._source.short_sessions

    def _taken(self, one: Managed) -> Wrong | None:
        """The problem of an object that would hide one of the file's."""
        other = self.catalog.named(one.kind, one.name)
        if other is None or other.id == one.id or not other.read_only:
            return None
        message = f"a {WORDS[one.kind]} of the file has this name; adopt the file first"
        return Wrong(message=message, owner=one, pointer="/name", taken=True)

    def _as_it_was(self, stored: Stored, after: Stored) -> Catalog:
        # Version 0 is not stored: its file is that of version 1, or unchanged since adoption.
        file = stored.file or (self._source.document if after.adopted else after.file)
        return candidate(stored, file, short_sessions=stored.short_sessions).catalog

    def _write(self, text: str, author: str, note: str, now: float) -> None:
        version = self.version + 1
        self._sql(_INSERT, version, now, author, note, text)
        self._sql("DELETE FROM versions WHERE id <= ?", version - KEPT_VERSIONS)
        self.version = version
