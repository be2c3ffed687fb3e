"""Monitors and monitor groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lb.model.enums import MonitorType

if TYPE_CHECKING:
    from lb.model.header_secrets import HeaderValue


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRange:
    """Status codes from `low` to `high`, inclusive."""

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
    """0 = the port of the origin's address, else the default port of the type (80 or 443)."""
    expected_codes: tuple[CodeRange, ...] = (CodeRange(low=200, high=200),)
    expected_body: str = ""
    header: tuple[tuple[str, tuple[HeaderValue, ...]], ...] = ()
    follow_redirects: bool = False
    interval: int = 60
    timeout: float = 5
    retries: int = 2
    consecutive_up: int = 0
    consecutive_down: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A monitor's role in a group."""

    monitor: Monitor
    enabled: bool = True
    monitoring_only: bool = False
    """Whether its results have no effect on the group's verdict."""
    must_be_healthy: bool = False
    """Whether its failure alone fails the group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorGroup:
    """Several monitors that vote on an origin's health.

    https://developers.cloudflare.com/load-balancing/monitors/monitor-groups/
    """

    name: str
    description: str = ""
    members: tuple[Member, ...] = ()
    asked: frozenset[str] = frozenset()
    """Names of the monitors that a round probes with; empty = all."""

    @property
    def monitors(self) -> tuple[Monitor, ...]:
        """The enabled monitors."""
        return tuple(member.monitor for member in self.members if member.enabled)

    @property
    def interval(self) -> int:
        """Seconds between rounds: the shortest interval of its monitors."""
        return min(monitor.interval for monitor in self.monitors)


Watch = Monitor | MonitorGroup
"""The monitor or monitor group of a pool."""
