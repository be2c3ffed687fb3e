"""Moments as people and protocols write them. Decisions have no clock, so no datetime either."""

from __future__ import annotations

from typing import NamedTuple

_DAY = 86_400
_WEEKDAYS = ("Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed")
"""From 1 January 1970 on."""
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


class Moment(NamedTuple):
    """A moment in UTC."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    weekday: str


def moment(seconds: float) -> Moment:
    """Return the moment that many seconds after the Unix epoch, cut to the second.

    Days are counted in eras of 400 years that begin in March, so that a leap day ends a year
    (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days).
    """
    days, rest = divmod(int(seconds // 1), _DAY)
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (
        day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_from_march = (5 * day_of_year + 2) // 153
    month = month_from_march + 3 if month_from_march < 10 else month_from_march - 9
    return Moment(
        year=year_of_era + 400 * era + (month <= 2),
        month=month,
        day=day_of_year - (153 * month_from_march + 2) // 5 + 1,
        hour=rest // 3600,
        minute=rest // 60 % 60,
        second=rest % 60,
        weekday=_WEEKDAYS[days % 7],
    )


def rfc3339(seconds: float) -> str:
    """`2026-11-20T03:12:05Z` (RFC 3339, 5.6)."""
    at = moment(seconds)
    return f"{at.year:04}-{at.month:02}-{at.day:02}T{at.hour:02}:{at.minute:02}:{at.second:02}Z"


def for_people(seconds: float) -> str:
    """`2026-11-20 03:12:05 UTC`."""
    return rfc3339(seconds).replace("T", " ").replace("Z", " UTC")


def rfc5322(seconds: float) -> str:
    """`Fri, 20 Nov 2026 03:12:05 +0000` (RFC 5322, 3.3)."""
    at = moment(seconds)
    return (
        f"{at.weekday}, {at.day:02} {_MONTHS[at.month - 1]} {at.year:04} "
        f"{at.hour:02}:{at.minute:02}:{at.second:02} +0000"
    )


def lasting(seconds: float) -> str:
    """How long something took: `45 seconds`, `3 minutes`, `2 hours 5 minutes`, `3 days 2 hours`."""
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
