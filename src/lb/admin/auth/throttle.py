"""Slows down clients that guess tokens: their recent failures, in bounded memory.

The right token is accepted at any time, also from an address that is slowed down. Otherwise anybody
who shares an address with the operator could lock them out. It costs nothing: a token of 32
characters cannot be guessed at any speed. Failed attempts are answered 429 with a time to wait, and
the log shows few of them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

FREE = 5
"""Failures within WINDOW without consequence."""
WINDOW = 60.0
SHORTEST = 10.0
"""Seconds of the first wait; each further failure doubles it."""
LONGEST = 900.0
MOST_CLIENTS = 1000
"""Most clients that are kept; the one whose latest failure is oldest goes first."""

LOG_EVERY = 60.0
"""Seconds between two log events of one client."""
MOST_LOGGED = 10
"""Log events of all clients within LOG_EVERY."""


@dataclass(slots=True)
class _Failures:
    latest: deque[float] = field(default_factory=lambda: deque(maxlen=FREE))
    wait: float = 0.0
    """Seconds of the latest wait."""
    until: float = 0.0
    logged_at: float = float("-inf")
    unlogged: int = 0


class Throttle:
    """Failures as one isolate knows them; times are in seconds."""

    def __init__(self) -> None:
        self._clients: dict[str, _Failures] = {}
        self._logged: deque[float] = deque(maxlen=MOST_LOGGED)

    def wait(self, client: str, now: float) -> float:
        """Return the seconds until the next failure of a client counts anew; 0 = it does now."""
        failures = self._clients.get(client)
        return max(0.0, failures.until - now) if failures is not None else 0.0

    def failed(self, client: str, now: float) -> int:
        """Count a failure; return how many to log, 0 when the client was logged recently."""
        failures = self._of(client)
        failures.unlogged += 1
        if failures.until <= now:
            self._count(failures, now)
        if failures.logged_at + LOG_EVERY > now or not self._may_log(now):
            return 0
        count, failures.unlogged, failures.logged_at = failures.unlogged, 0, now
        return count

    def __len__(self) -> int:
        return len(self._clients)

    def _of(self, client: str) -> _Failures:
        # Kept in the order of the latest failure.
        failures = self._clients.pop(client, None) or _Failures()
        self._clients[client] = failures
        if len(self._clients) > MOST_CLIENTS:
            del self._clients[next(iter(self._clients))]
        return failures

    @staticmethod
    def _count(failures: _Failures, now: float) -> None:
        latest = failures.latest
        if latest and now - latest[-1] > max(WINDOW, 2 * failures.wait):
            failures.wait = 0.0  # no failure for long enough
        latest.append(now)
        if failures.wait:
            failures.wait = min(LONGEST, 2 * failures.wait)
        elif len(latest) == FREE and now - latest[0] < WINDOW:
            failures.wait = SHORTEST
        failures.until = now + failures.wait

    def _may_log(self, now: float) -> bool:
        if len(self._logged) == MOST_LOGGED and self._logged[0] + LOG_EVERY > now:
            return False
        self._logged.append(now)
        return True
