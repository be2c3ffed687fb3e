"""Load balancers: the pools of a hostname, and the handling of its requests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from lb.model.enums import SameSite, Secure, SessionAffinity, SteeringPolicy, ZeroDowntimeFailover
from lb.model.monitors import CodeRange
from lb.model.pools import Pool

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lb.model.enums import Region
    from lb.model.header_secrets import HeaderValue

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionAffinityAttributes:
    samesite: SameSite = SameSite.AUTO
    secure: Secure = Secure.AUTO
    drain_duration: int = 0
    """Seconds for which a disabled origin keeps its sessions."""
    headers: tuple[str, ...] = ()
    """What identifies a session by header: header names, `cookie`, or `cookie:<name>,<name>`."""
    require_all_headers: bool = False
    zero_downtime_failover: ZeroDowntimeFailover = ZeroDowntimeFailover.STICKY


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveRouting:
    """Where a request may be retried."""

    failover_across_pools: bool = True


DEFAULT_RETRY_ON = (
    CodeRange(low=502, high=504),
    # The answers of Cloudflare's edge for an origin or tunnel that it cannot reach:
    # https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
    CodeRange(low=520, high=527),
    CodeRange(low=530, high=530),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failover:
    """Retries within a request, after a failed attempt."""

    retry_on: tuple[CodeRange, ...] = DEFAULT_RETRY_ON
    """Status codes that count as a failure of the origin."""
    tries: int = 3
    """Most attempts for a request, including the first one."""
    first_byte_timeout: float = 30
    """Seconds from sending the last byte of the request to the headers of the answer, where another
    attempt may follow; an attempt that is the last one has until `deadline`."""
    deadline: float = 100
    """Seconds for all attempts of a request. Cloudflare's own limit for an origin is 100."""
    body_limit: int = 65_536
    """Most bytes of a request body that are read before it is sent."""
    body_timeout: float = 30
    """Seconds in which the client must send such a body."""
    retry_non_idempotent: bool = False
    retry_budget: float | None = None
    """Most retries, as a percentage of the requests of the last 10 seconds; None = no limit."""
    hedge_after: float = 0
    """Seconds of waiting for the headers of an answer before a second attempt; 0 = no hedging."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ejection:
    """Passive health: when failures of real traffic eject an origin, and for how long (Envoy)."""

    consecutive_failures: int = 1
    """Connections in a row that failed, or time-outs, while another origin answered."""
    consecutive_statuses: int = 3
    """Answers in a row with a status of Failover.retry_on."""
    base_time: float = 30
    """Seconds of an ejection, multiplied by the number of ejections in a row."""
    max_time: float = 300
    """Longest ejection in seconds."""
    max_percent: int = 100
    """Most ejected origins, as a percentage of a pool's enabled ones; at least one, as in Envoy."""
    slow_start: float = 0
    """Seconds over which the traffic of a recovered origin grows to its full share."""
    quiet_after: float = 0.4
    """Seconds without any answer after which new requests avoid an origin with pending ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderEdits(Generic[Value]):
    """Changes to headers: first `remove`, then `set`. Values of requests can be secrets."""

    set: tuple[tuple[str, Value], ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomSteering:
    """Weights of pools, for the steering policies that use weights."""

    default_weight: float = 1.0
    pool_weights: tuple[tuple[str, float], ...] = ()
    """Name of a pool and its weight."""

    def weights(self, pools: Sequence[Pool]) -> tuple[float, ...]:
        """Return the weight of each of these pools."""
        known = dict(self.pool_weights)
        return tuple(known.get(pool.name, self.default_weight) for pool in pools)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """Places where requests arrive. A request must match each list that is not empty."""

    pops: tuple[str, ...] = ()
    """IATA codes of data centers."""
    countries: tuple[str, ...] = ()
    """ISO 3166-1 alpha-2 codes."""
    regions: tuple[Region, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedResponse:
    """An answer that no origin gives."""

    message_body: str = ""
    status_code: int = 200
    content_type: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSet:
    """Pools and their steering for the requests of some places.

    https://developers.cloudflare.com/load-balancing/understand-basics/traffic-steering/pool-sets/
    """

    name: str
    pools: tuple[Pool, ...] = ()
    """Empty = the set has a fixed response."""
    match: Topology | None = None
    """None = every request."""
    disabled: bool = False
    random_steering: RandomSteering = RandomSteering()
    fallback_pool: Pool | None = None
    """None = the one of the load balancer."""
    steering_policy: SteeringPolicy = SteeringPolicy.OFF
    fixed_response: FixedResponse | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Settings of a load balancer that differ for some requests."""

    name: str = ""
    condition: str = ""
    """Expression in Cloudflare's rules language (lb.expressions); empty = every request."""
    priority: int = 0
    """Lower priorities come first; equal ones in the order of the list."""
    disabled: bool = False
    terminates: bool = False
    """Whether a match skips the rules after it."""
    fixed_response: FixedResponse | None = None
    """A fixed response terminates as well."""
    overrides: tuple[tuple[str, object], ...] = ()
    """Fields of the load balancer and their values under this rule."""

    @property
    def pools(self) -> Iterator[Pool]:
        """Every pool in its overrides, possibly repeated."""
        return _pools_in(tuple(value for _, value in self.overrides))


