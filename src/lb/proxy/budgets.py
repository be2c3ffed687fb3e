"""Limits of retries, and of second attempts beside slow ones."""

from __future__ import annotations

from collections import deque

WINDOW = 10
"""Seconds over which requests and retries are counted."""

ALWAYS = 10
"""Retries within the window that are always allowed: a share of few requests is less than one."""


class RetryBudget:
    """Retries of one load balancer, as a share of its recent requests, in one isolate.

    After the retry budgets of Envoy and Finagle: without one, a time-out that hits every request
    multiplies the load by the number of tries.
    https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/circuit_breaking
    """

    def __init__(self, percent: float) -> None:
        self._share = percent / 100
        self._seconds: deque[list[int]] = deque()
        """[second, requests, retries] for each second that has any."""
        self._requests = 0
        self._again = 0

    def count(self, now: float, *, again: bool) -> None:
        """Count an attempt; `again`: it is not the first one of its request."""
        self._forget(now)
        second = int(now)
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append([second, 0, 0])
        self._seconds[-1][1 + again] += 1
        if again:
            self._again += 1
        else:
            self._requests += 1

    def allows(self, now: float) -> bool:
        """Whether another retry is allowed."""
        self._forget(now)
        return self._again < max(ALWAYS, self._share * self._requests)

    def _forget(self, now: float) -> None:
        seconds, oldest = self._seconds, int(now) - WINDOW
        while seconds and seconds[0][0] <= oldest:
            _, requests, again = seconds.popleft()
            self._requests -= requests
            self._again -= again


ONE_IN = 10
"""Requests per second attempt that they earn."""

MOST_SAVED = 10
"""Most second attempts that are saved: the largest burst to an origin that turns slow."""


class HedgeBudget:
    """Token bucket of one load balancer, in one isolate; it starts empty.

    When everything is slow, unlimited second attempts would make it slower
    (Dean and Barroso, The Tail at Scale, https://research.google/pubs/the-tail-at-scale/).
    """

    def __init__(self) -> None:
        self._saved = 0
        """In tenths of a second attempt, so that the sum is exact."""

    def count(self) -> None:
        """Count a request that may have a second attempt."""
        self._saved = min(self._saved + 1, ONE_IN * MOST_SAVED)

    def allows(self) -> bool:
        """Whether a second attempt is allowed now."""
        return self._saved >= ONE_IN

    def spend(self) -> None:
        """Count a second attempt."""
        self._saved -= ONE_IN
