"""Times and durations as users write and read them."""

import re
from datetime import UTC, datetime

from evenkeel.output.errors import UsageError, plain
from lb.base.times import seconds_of

_SPAN = re.compile(r"(\d{1,6})([smhd])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_STEPS = (("d", 86_400), ("h", 3600), ("m", 60))


def moment(given: str, now: float, option: str) -> str:
    """A time as RFC 3339, from RFC 3339 or a duration before now (`90s`, `2h`, `3d`)."""
    span = _SPAN.fullmatch(given)
    if span:
        return rfc3339(now - int(span[1]) * _SECONDS[span[2]])
    seconds = seconds_of(given)
    if seconds is None:
        raise UsageError(
            f"{option}: must be a duration (30m, 2h, 3d) or a time (2026-12-01T22:00:00Z)"
        )
    return rfc3339(seconds)


def rfc3339(seconds: float) -> str:
    """A time as the API writes it; UsageError if it is out of range."""
    try:
        found = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise UsageError("the time is too long ago") from None
    return found.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def clock(text: object) -> str:
    """A time of a response in the local time zone; any other text unchanged."""
    seconds = seconds_of(text) if isinstance(text, str) else None
    if seconds is None:
        return plain(text or "")
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def until(text: object, now: float) -> str:
    """A future time in the local time zone, without the date if it is today."""
    at, today = clock(text), clock(rfc3339(now))
    return at.removeprefix(f"{today.partition(' ')[0]} ")


def ago(text: object, now: float) -> str:
    """Duration since a time of a response: `3 h 5 m`; "" if it is no time."""
    seconds = seconds_of(text) if isinstance(text, str) else None
    return "" if seconds is None else span(now - seconds)


def span(seconds: float) -> str:
    """A duration in its two largest units."""
    left = max(0, int(seconds))
    for number, (unit, size) in enumerate(_STEPS):
        if left >= size:
            smaller, its_size = ("s", 1) if unit == "m" else _STEPS[number + 1]
            rest = left % size // its_size
            return f"{left // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{left} s"
