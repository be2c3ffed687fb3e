"""Enums: the values that fields of a configuration may have."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Self


class Health(Enum):
    """Health of an origin or a pool."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class PoolHealth(Enum):
    """Health of a pool in Cloudflare's terms, and of a load balancer, which is never unknown.

    https://developers.cloudflare.com/load-balancing/understand-basics/health-details/
    """

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    """Some origins are down, and at least minimum_origins are left."""
    CRITICAL = "critical"
    """Fewer than minimum_origins are left."""
    UNKNOWN = "unknown"
    """No monitor, or no verdict yet."""


class Sensitivity(Enum):
    """How many probes in a row change an origin's health."""

    AGGRESSIVE = "aggressive"
    BALANCED = "balanced"
    CONSERVATIVE = "conservative"


class MonitorType(Enum):
    HTTP = "http"
    HTTPS = "https"
    TCP = "tcp"
    UDP_ICMP = "udp_icmp"
    ICMP_PING = "icmp_ping"
    SMTP = "smtp"


class SteeringPolicy(Enum):
    """How a load balancer orders its pools. DEFAULT ("") = geo with a map of places, else off."""

    DEFAULT = ""
    OFF = "off"
    GEO = "geo"
    RANDOM = "random"
    DYNAMIC_LATENCY = "dynamic_latency"
    PROXIMITY = "proximity"
    LEAST_OUTSTANDING_REQUESTS = "least_outstanding_requests"
    LEAST_CONNECTIONS = "least_connections"


class OriginSteeringPolicy(Enum):
    """How a pool orders its origins."""

    RANDOM = "random"
    HASH = "hash"
    LEAST_OUTSTANDING_REQUESTS = "least_outstanding_requests"
    LEAST_CONNECTIONS = "least_connections"


class SheddingPolicy(Enum):
    """Which requests a pool sheds: random ones, or all of some clients."""

    RANDOM = "random"
    HASH = "hash"


class SessionAffinity(Enum):
    """What identifies a session. Cloudflare also writes NONE as ""."""

    NONE = "none"
    COOKIE = "cookie"
    IP_COOKIE = "ip_cookie"
    HEADER = "header"


class SameSite(Enum):
    AUTO = "Auto"
    LAX = "Lax"
    NONE = "None"
    STRICT = "Strict"


class Secure(Enum):
    AUTO = "Auto"
    ALWAYS = "Always"
    NEVER = "Never"


class ZeroDowntimeFailover(Enum):
    """Where a session goes when its origin fails.

    https://developers.cloudflare.com/load-balancing/understand-basics/session-affinity/#zero-downtime-failover
    """

    NONE = "none"
    TEMPORARY = "temporary"
    STICKY = "sticky"


class SinkKeys(NamedTuple):
    """The keys of a notification that are specific to a type of sink."""

    needs: tuple[str, ...] = ()
    needs_one_of: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    url_needs: str = ""
    """Key that must be given with `url`: without it, the secret is the whole URL."""

    @property
    def all(self) -> tuple[str, ...]:
        """All of these keys."""
        return (*self.needs, *self.needs_one_of, *self.takes)


class SinkType(Enum):
    """Type of sink, with its keys."""

    WEBHOOK = "webhook", SinkKeys(needs_one_of=("url", "secret"))
    SLACK = "slack", SinkKeys(needs=("secret",))
    DISCORD = "discord", SinkKeys(needs=("secret",))
    TELEGRAM = "telegram", SinkKeys(needs=("secret", "chat_id"), takes=("url",))
    NTFY = "ntfy", SinkKeys(needs_one_of=("topic", "secret"), takes=("url",), url_needs="topic")
    PAGERDUTY = "pagerduty", SinkKeys(needs=("secret",), takes=("url",))
    EMAIL = "email", SinkKeys(needs=("to", "sender"), takes=("binding",))

    _value_: str
    keys: SinkKeys

    def __new__(cls, value: str, keys: SinkKeys) -> Self:
        """Make a member whose value is the one in a configuration."""
        member = object.__new__(cls)
        member._value_ = value
        member.keys = keys
        return member


class Region(Enum):
    """Cloudflare's regions.

    https://developers.cloudflare.com/load-balancing/reference/region-mapping-api/
    """

    WNAM = "WNAM"
    ENAM = "ENAM"
    WEU = "WEU"
    EEU = "EEU"
    NSAM = "NSAM"
    SSAM = "SSAM"
    OC = "OC"
    ME = "ME"
    NAF = "NAF"
    SAF = "SAF"
    SAS = "SAS"
    SEAS = "SEAS"
    NEAS = "NEAS"
