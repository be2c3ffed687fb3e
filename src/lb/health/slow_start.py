"""Slow start: the share of its weight that an origin gets while it comes back.

As Envoy's, with its least share of 10 % and an aggression of 1
(https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/slow_start):
share = max(10 %, time since the start / slow_start). In steps of a tenth, so that the tables of a
pool are made at most ten times and not for every request.
"""

from __future__ import annotations

STEPS = 10
_ROUNDING = 1e-6
"""Of a step: a border computed from a start is not to be found one step too early."""


def share(start: float, seconds: float, now: float) -> float:
    """Return the share at `now` of an origin that came back at `start`."""
    return max(_step(start, seconds, now), 1) / STEPS


def changes_at(start: float, seconds: float, now: float) -> float:
    """Return when its share grows next."""
    return start + max(_step(start, seconds, now) + 1, 2) * seconds / STEPS


def _step(start: float, seconds: float, now: float) -> int:
    return min(int((now - start) * STEPS / seconds + _ROUNDING), STEPS)
