"""Failures of real traffic that isolates report, and how soon each origin is probed for them."""

from __future__ import annotations

from lb.model import OriginKey

REPORT_GAP = 5.0
"""Seconds from an origin's latest probe to one that a report asks for.

Doubled each time, up to the monitor's interval: an origin whose health path answers while its pages
fail is reported all day."""


class FailureReports:
    """The pace of the Durable Object's probes. May be lost: isolates report again."""

    def __init__(self) -> None:
        self._open: set[OriginKey] = set()
        self._gaps: dict[OriginKey, float] = {}

    def add(self, key: OriginKey) -> None:
        """Take a report."""
        self._open.add(key)

    def wait(self, key: OriginKey, interval: float) -> float:
        """Return the seconds from an origin's latest probe to its next one."""
        if key not in self._open:
            return interval
        return min(self._gaps.get(key, REPORT_GAP), interval)

    def sent(self, key: OriginKey, interval: float) -> None:
        """Take note of a probe; after one without a report, the next report counts at once."""
        if key in self._open:
            self._open.discard(key)
            self._gaps[key] = min(2 * self._gaps.get(key, REPORT_GAP), interval)
        else:
            self._gaps.pop(key, None)
