"""The words of a configuration, already checked: monitors, pools, origins, load balancers.

Names and values are those of Cloudflare's load balancing API
(https://developers.cloudflare.com/api/resources/load_balancers/). Times are seconds.
Everything is frozen and references are resolved, so a reader never meets a missing name.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


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


class SinkType(Enum):
    """Where a notification goes."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    DISCORD = "discord"
    TELEGRAM = "telegram"
    NTFY = "ntfy"
    PAGERDUTY = "pagerduty"
    EMAIL = "email"


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
    key: tuple[str, str] = field(init=False, repr=False, compare=False)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionAffinityAttributes:
    samesite: SameSite = SameSite.AUTO
    secure: Secure = Secure.AUTO
    drain_duration: int = 0
    """Seconds for which a disabled origin keeps the sessions that it has."""
    headers: tuple[str, ...] = ()
    """What a session by header is known by: header names, `cookie`, or `cookie:<name>,<name>`."""
    require_all_headers: bool = False
    zero_downtime_failover: ZeroDowntimeFailover = ZeroDowntimeFailover.STICKY


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveRouting:
    """Where the further attempts of a request may go."""

    failover_across_pools: bool = True


DEFAULT_RETRY_ON = (
    CodeRange(low=502, high=504),
    # What Cloudflare's edge answers for an origin or tunnel that it cannot reach:
    # https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
    CodeRange(low=520, high=527),
    CodeRange(low=530, high=530),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failover:
    """When a failed attempt is followed by another one inside the same request."""

    retry_on: tuple[CodeRange, ...] = DEFAULT_RETRY_ON
    """Answers that count as a failure of the origin."""
    tries: int = 3
    """Attempts for one request, the first included."""
    first_byte_timeout: float = 30
    """Seconds from the request's last byte sent to the answer's headers."""
    deadline: float = 100
    """Seconds for all attempts of one request. Cloudflare's own limit for an origin is 100."""
    body_limit: int = 65_536
    """Bytes of a request body that are kept so that it could be sent again."""
    retry_non_idempotent: bool = False
    retry_budget: float | None = None
    """Percent of the requests of the last 10 seconds that may be sent again; None: all."""
    hedge_after: float = 0
    """Seconds without an answer's headers after which a second attempt is made; 0: none is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ejection:
    """When failures of real traffic take an origin out, and for how long (Envoy's word)."""

    consecutive_failures: int = 1
    base_time: float = 30
    """Seconds; times the number of ejections in a row."""
    max_time: float = 300
    """Seconds after which an ejection grows no more."""
    max_percent: int = 100
    """Of a pool's enabled origins; at least one may always be ejected, as in Envoy."""
    slow_start: float = 0
    """Seconds in which an origin that came back gets its whole share."""
    quiet_after: float = 0.4
    """Seconds without any answer after which new requests avoid an origin that owes some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderEdits:
    """Headers to remove, then headers to set."""

    set: tuple[tuple[str, str], ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomSteering:
    """Weights of pools, for the steering policies that know weights."""

    default_weight: float = 1.0
    pool_weights: tuple[tuple[str, float], ...] = ()
    """By the pools' names."""

    def weights(self, pools: Sequence[Pool]) -> tuple[float, ...]:
        """Return the weights of these pools."""
        known = dict(self.pool_weights)
        return tuple(known.get(pool.name, self.default_weight) for pool in pools)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """Where a request comes in. Each list that is not empty has to name the place."""

    pops: tuple[str, ...] = ()
    """Data centres, as IATA codes."""
    countries: tuple[str, ...] = ()
    """As ISO 3166-1 alpha-2 codes."""
    regions: tuple[Region, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedResponse:
    """An answer without any origin."""

    message_body: str = ""
    status_code: int = 200
    content_type: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSet:
    """Pools, and how they are used, for requests that come in at some places.

    https://developers.cloudflare.com/load-balancing/understand-basics/traffic-steering/pool-sets/
    """

    name: str
    pools: tuple[Pool, ...] = ()
    """None: the set has a fixed response."""
    match: Topology | None = None
    """None: every request."""
    disabled: bool = False
    random_steering: RandomSteering = RandomSteering()
    fallback_pool: Pool | None = None
    """None: the load balancer's own."""
    steering_policy: SteeringPolicy = SteeringPolicy.OFF
    fixed_response: FixedResponse | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a load balancer does differently for some of its requests."""

    name: str = ""
    condition: str = ""
    """In Cloudflare's rules language (see expressions); empty: every request."""
    priority: int = 0
    """Lower ones come first; those of the same, in their order."""
    disabled: bool = False
    terminates: bool = False
    """Whether the rules after it are not looked at for a request that it is for."""
    fixed_response: FixedResponse | None = None
    """Terminates too."""
    overrides: tuple[tuple[str, object], ...] = ()
    """Fields of the load balancer, with the values that they have instead."""

    @property
    def pools(self) -> Iterator[Pool]:
        """Every pool that it leads to, perhaps more than once."""
        return _pools_in(tuple(value for _, value in self.overrides))


def _pools_in(value: object) -> Iterator[Pool]:
    if isinstance(value, Pool):
        yield value
    elif isinstance(value, tuple):
        for inner in value:
            yield from _pools_in(inner)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """Where some requests are sent once more; the answers are thrown away."""

    pool: Pool
    percent: float
    timeout: float = 10
    """Seconds until such an answer begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBalancer:
    """A public hostname and how its requests are spread over pools."""

    name: str
    """A hostname, `*.example.com` for those below it, or `*` for any."""
    default_pools: tuple[Pool, ...]
    fallback_pool: Pool
    description: str = ""
    enabled: bool = True
    steering_policy: SteeringPolicy = SteeringPolicy.DEFAULT
    random_steering: RandomSteering = RandomSteering()
    country_pools: tuple[tuple[str, tuple[Pool, ...]], ...] = ()
    """By ISO 3166-1 alpha-2 codes."""
    region_pools: tuple[tuple[Region, tuple[Pool, ...]], ...] = ()
    pop_pools: tuple[tuple[str, tuple[Pool, ...]], ...] = ()
    """By the data centres' IATA codes."""
    pool_sets: tuple[PoolSet, ...] = ()
    session_affinity: SessionAffinity = SessionAffinity.NONE
    session_affinity_ttl: int = 82_800
    session_affinity_attributes: SessionAffinityAttributes = SessionAffinityAttributes()
    cookie_name: str = "__evenkeel"
    adaptive_routing: AdaptiveRouting = AdaptiveRouting()
    failover: Failover = Failover()
    ejection: Ejection = Ejection()
    https_redirect: bool = False
    x_served_by: bool = True
    server_timing: bool = False
    """Whether answers say how long they took."""
    request_headers: HeaderEdits = HeaderEdits()
    response_headers: HeaderEdits = HeaderEdits()
    rules: tuple[Rule, ...] = ()
    mirror: Mirror | None = None
    maintenance_page: FixedResponse | None = None
    """What a client gets when nothing can serve; None: a page of the balancer's own."""

    def under(self, rules: Iterable[Rule]) -> LoadBalancer:
        """Return what is left of it and its rules when these are met, the later ones winning."""
        changes: dict[str, Any] = {}
        for rule in rules:
            changes.update(rule.overrides)
        return replace(self, **{**changes, "rules": ()})

    @property
    def steers_by(self) -> SteeringPolicy:
        """The policy that is meant: "" is geo where a map of places is set, else off."""
        if self.steering_policy is not SteeringPolicy.DEFAULT:
            return self.steering_policy
        mapped = self.country_pools or self.region_pools or self.pop_pools
        return SteeringPolicy.GEO if mapped else SteeringPolicy.OFF

    @property
    def pools(self) -> tuple[Pool, ...]:
        """Every pool that a request without set and rule can reach, each once, in order."""
        placed = (
            pool
            for places in (self.pop_pools, self.country_pools, self.region_pools)
            for _, pools in places
            for pool in pools
        )
        every = (*self.default_pools, self.fallback_pool, *placed)
        return tuple({pool.name: pool for pool in every}.values())

    @property
    def reachable(self) -> tuple[Pool, ...]:
        """Every pool that some request can reach: `pools`, then those of sets and rules alone."""
        of_sets = (
            pool
            for each in self.pool_sets
            if not each.disabled
            for pool in (*each.pools, each.fallback_pool)
            if pool is not None
        )
        of_rules = (pool for rule in self.rules if not rule.disabled for pool in rule.pools)
        return tuple({pool.name: pool for pool in (*self.pools, *of_sets, *of_rules)}.values())

    @property
    def watched(self) -> tuple[Pool, ...]:
        """Every pool whose health matters: `reachable`, and the one that mirrors."""
        mirrored = () if self.mirror is None else (self.mirror.pool,)
        return tuple({pool.name: pool for pool in (*self.reachable, *mirrored)}.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who Cloudflare Access lets in counts as an operator.

    https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/
    """

    team: str
    """The URL of the team's domain, which issues the JWTs."""
    audience: str
    """The application's AUD tag."""
    readers: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()
    """Mail addresses, or client ids of service tokens, in lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    """Where the admin API is served, and to whom; without its token it does not exist."""

    path: str = "/_lb"
    access: Access | None = None
    cors_origins: tuple[str, ...] = ()
    """Origins of pages that may show a token and read the answers."""
    public_page: bool = False
    """Whether anybody may see which load balancers are up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How the view of health that isolates share gets to them."""

    refresh: int = 30
    """Seconds after which an isolate asks again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """Whom to tell of incidents, and how. Of the fields below `secret`, each type has its own."""

    name: str
    type: SinkType
    enabled: bool = True
    pools: tuple[str, ...] = ()
    """Names of the pools that it is about; none: all."""
    notify_after: float = 60
    """Seconds that a state must have lasted before it is told."""
    secret: str = ""
    """The name of a secret of the Worker, never the secret itself."""
    url: str = ""
    """Where requests go; "" is the type's own place, or the secret holds it."""
    topic: str = ""
    chat_id: str = ""
    to: str = ""
    sender: str = ""
    binding: str = "LB_EMAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything an operator said, whichever way it came in."""

    load_balancers: tuple[LoadBalancer, ...]
    pools: tuple[Pool, ...]
    monitors: tuple[Monitor, ...] = ()
    monitor_groups: tuple[MonitorGroup, ...] = ()
    notifications: tuple[Notification, ...] = ()
    admin: Admin = Admin()
    state: State = State()
    kept: Mapping[str, object] = field(default_factory=dict, compare=False)
    """Fields that a Worker cannot act on, by path, as they were given."""
    unheeded: Mapping[str, str] = field(default_factory=dict, compare=False)
    """What a lenient reading did not heed: why, by path."""

    def users_of(self, pool: str) -> str:
        """Return the names of the load balancers that use a pool, as a person lists them."""
        users = (lb.name for lb in self.load_balancers if any(p.name == pool for p in lb.watched))
        return ", ".join(users)
