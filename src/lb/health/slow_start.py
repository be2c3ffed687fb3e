"""Slow start: the share of its weight that a returning origin gets.

As Envoy's, with its least share of 10 % and an aggression of 1
(https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/slow_start):
share = max(10 %, time since the start / slow_start), in steps of a tenth, so that a pool's tables
are made at most ten times and not for every request.
"""

from __future__ import annotations

STEPS = 10
_ROUNDING = 1e-6
"""Fraction of a step, so that rounding puts no time one step too early."""


def share(start: float, seconds: float, now: float) -> float:
    """Return the share at `now` of an origin that came back at `start`."""
    return max(_step(start, seconds, now), 1) / STEPS


def changes_at(start: float, seconds: float, now: float) -> float:
    """Return when the share of an origin that came back at `start` grows next."""
    return start + max(_step(start, seconds, now) + 1, 2) * seconds / STEPS


def _step(start: float, seconds: float, now: float) -> int:
    return min(int((now - start) * STEPS / seconds + _ROUNDING), STEPS)
