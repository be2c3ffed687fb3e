"""Requests that are under way at each origin: plain data in an isolate's memory."""

from __future__ import annotations

MARGIN = 5.0
"""Seconds after its time-out at which a request is taken for lost."""

SWEPT_EVERY = 5.0
"""Seconds between two looks for lost requests."""


class Flow:
    """The requests to one origin."""

    __slots__ = ("under_way",)

    def __init__(self) -> None:
        self.under_way: dict[int, float] = {}
        """Ticket -> when its request is taken for lost."""


class InFlight:
    """Attempts between their start and their answer's headers, by `Origin.key`.

    What an isolate counts is its own; other isolates' requests are not known here. A request whose
    client has gone may never end: it is forgotten some seconds after its time-out.
    """

    def __init__(self) -> None:
        self._flows: dict[tuple[str, str], Flow] = {}
        self._tickets = 0
        self._sweep_at = 0.0

    def begin(self, key: tuple[str, str], now: float, timeout: float) -> int:
        """Count an attempt of at most `timeout` seconds; return the ticket that ends it."""
        if now >= self._sweep_at:
            self._sweep(now)
        flow = self._flows.get(key)
        if flow is None:
            flow = self._flows[key] = Flow()
        self._tickets = ticket = self._tickets + 1
        flow.under_way[ticket] = now + timeout + MARGIN
        return ticket

    def end(self, key: tuple[str, str], ticket: int) -> None:
        """Count an attempt no more; a ticket that has been used or forgotten is none."""
        flow = self._flows.get(key)
        if flow is not None:
            flow.under_way.pop(ticket, None)

    def outstanding(self, key: tuple[str, str]) -> int:
        """Return how many attempts wait for an origin's answer; a dictionary look-up."""
        flow = self._flows.get(key)
        return 0 if flow is None else len(flow.under_way)

    def _sweep(self, now: float) -> None:
        self._sweep_at = now + SWEPT_EVERY
        for flow in self._flows.values():
            lost = [ticket for ticket, lost_at in flow.under_way.items() if lost_at <= now]
            for ticket in lost:
                del flow.under_way[ticket]
