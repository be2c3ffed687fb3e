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
    """A time that was set aside for maintenance, in seconds since the Unix epoch."""

    start: float
    end: float
    """The first moment after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """One place a request can be sent to."""

    pool: str
    """Name of the pool that it belongs to."""
    name: str
    address: str
    """As the operator wrote it: a host name, or a URL."""
    url: str
    """Scheme, host and port with no slash at the end: `https://a.example.com:8443`."""
    explicit: bool = False
    """Whether the operator named the scheme or a port, so that probes go there too."""
    enabled: bool = True
    weight: float = 1.0
    max_requests: int = 0
    """Requests that may wait for its answer at once, in each isolate; 0: any number."""
    disabled_at: float | None = None
    """When it was disabled: sessions are drained from then on."""
    maintenance: tuple[Window, ...] = ()
    key: OriginKey = field(init=False, repr=False, compare=False)
    """What the origin's health is kept under: the same address in two pools is two origins."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", (self.pool, self.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter:
    """Which changes of one kind of object are told."""

    disable: bool = False
    healthy: bool | None = None
    """Only changes to this health; None: both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationFilter:
    pool: AlertFilter = AlertFilter()
    origin: AlertFilter = AlertFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadShedding:
    """How much of a pool's traffic goes elsewhere.

    https://developers.cloudflare.com/load-balancing/additional-options/load-shedding/
    """

    default_percent: float = 0.0
    """Of requests without a session."""
    default_policy: SheddingPolicy = SheddingPolicy.RANDOM
    session_percent: float = 0.0
    """Of sessions that there are already."""
    session_policy: SheddingPolicy = SheddingPolicy.HASH


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Origins that can stand in for each other."""

    name: str
    origins: tuple[Origin, ...]
    description: str = ""
    enabled: bool = True
    disabled_at: float | None = None
    """When it was disabled: sessions are drained from then on."""
    maintenance: tuple[Window, ...] = ()
    minimum_origins: int = 1
    monitor: Monitor | None = None
    monitor_group: MonitorGroup | None = None
    """In place of a monitor."""
    origin_steering: OriginSteeringPolicy = OriginSteeringPolicy.RANDOM
    load_shedding: LoadShedding = LoadShedding()
    latitude: float | None = None
    """Degrees north; given together with the longitude, or neither is."""
    longitude: float | None = None
    """Degrees east."""
    check_regions: tuple[Region, ...] = ()
    """From where it is probed; none: from wherever the Worker keeps its state."""
    notification_filter: NotificationFilter = NotificationFilter()

    @property
    def watched_by(self) -> Monitor | MonitorGroup | None:
        """What probes it."""
        return self.monitor or self.monitor_group

    @property
    def monitors(self) -> tuple[Monitor, ...]:
        """Every monitor that probes it, alone or in a group."""
        alone = (self.monitor,) if self.monitor else ()
        return alone + (self.monitor_group.monitors if self.monitor_group else ())
