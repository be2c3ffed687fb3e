"""How many requests get a further attempt: after a failure, and beside a slow one."""

from __future__ import annotations

from collections import deque

WINDOW = 10
"""Seconds that are looked back on."""

ALWAYS = 10
"""Requests that may be sent again in any case: a share of few is less than one."""


class RetryBudget:
    """The requests of one load balancer within the last seconds, in one isolate.

    After Envoy's retry budgets and Finagle's: a time-out that hits every request would else be
    answered with as many requests again as there are tries.
    https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/circuit_breaking
    """

    def __init__(self, percent: float) -> None:
        self._share = percent / 100
        self._seconds: deque[list[int]] = deque()
        """Of each second in which there was something: when, requests, requests sent again."""
        self._requests = 0
        self._again = 0

    def count(self, now: float, *, again: bool) -> None:
        """Take note of an attempt: a request's first one, or one after that."""
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
        """Whether one more request may be sent again."""
        self._forget(now)
        return self._again < max(ALWAYS, self._share * self._requests)

    def _forget(self, now: float) -> None:
        seconds, oldest = self._seconds, int(now) - WINDOW
        while seconds and seconds[0][0] <= oldest:
            _, requests, again = seconds.popleft()
            self._requests -= requests
            self._again -= again


ONE_IN = 10
"""Requests that earn one second attempt."""

MOST_SAVED = 10
"""Second attempts that are saved up: an origin that turns slow is not asked for more at once."""


class HedgeBudget:
    """A token bucket of one load balancer, in one isolate; it begins empty.

    When everything is slow, second attempts to everything would make it slower
    (Dean and Barroso, The Tail at Scale, https://research.google/pubs/the-tail-at-scale/).
    """

    def __init__(self) -> None:
        self._saved = 0
        """Tenths of a second attempt, so that they can be counted exactly."""

    def count(self) -> None:
        """Take note of a request that may have a second attempt."""
        self._saved = min(self._saved + 1, ONE_IN * MOST_SAVED)

    def allows(self) -> bool:
        """Whether there may be a second attempt now."""
        return self._saved >= ONE_IN

    def spend(self) -> None:
        """Take note of a second attempt."""
        self._saved -= ONE_IN
