"""Origins that isolates complain of, and how soon each is probed for it."""

from __future__ import annotations

from math import inf

from lb.model import OriginKey

REPORT_GAP = 5.0
"""Seconds between two probes of one origin that isolates complain of, however many they are.

Twice as long each time, up to the monitor's interval: an origin whose health path answers while its
pages fail is complained of all day."""


class FailureReports:
    """Plain data that may be lost: whoever has reason to will complain again."""

    def __init__(self) -> None:
        self._open: set[OriginKey] = set()
        self._gaps: dict[OriginKey, float] = {}

    def add(self, key: OriginKey) -> None:
        self._open.add(key)

    def gap(self, key: OriginKey) -> float:
        """Return the seconds from an origin's last probe to the one that it is to get for this."""
        return self._gaps.get(key, REPORT_GAP) if key in self._open else inf

    def probed(self, key: OriginKey, interval: float) -> None:
        """Note that an origin is being probed; without a complaint, the next one counts at once."""
        if key in self._open:
            self._open.discard(key)
            self._gaps[key] = min(2 * self._gaps.get(key, REPORT_GAP), interval)
        else:
            self._gaps.pop(key, None)
