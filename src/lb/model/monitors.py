"""Monitors, and groups of them."""

from __future__ import annotations

from dataclasses import dataclass

from lb.model.enums import MonitorType


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRange:
    """Status codes from `low` to `high`, both included."""

    low: int
    high: int

    def __contains__(self, status: int) -> bool:
        return self.low <= status <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """How an origin's health is probed."""

    name: str
    type: MonitorType = MonitorType.HTTP
    description: str = ""
    method: str = "GET"
    path: str = "/"
    port: int = 0
    """0 means the port that the origin's traffic uses, else the type's own (80 or 443)."""
    expected_codes: tuple[CodeRange, ...] = (CodeRange(low=200, high=200),)
    expected_body: str = ""
    header: tuple[tuple[str, tuple[str, ...]], ...] = ()
    follow_redirects: bool = False
    interval: int = 60
    timeout: float = 5
    retries: int = 2
    consecutive_up: int = 0
    consecutive_down: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A monitor's part in a group."""

    monitor: Monitor
    enabled: bool = True
    monitoring_only: bool = False
    """Whether it probes without a vote."""
    must_be_healthy: bool = False
    """Whether its failure decides alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorGroup:
    """Several monitors that vote on an origin's health.

    https://developers.cloudflare.com/load-balancing/monitors/monitor-groups/
    """

    name: str
    description: str = ""
    members: tuple[Member, ...] = ()
    asked: frozenset[str] = frozenset()
    """The monitors that one round asks; none: all of them."""

    @property
    def monitors(self) -> tuple[Monitor, ...]:
        """Those that probe."""
        return tuple(member.monitor for member in self.members if member.enabled)

    @property
    def interval(self) -> int:
        """Seconds from one round to the next; a monitor may take part in only some of them."""
        return min(monitor.interval for monitor in self.monitors)


Watch = Monitor | MonitorGroup
"""What probes a pool."""
