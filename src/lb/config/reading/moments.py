"""Moments and times of maintenance: RFC 3339 text, or TOML's own date and time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lb.config.reading.problems import BAD, Place, Reader, kind_of, shown
from lb.config.reading.tables import REQUIRED, Field, Record, Table
from lb.config.reading.values import Kind, ListOf
from lb.model import Window

if TYPE_CHECKING:
    from lb.config.reading.values import Schema

# RFC 3339, 5.6, with the blank that its note allows in place of the T.
_RFC_3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d{1,9})?(?:[Zz]|([+-])(\d\d):(\d\d))",
    re.ASCII,
)
_LONGEST = 40
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_EXAMPLE = "such as 2026-12-01T22:00:00Z"


def seconds_of(text: str) -> float | None:
    """Return the seconds since the Unix epoch of an RFC 3339 text; None when it is none.

    By hand, since what decides here may not import a clock's module. A leap second is the moment
    after it, as Unix time has it.
    """
    found = _RFC_3339.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    fraction, sign, off_hours, off_minutes = found.groups()[6:]
    ahead, beside = int(off_hours or 0), int(off_minutes or 0)
    if not (1 <= month <= 12 and 1 <= day <= _days_in(year, month) and hour <= 23):
        return None
    if minute > 59 or second > 60 or ahead > 23 or beside > 59:
        return None
    offset = (ahead * 60 + beside) * (-60 if sign == "-" else 60)
    days = _days_before(year, month, day)
    return days * 86_400 + hour * 3600 + minute * 60 + second + float(fraction or 0) - offset


def _days_in(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if leap and month == 2 else _DAYS[month - 1]


def _days_before(year: int, month: int, day: int) -> int:
    """Return the days from 1970-01-01; a year begins in March here, so that a leap day ends it."""
    if month <= 2:
        year, month = year - 1, month + 12
    return (365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5) + (
        day - 719_469
    )


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment with its offset from UTC, read as seconds since the Unix epoch."""

    words: str = "date and time (RFC 3339)"

    def read(self, value: object, at: Place, reader: Reader) -> object:
        # TOML has dates and times of its own, which come as objects; only those with an offset
        # say when they are (https://toml.io/en/v1.0.0#offset-date-time).
        text = value.isoformat() if hasattr(value, "isoformat") else value
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
