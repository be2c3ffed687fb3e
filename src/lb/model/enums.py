"""What a value of a configuration may be: the enums."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Self


class Health(Enum):
    """What is known of an origin, or of a pool."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


class PoolHealth(Enum):
    """A pool's health in Cloudflare's words, and a load balancer's, which is never unknown.

    https://developers.cloudflare.com/load-balancing/understand-basics/health-details/
    """

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    """Some origins are down, and enough are not."""
    CRITICAL = "critical"
    """Fewer than minimum_origins are left."""
    UNKNOWN = "unknown"
    """Nothing has been probed: there is no monitor, or no verdict yet."""


class Sensitivity(Enum):
    """How soon a monitor believes its probes."""

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
    """How a load balancer orders its pools. DEFAULT ("") is geo if any map is set, else off."""

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
    """Which requests a pool sheds: any, or all of some clients."""

    RANDOM = "random"
    HASH = "hash"


class SessionAffinity(Enum):
    """What keeps a client on its origin. Cloudflare also writes NONE as ""."""

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
    """What becomes of a session whose origin fails.

    https://developers.cloudflare.com/load-balancing/understand-basics/session-affinity/#zero-downtime-failover
    """

    NONE = "none"
    TEMPORARY = "temporary"
    STICKY = "sticky"


class SinkKeys(NamedTuple):
    """The keys of a notification that a type of sink has, without those that all types have."""

    needs: tuple[str, ...] = ()
    needs_one_of: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    url_needs: str = ""
    """The key without which `url` is refused, as the secret is the whole URL then."""

    @property
    def all(self) -> tuple[str, ...]:
        """Every key that the type has."""
        return (*self.needs, *self.needs_one_of, *self.takes)


class SinkType(Enum):
    """Where a notification goes, with the keys that it has then."""

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
        """Make a member of its value in a configuration, and its keys."""
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
