"""Requests under way at each origin: plain data in an isolate's memory."""

from __future__ import annotations

from collections import deque

from lb.model import OriginKey

MARGIN = 5.0
"""Seconds after its time-out at which a request counts as lost."""

SWEPT_EVERY = 5.0
"""Seconds between two sweeps for lost requests."""

SOCKET_LASTS = 600.0
"""Seconds for which a WebSocket counts as open. The runtime does not report when one ends
(docs/decisions/least-loaded.md)."""


class PoolFlow:
    """Sums over one pool's origins."""

    __slots__ = ("sockets", "under_way")

    def __init__(self) -> None:
        self.under_way = 0
        self.sockets = 0


class Flow:
    """The requests to one origin."""

    __slots__ = ("pool", "sockets", "under_way")

    def __init__(self, pool: PoolFlow) -> None:
        self.pool = pool
        self.under_way: dict[int, float] = {}
        """Time at which each request counts as lost, by ticket."""
        self.sockets: deque[float] = deque()
        """Time at which each WebSocket stops counting, soonest first."""


class InFlight:
    """Attempts between their start and their answer's headers, by `Origin.key`.

    Counts this isolate's requests alone. A request whose client has gone may never end: it stops
    counting some seconds after its time-out.
    """

    def __init__(self) -> None:
        self._flows: dict[OriginKey, Flow] = {}
        self._pools: dict[str, PoolFlow] = {}
        self._tickets = 0
        self._sweep_at = 0.0

    def begin(self, key: OriginKey, now: float, timeout: float) -> int:
        """Count an attempt of at most `timeout` seconds; return the ticket for `end`."""
        if now >= self._sweep_at:
            self._sweep(now)
        flow = self._flows.get(key)
        if flow is None:
            flow = self._made(key)
        self._tickets = ticket = self._tickets + 1
        flow.under_way[ticket] = now + timeout + MARGIN
        flow.pool.under_way += 1
        return ticket

    def end(self, key: OriginKey, ticket: int) -> None:
        """Stop counting an attempt; a ticket that was used or swept is ignored."""
        flow = self._flows.get(key)
        if flow is not None and flow.under_way.pop(ticket, None) is not None:
            flow.pool.under_way -= 1

    def open_socket(self, key: OriginKey, now: float) -> None:
        """Count a WebSocket for SOCKET_LASTS seconds."""
        flow = self._flows.get(key) or self._made(key)
        flow.sockets.append(now + SOCKET_LASTS)
        flow.pool.sockets += 1

    def outstanding(self, key: OriginKey) -> int:
        """Return how many attempts wait for an origin's answer."""
        flow = self._flows.get(key)
        return 0 if flow is None else len(flow.under_way)

    def connections(self, key: OriginKey) -> int:
        """Return how many attempts and WebSockets are open at an origin."""
        flow = self._flows.get(key)
        return 0 if flow is None else len(flow.under_way) + len(flow.sockets)

    def outstanding_of(self, pool: str) -> int:
        """Return how many attempts wait for an answer from a pool."""
        flow = self._pools.get(pool)
        return 0 if flow is None else flow.under_way

    def connections_of(self, pool: str) -> int:
        """Return how many attempts and WebSockets are open at a pool."""
        flow = self._pools.get(pool)
        return 0 if flow is None else flow.under_way + flow.sockets

    def _made(self, key: OriginKey) -> Flow:
        pool = self._pools.setdefault(key[0], PoolFlow())
        flow = self._flows[key] = Flow(pool)
        return flow

    def _sweep(self, now: float) -> None:
        self._sweep_at = now + SWEPT_EVERY
        for flow in self._flows.values():
            lost = [ticket for ticket, lost_at in flow.under_way.items() if lost_at <= now]
            for ticket in lost:
                del flow.under_way[ticket]
            flow.pool.under_way -= len(lost)
            while flow.sockets and flow.sockets[0] <= now:
                flow.sockets.popleft()
                flow.pool.sockets -= 1