def _pools_in(value: object) -> Iterator[Pool]:
    if isinstance(value, Pool):
        yield value
    elif isinstance(value, tuple):
        for inner in value:
            yield from _pools_in(inner)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """A pool that gets copies of some requests. Its answers are discarded."""

    pool: Pool
    percent: float
    timeout: float = 10
    """Longest wait in seconds for the headers of an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBalancer:
    """A public hostname and the distribution of its requests over pools."""

    name: str
    """A hostname, `*.example.com` for all subdomains, or `*` for any host."""
    default_pools: tuple[Pool, ...]
    fallback_pool: Pool
    description: str = ""
    enabled: bool = True
    steering_policy: SteeringPolicy = SteeringPolicy.DEFAULT
    random_steering: RandomSteering = RandomSteering()
    country_pools: tuple[tuple[str, tuple[Pool, ...]], ...] = ()
    """ISO 3166-1 alpha-2 code and its pools."""
    region_pools: tuple[tuple[Region, tuple[Pool, ...]], ...] = ()
    pop_pools: tuple[tuple[str, tuple[Pool, ...]], ...] = ()
    """IATA code of a data center and its pools."""
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
    """Whether answers have a Server-Timing header."""
    proxy_redirect: bool = True
    """Whether an origin's own name in headers of its answers becomes the public name."""
    trusted_proxies: tuple[str, ...] = ()
    """CIDR ranges of proxies before the Worker whose X-Forwarded-For is believed."""
    request_headers: HeaderEdits[HeaderValue] = HeaderEdits()
    response_headers: HeaderEdits[str] = HeaderEdits()
    rules: tuple[Rule, ...] = ()
    mirror: Mirror | None = None
    maintenance_page: FixedResponse | None = None
    """Answer while no origin can serve; None = a built-in page."""

    def under(self, rules: Iterable[Rule]) -> LoadBalancer:
        """Return the load balancer under these matching rules; later overrides win."""
        changes: dict[str, Any] = {}
        for rule in rules:
            changes.update(rule.overrides)
        return replace(self, **{**changes, "rules": ()})

    @property
    def steers_by(self) -> SteeringPolicy:
        """The effective policy: "" stands for geo with a map of places, else for off."""
        if self.steering_policy is not SteeringPolicy.DEFAULT:
            return self.steering_policy
        mapped = self.country_pools or self.region_pools or self.pop_pools
        return SteeringPolicy.GEO if mapped else SteeringPolicy.OFF

    @property
    def pools(self) -> tuple[Pool, ...]:
        """Every pool that a request outside of sets and rules can reach: each once, in order."""
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
        """Every pool that a request can reach: `pools`, then those only in sets and rules."""
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
        """Every pool in use: `reachable`, and the one of the mirror."""
        mirrored = () if self.mirror is None else (self.mirror.pool,)
        return tuple({pool.name: pool for pool in (*self.reachable, *mirrored)}.values())
