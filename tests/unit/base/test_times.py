"""Times in the formats of RFC 3339, RFC 5322 and for people, and durations."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.base.times import for_people, lasting, rfc3339, rfc5322, seconds_of

AT = 1_795_144_325.75
"""2026-11-20 03:12:05 UTC, and three quarters of a second."""


def test_a_time_is_written_to_the_second() -> None:
    """Each of the three formats leaves fractions out."""
    assert rfc3339(AT) == "2026-11-20T03:12:05Z"
    assert for_people(AT) == "2026-11-20 03:12:05 UTC"
    assert rfc5322(AT) == "Fri, 20 Nov 2026 03:12:05 +0000"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "1969-12-31T23:59:59Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (-62_135_596_801, "0000-12-31T23:59:59Z"),
        (253_402_300_800, "10000-01-01T00:00:00Z"),
    ],
)
def test_years_have_no_bounds(seconds: float, text: str) -> None:
    """A stored time may be any finite number, and an offset may lead past the year 9999."""
    assert rfc3339(seconds) == text


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_every_finite_number_can_be_written(seconds: float) -> None:
    """No format raises an exception."""
    assert rfc3339(seconds).endswith("Z")
    assert for_people(seconds).endswith(" UTC")
    assert rfc5322(seconds).endswith(" +0000")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-20T03:12:05.75Z", AT),
        ("2026-11-20t03:12:05.750000000z", AT),
        ("2026-11-20 05:12:05.75+02:00", AT),
        ("2026-11-19T20:42:05.75-06:30", AT),
        ("2026-06-30T23:59:60Z", 1_782_864_000.0),
        ("0000-02-29T00:00:00Z", -62_162_121_600.0),
        ("9999-12-31T23:59:60-23:59", 253_402_387_140.0),
    ],
)
def test_every_form_of_rfc_3339_is_read(text: str, seconds: float) -> None:
    """Fractions, offsets, leap seconds, and the years 0000 to 9999."""
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2026-12-01",
        "22:00:00Z",
        "2026-12-01T22:00:00",
        "2026-12-01T22:00Z",
        "2026-13-01T22:00:00Z",
        "2026-02-29T22:00:00Z",
        "2026-12-01T24:00:00Z",
        "2026-12-01T22:60:00Z",
        "2026-12-01T22:00:00+25:00",
        "2026-12-01T22:00:00Z ",
        "٢٠٢٦-12-01T22:00:00Z",
        "2026-12-01T22:00:00." + "1" * 40 + "Z",
    ],
)
def test_a_moment_needs_a_date_a_time_and_an_offset(text: str) -> None:
    """Without an offset the moment would depend on where the Worker runs."""
    assert seconds_of(text) is None


@given(st.integers(-62_135_510_000, 253_402_200_000), st.integers(-23 * 60, 23 * 60))
def test_every_moment_is_read_as_python_reads_it(seconds: int, offset: int) -> None:
    """All years and all offsets agree."""
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
    zone = dt.timezone(dt.timedelta(minutes=offset))

    assert seconds_of(moment.isoformat()) == seconds
    if 1 < moment.year < 9999:
        assert seconds_of(moment.astimezone(zone).isoformat()) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 seconds"),
        (1, "1 second"),
        (119.4, "119 seconds"),
        (120, "2 minutes"),
        (7500, "2 hours 5 minutes"),
        (3600, "1 hour"),
        (266_400, "3 days 2 hours"),
        (86_400, "1 day"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float, text: str) -> None:
    """Seconds up to two minutes, then minutes, hours with minutes, days with hours."""
    assert lasting(seconds) == text
