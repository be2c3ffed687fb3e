"""Counts of an isolate, until the Durable Object has stored them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lb.metrics.labels import Kind, counts_of
from lb.metrics.points import points
from lb.metrics.totals import Totals
from lb.proxy.tallies import HIT, MISS, MOVED, RequestCounters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lb.log_events import Event
    from lb.metrics.points import Point
    from lb.metrics.totals import Labels
    from lb.model import OriginKey
    from lb.ports import Log

RESULTS: Mapping[int, str] = {HIT: "hit", MISS: "miss", MOVED: "moved"}


class IsolateTotals:
    """Counts of one isolate across changes of its configuration.

    A hand-over is kept and repeated, with the same number and content, until it is acknowledged:
    after a lost answer, nothing is counted twice and nothing is lost. Counts that were not handed
    over when the runtime ends the isolate are lost (docs/metrics.md).
    """

    def __init__(self, isolate: str, now: float, *, analytics: bool = False) -> None:
        """`isolate` is a unique name; `analytics` says whether data points are written."""
        self._isolate = isolate
        self._tallies: dict[str, RequestCounters] = {}
        self._fresh = Totals()
        self._since = now
        self._number = 0
        self._offered: dict[str, Any] | None = None
        self._unwritten = Totals() if analytics else None
        """Counts that have not been written as data points yet."""

    def of(self, load_balancer: str) -> RequestCounters:
        """Return the counters for the requests of a load balancer."""
        found = self._tallies.get(load_balancer)
        if found is None:
            found = self._tallies[load_balancer] = RequestCounters()
        return found

    def counting_log(self, log: Log) -> Log:
        """Return a log that counts each event and passes it on."""

        def count(event: Event) -> None:
            for labels, amount in counts_of(event):
                self._add(labels, amount)
            log(event)

        return count

    def count_mirrored(self, load_balancer: str, origin: OriginKey) -> None:
        """Count a mirrored request."""
        self._add(Kind.MIRRORED.of(load_balancer, *origin))

    def offer(self, now: float) -> dict[str, Any] | None:
        """Return the pending hand-over, for JSON; None = nothing was counted."""
        if self._offered is None:
            self._drain()
            counted = self._fresh
            if not counted:
                return None
            self._fresh = Totals()
            self._number += 1
            self._offered = {
                "isolate": self._isolate,
                "number": self._number,
                "since": self._since,
                "until": now,
                **counted.to_rows(),
            }
            self._since = now
        return self._offered

    def acknowledged(self, number: int) -> None:
        """Drop the hand-over with this number, which is stored now."""
        if self._offered is not None and number == self._offered["number"]:
            self._offered = None

    def points(self) -> list[Point]:
        """Return the next data points to write."""
        if self._unwritten is None:
            return []
        self._drain()
        found, self._unwritten = points(self._unwritten)
        return found

    def _drain(self) -> None:
        """Move the counts of requests from their counters to the totals."""
        for name, tallies in self._tallies.items():
            for key, cells in tallies.items():
                labels = (name, *PADDED[len(key)](key))
                self._fresh.add_answers(labels, cells)
                if self._unwritten is not None:
                    self._unwritten.add_answers(labels, cells)
            tallies.clear()
            for result, label in RESULTS.items():
                if tallies.sessions[result]:
                    self._add(Kind.SESSIONS.of(name, label), tallies.sessions[result])
                    tallies.sessions[result] = 0
            for pool, count in tallies.sheds.items():
                self._add(Kind.SHED.of(name, pool), count)
            tallies.sheds.clear()

    def _add(self, labels: Labels, amount: float = 1) -> None:
        self._fresh.add_event(labels, amount)
        if self._unwritten is not None:
            self._unwritten.add_event(labels, amount)


PADDED: Mapping[int, Callable[[Labels], Labels]] = {
    0: lambda key: ("", "", "", *key, ""),
    2: lambda key: (*key, "1", ""),
    3: lambda key: (*key, ""),
    4: lambda key: key,
}
"""Length of a key of RequestCounters -> function from the key to the labels of Totals."""
