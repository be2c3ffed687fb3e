"""Slows down those who try tokens: what each client has got wrong of late, in bounded memory.

Who has the right token is let in at any time, also from an address that is being slowed. Otherwise
whoever shares an address with the operator could keep them out just when it matters. It costs
nothing: a token of 32 characters cannot be guessed at any speed. What is slowed is the answer to
those who are wrong, who are told when to come back, and of whom the log says little.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

FREE = 5
"""Failures within WINDOW that have no consequence."""
WINDOW = 60.0
SHORTEST = 10.0
"""Seconds of the first wait; each further failure doubles it."""
LONGEST = 900.0
MOST_CLIENTS = 1000
"""Beyond it, those are forgotten whose latest failure is the longest ago."""

TOLD_EVERY = 60.0
"""Seconds between two lines of the log about one client."""
MOST_TOLD = 10
"""Lines within TOLD_EVERY about all clients together."""


@dataclass(slots=True)
class _Failures:
    latest: deque[float] = field(default_factory=lambda: deque(maxlen=FREE))
    wait: float = 0.0
    """Seconds of the latest wait."""
    until: float = 0.0
    told_at: float = float("-inf")
    untold: int = 0


class Throttle:
    """What one isolate knows of failures; times are given, in seconds."""

    def __init__(self) -> None:
        self._clients: dict[str, _Failures] = {}
        self._told: deque[float] = deque(maxlen=MOST_TOLD)

    def wait(self, client: str, now: float) -> float:
        """Return the seconds until a client may be wrong again; 0 when it may."""
        failures = self._clients.get(client)
        return max(0.0, failures.until - now) if failures is not None else 0.0

    def failed(self, client: str, now: float) -> int:
        """Note a failure; return how many to tell the log of, 0 when it was told of late."""
        failures = self._of(client)
        failures.untold += 1
        if failures.until <= now:
            self._count(failures, now)
        if failures.told_at + TOLD_EVERY > now or not self._may_tell(now):
            return 0
        count, failures.untold, failures.told_at = failures.untold, 0, now
        return count

    def __len__(self) -> int:
        return len(self._clients)

    def _of(self, client: str) -> _Failures:
        # The latest stands last.
        failures = self._clients.pop(client, None) or _Failures()
        self._clients[client] = failures
        if len(self._clients) > MOST_CLIENTS:
            del self._clients[next(iter(self._clients))]
        return failures

    @staticmethod
    def _count(failures: _Failures, now: float) -> None:
        latest = failures.latest
        if latest and now - latest[-1] > max(WINDOW, 2 * failures.wait):
            failures.wait = 0.0  # it was quiet for long enough
        latest.append(now)
        if failures.wait:
            failures.wait = min(LONGEST, 2 * failures.wait)
        elif len(latest) == FREE and now - latest[0] < WINDOW:
            failures.wait = SHORTEST
        failures.until = now + failures.wait

    def _may_tell(self, now: float) -> bool:
        if len(self._told) == MOST_TOLD and self._told[0] + TOLD_EVERY > now:
            return False
        self._told.append(now)
        return True
