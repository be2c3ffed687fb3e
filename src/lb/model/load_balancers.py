"""Load balancers: where a request may go, and what is done on the way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lb.model.enums import SameSite, Secure, SessionAffinity, SteeringPolicy, ZeroDowntimeFailover
from lb.model.monitors import CodeRange
from lb.model.pools import Pool

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lb.model.enums import Region


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
