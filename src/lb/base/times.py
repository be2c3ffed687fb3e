"""Times and durations as people and protocols write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_DAY = 86_400
_CALENDAR = 146_097 * _DAY
"""Seconds in 400 years, after which the Gregorian calendar repeats. A stored or configured time may
be in any year, and `datetime` has the years 1 to 9999 only: calculations use 1970 to 2399."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# RFC 3339, 5.6, with a space in place of the T, as its note allows.
_RFC_3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d{1,9})?(?:[Zz]|([+-])(\d\d):(\d\d))",
    re.ASCII,
)
_LONGEST = 40


def seconds_of(text: str) -> float | None:
    """Return the seconds since the Unix epoch of an RFC 3339 text; None if it is not one.

    A leap second counts as the second after it, as in Unix time.
    """
    found = _RFC_3339.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    fraction, sign, off_hours, off_minutes = found.groups()[6:]
    ahead, beside = int(off_hours or 0), int(off_minutes or 0)
    if second > 60 or ahead > 23 or beside > 59:
        return None
    cycles, year = divmod(year, 400)  # datetime has no year 0
    try:
        at = datetime(2000 + year, month, day, hour, minute, tzinfo=UTC)
    except ValueError:
        return None
    whole = (at - _EPOCH) // timedelta(seconds=1) + (cycles - 5) * _CALENDAR + second
    return whole + float(fraction or 0) - (ahead * 60 + beside) * (-60 if sign == "-" else 60)


def rfc3339(seconds: float) -> str:
    """`2026-11-20T03:12:05Z` (RFC 3339, 5.6)."""
    year, at = _utc(seconds)
    return f"{year:04}-{at:%m-%dT%H:%M:%S}Z"


def for_people(seconds: float) -> str:
    """`2026-11-20 03:12:05 UTC`."""
    year, at = _utc(seconds)
    return f"{year:04}-{at:%m-%d %H:%M:%S} UTC"


def rfc5322(seconds: float) -> str:
    """`Fri, 20 Nov 2026 03:12:05 +0000` (RFC 5322, 3.3)."""
    year, at = _utc(seconds)
    return f"{at:%a, %d %b} {year:04} {at:%H:%M:%S} +0000"


def _utc(seconds: float) -> tuple[int, datetime]:
    """Return the year, and a datetime of the same month to second, rounded down."""
    cycles, rest = divmod(int(seconds // 1), _CALENDAR)
    at = _EPOCH + timedelta(seconds=rest)
    return at.year + 400 * cycles, at


def lasting(seconds: float) -> str:
    """A duration: `45 seconds`, `3 minutes`, `2 hours 5 minutes`, `3 days 2 hours`."""
    whole = max(int(seconds + 0.5), 0)
    days, hours, minutes = whole // _DAY, whole // 3600 % 24, whole // 60 % 60
    if days:
        return _joined(_count(days, "day"), _count(hours, "hour"))
    if hours:
        return _joined(_count(hours, "hour"), _count(minutes, "minute"))
    return _count(minutes, "minute") if whole >= 120 else _count(whole, "second")


def _joined(first: str, second: str) -> str:
    return first if second.startswith("0 ") else f"{first} {second}"


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
