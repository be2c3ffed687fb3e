"""Looks at a balancer again and again; one that is away for a while is waited for."""

from collections.abc import Callable
from typing import TypeVar

from evenkeel.live.client.session import Session
from evenkeel.output.errors import Exit, Failure

MOST_FAILURES = 5
"""Looks in a row that may fail."""
SLOWEST = 60.0
"""Seconds between looks that fail, at most; those that do not may be further apart."""

T = TypeVar("T")


class Patience:
    """One policy for everything that goes on for longer than a request."""

    def __init__(self, session: Session, interval: float) -> None:
        """`interval` is how many seconds are between two looks."""
        self._session = session
        self._interval = interval
        self._failures = 0

    def look(self, look: Callable[[], T]) -> T | None:
        """Look once; None when the balancer was away. What waiting does not mend is raised."""
        try:
            found = look()
        except Failure as failure:
            self._failures += 1
            if failure.code is not Exit.UNREACHABLE or self._failures >= MOST_FAILURES:
                raise
            if self._failures == 1:
                self._session.tell(f"{failure.message}; trying again ...", "yellow")
            return None
        if self._failures:
            self._session.tell("The balancer answers again.", "green")
        self._failures = 0
        return found

    def pause(self) -> None:
        """Wait until the next look is due."""
        seconds = self._interval * 2**self._failures
        self._session.world.sleep(min(seconds, max(SLOWEST, self._interval)))
