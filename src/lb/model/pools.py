"""Pools and their origins."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lb.model.enums import OriginSteeringPolicy, SheddingPolicy

if TYPE_CHECKING:
    from lb.model.enums import Region
    from lb.model.keys import OriginKey
    from lb.model.monitors import Monitor, MonitorGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A maintenance window, in seconds since the Unix epoch."""

    start: float
    end: float
    """The first moment after the window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A server that requests can be sent to."""

    pool: str
    """Name of its pool."""
    name: str
    address: str
    """A host name or a URL, as configured."""
    url: str
    """Scheme, host and port without a trailing slash: `https://a.example.com:8443`."""
    explicit: bool = False
    """Whether the address has a scheme or a port, which probes then use too."""
    enabled: bool = True
    weight: float = 1.0
    max_requests: int = 0
    """Most concurrent requests from each isolate; 0 = no limit."""
    disabled_at: float | None = None
    """Time at which it was disabled, and its sessions began to drain."""
    maintenance: tuple[Window, ...] = ()
    key: OriginKey = field(init=False, repr=False, compare=False)
    """Key of the origin's health: the same address in two pools counts as two origins."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", (self.pool, self.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter:
    """Which health changes of an origin or a pool are notified."""

    disable: bool = False
    healthy: bool | None = None
    """Only changes to healthy (True) or to unhealthy (False); None = both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationFilter:
    pool: AlertFilter = AlertFilter()
    origin: AlertFilter = AlertFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadShedding:
    """Percentage of a pool's traffic that goes to other pools.

    https://developers.cloudflare.com/load-balancing/additional-options/load-shedding/
    """

    default_percent: float = 0.0
    """Percentage of the requests without a session."""
    default_policy: SheddingPolicy = SheddingPolicy.RANDOM
    session_percent: float = 0.0
    """Percentage of the sessions that exist."""
    session_policy: SheddingPolicy = SheddingPolicy.HASH


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A group of interchangeable origins."""

    name: str
    origins: tuple[Origin, ...]
    description: str = ""
    enabled: bool = True
    disabled_at: float | None = None
    """Time at which it was disabled, and its sessions began to drain."""
    maintenance: tuple[Window, ...] = ()
    minimum_origins: int = 1
    monitor: Monitor | None = None
    monitor_group: MonitorGroup | None = None
    """Set instead of `monitor`."""
    origin_steering: OriginSteeringPolicy = OriginSteeringPolicy.RANDOM
    load_shedding: LoadShedding = LoadShedding()
    latitude: float | None = None
    """Degrees north; set if and only if `longitude` is."""
    longitude: float | None = None
    """Degrees east."""
    check_regions: tuple[Region, ...] = ()
    """Regions to probe from; empty = the place of the Durable Object."""
    notification_filter: NotificationFilter = NotificationFilter()

    @property
    def watched_by(self) -> Monitor | MonitorGroup | None:
        """Its monitor or monitor group."""
        return self.monitor or self.monitor_group

    @property
    def monitors(self) -> tuple[Monitor, ...]:
        """Every monitor that probes it, by itself or in a group."""
        alone = (self.monitor,) if self.monitor else ()
        return alone + (self.monitor_group.monitors if self.monitor_group else ())
