"""Repeated requests to a balancer, with a wait while it cannot be reached."""

from collections.abc import Callable
from typing import TypeVar

from evenkeel.live.client.session import Session
from evenkeel.output.errors import Exit, Failure

MOST_FAILURES = 5
"""Consecutive requests that may fail."""
SLOWEST = 60.0
"""Most seconds between failed requests, unless the interval is longer."""

T = TypeVar("T")


class Polling:
    """Repeats a request at an interval; the pause doubles while requests fail."""

    def __init__(self, session: Session, interval: float) -> None:
        """`interval` is the seconds between two requests."""
        self._session = session
        self._interval = interval
        self._failures = 0

    def poll(self, request: Callable[[], T]) -> T | None:
        """Send the request; None if the balancer cannot be reached. Other failures are raised."""
        try:
            found = request()
        except Failure as failure:
            self._failures += 1
            if failure.code is not Exit.UNREACHABLE or self._failures >= MOST_FAILURES:
                raise
            if self._failures == 1:
                self._session.report(f"{failure.message}; trying again ...", "yellow")
            return None
        if self._failures:
            self._session.report("The balancer answers again.", "green")
        self._failures = 0
        return found

    def pause(self) -> None:
        """Wait until the next request is due."""
        seconds = self._interval * 2**self._failures
        self._session.host.sleep(min(seconds, max(SLOWEST, self._interval)))
