"""Moments and times of maintenance: RFC 3339 text, or TOML's own date and time."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lb.base.times import seconds_of
from lb.config.reading.problems import BAD, Place, Reader, kind_of, shown
from lb.config.reading.tables import REQUIRED, Field, Record, Table
from lb.config.reading.values import Kind, ListOf
from lb.model import Window

if TYPE_CHECKING:
    from lb.config.reading.values import Schema

_EXAMPLE = "such as 2026-12-01T22:00:00Z"


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment with its offset from UTC, read as seconds since the Unix epoch."""

    words: str = "date and time (RFC 3339)"

    def read(self, value: object, at: Place, reader: Reader) -> object:
        # TOML has dates and times of its own, which come as objects; only those with an offset
        # say when they are (https://toml.io/en/v1.0.0#offset-date-time).
        text = value.isoformat() if isinstance(value, dt.date | dt.time) else value
        if not isinstance(text, str):
            return reader.refuse(at, f"must be a date and time {_EXAMPLE}, not {kind_of(value)}")
        moment = seconds_of(text)
        if moment is None:
            return reader.refuse(
                at, f"must be a date and time with its offset {_EXAMPLE}, not {shown(text)}"
            )
        return moment

    def schema(self) -> Schema:
        return {"type": "string", "format": "date-time"}


def _make_window(record: Record, reader: Reader) -> object:
    start, end = record.values.get("from"), record.values.get("to")
    if not isinstance(start, float) or not isinstance(end, float):
        return BAD
    if end <= start:
        return reader.refuse(record.at / "to", "must be later than from")
    return Window(start=start, end=end)


WINDOW = Table(
    name="maintenance",
    doc="A time in which an origin or a pool counts as disabled. Its sessions are drained.",
    make=_make_window,
    fields=(
        Field("from", Moment(), REQUIRED, "When it begins: `2026-12-01T22:00:00Z`."),
        Field("to", Moment(), REQUIRED, "When it has ended."),
    ),
)

MAINTENANCE: Kind = ListOf(kind=WINDOW, most=100)
