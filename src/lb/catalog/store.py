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
    """One row: what was changed when by whom."""

    version: int
    at: float
    author: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """Something that keeps a change from being made."""

    message: str
    owner: Managed | None = None
    """The object that it is in; None where it is in none."""
    pointer: str = ""
    """Where in that object, or else in the whole document (RFC 6901)."""
    taken: bool = False
    """Whether it is a name that is not unique."""

    @property
    def sentence(self) -> str:
        """What is wrong with what."""
        where = f"{WORDS[self.owner.kind]} {self.owner.name}: " if self.owner else ""
        return f"{where}{self.message} @ {self.pointer or '/'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """An accepted change, or what one would change."""

    version: int
    """The newest one after it; the one before where nothing differs."""
    changes: tuple[Change, ...]
    catalog: Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A change that was not made, and everything that is wrong with it."""

    wrong: tuple[Wrong, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Referenced:
    """A change that would take away what others refer to."""

    by: Mapping[str, tuple[Managed, ...]] = field(default_factory=dict)
    """Id -> who refers to it."""


class ConfigStore:
    """The configuration of one Durable Object.

    It is a single writer: between reading and writing a change nobody else comes in.
    """

    def __init__(self, sql: Sql, source: Source) -> None:
        self._sql = sql
        self._source = source
        sql(_TABLE)
        found = sql("SELECT id, state FROM versions ORDER BY id DESC LIMIT 1")
        self.version = int(found[0]["id"]) if found else 0
        """Of the newest change; 0 while there was none."""
        self._stored = Stored.from_json(str(found[0]["state"])) if found else None
        self.effective: Effective = effective(source, self._stored)
        """What serves."""

    @property
    def catalog(self) -> Catalog:
        """Every object, the file's too."""
        return self.effective.catalog

    @property
    def adopted(self) -> bool:
        """Whether the file's objects have been taken over."""
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
        """Put objects in the place of those with their ids, or beside them, and delete others.

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
        """Let another state serve from now on, if it is good and differs from the one that does."""
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
        """Return what is kept of the past, the newest first."""
        rows = self._sql("SELECT id, at, author, summary FROM versions ORDER BY id DESC")
        return tuple(
            Version(version=row["id"], at=row["at"], author=row["author"], summary=row["summary"])
            for row in rows
        )

    def stored(self, version: int) -> Stored | None:
        """Return what a version held; version 0 is the file alone."""
        if version == 0:
            return Stored()
        rows = self._sql("SELECT state FROM versions WHERE id = ?", version)
        return Stored.from_json(str(rows[0]["state"])) if rows else None

    def changed_by(self, version: int) -> tuple[Change, ...] | None:
        """Return what a version changed; None where it, or the one before it, is not kept."""
        after, before = self.stored(version), self.stored(version - 1)
        if after is None or before is None:
            return None
        return changes(self._as_it_was(before, after), self._as_it_was(after, after))

    @property
    def _own(self) -> Stored:
        return self._stored or Stored()

    @property
    def _file(self) -> tuple[Mapping[str, Any], bool]:
        """The file's document that serves now: not the newest where that has problems."""
        if self.effective.problems and self._stored is not None:
            return self._stored.file, self._stored.short_sessions
        return self._source.document, self._source.short_sessions

    def _taken(self, one: Managed) -> Wrong | None:
        """Say so where an object would hide one of the file's."""
        other = self.catalog.named(one.kind, one.name)
        if other is None or other.id == one.id or not other.read_only:
            return None
        message = f"a {WORDS[one.kind]} of the file has this name; adopt the file first"
        return Wrong(message=message, owner=one, pointer="/name", taken=True)

    def _as_it_was(self, stored: Stored, after: Stored) -> Catalog:
        # Version 0 is not stored: its file is the next one's, or is still the same after adoption.
        file = stored.file or (self._source.document if after.adopted else after.file)
        return candidate(stored, file, short_sessions=stored.short_sessions).catalog

    def _write(self, text: str, author: str, note: str, now: float) -> None:
        version = self.version + 1
        self._sql(_INSERT, version, now, author, note, text)
        self._sql("DELETE FROM versions WHERE id <= ?", version - KEPT_VERSIONS)
        self.version = version
