"""Load balancers with settings that can never have their effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.config.doubts.doubt import Doubt, DoubtKind
from lb.model import SteeringPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lb.config.doubts.paths import Paths
    from lb.config.reading.problems import Place
    from lb.model import Config, LoadBalancer, Pool

_MAPS = ("country_pools", "region_pools", "pop_pools")
_BY_PLACE = frozenset({SteeringPolicy.GEO, SteeringPolicy.DEFAULT})
_BY_WEIGHT = frozenset(
    {
        SteeringPolicy.RANDOM,
        SteeringPolicy.LEAST_OUTSTANDING_REQUESTS,
        SteeringPolicy.LEAST_CONNECTIONS,
    }
)

NOT_BY_PLACE = 'has no effect: only steering_policy = "geo" uses it'
NOT_BY_WEIGHT = (
    'has no effect: only steering_policy = "random", "least_outstanding_requests" and '
    '"least_connections" use it'
)
NO_PLACE = (
    '"proximity" needs latitude and longitude of the pools, and none has them: the order of '
    "default_pools decides"
)
NO_LATENCY = (
    '"dynamic_latency" needs probes, and no pool has a monitor: the order of default_pools decides'
)
NO_WEIGHT = "every origin has weight 0, so that no new client is served: give one a weight"
NO_SECOND = "has no effect, as there is no second origin"
NEVER_REACHED = "is never reached: an earlier rule matches every request and ends there"
SET_NEVER_REACHED = "is never reached: an earlier set matches every request"
COPIES_COME_BACK = "has an origin of this load balancer, which would get each copied request twice"
NOTHING_ENABLED = "nothing is served, as no load balancer is enabled: enable one"


def futile_steering(config: Config, paths: Paths) -> Iterator[Doubt]:
    """Yield doubts about load balancers."""
    balancers = config.load_balancers
    if balancers and not any(lb.enabled for lb in balancers):
        at = paths.balancer(balancers[0]) / "enabled"
        yield Doubt(DoubtKind.MISTAKE, at.text, NOTHING_ENABLED)
    for lb in balancers:
        at = paths.balancer(lb)
        yield from _same_addresses(lb, paths)
        for look in _LOOKS:
            for place, message in look(lb, at):
                yield Doubt(DoubtKind.MISTAKE, place.text, message)


def _enabled(pool: Pool) -> dict[str, int]:
    """Return the URLs of a pool's enabled origins, with their index."""
    return {
        origin.url: index
        for index, origin in enumerate(pool.origins)
        if pool.enabled and origin.enabled and origin.url
    }


def _same_addresses(lb: LoadBalancer, paths: Paths) -> Iterator[Doubt]:
    """A pool that adds no address to the pools before it cannot stand in for them."""
    if lb.steers_by is not SteeringPolicy.OFF:
        return
    known: dict[str, str] = {}
    for pool in lb.default_pools:
        urls = _enabled(pool)
        if urls and urls.keys() <= known.keys():
            for url, index in urls.items():
                yield Doubt(
                    DoubtKind.MISTAKE,
                    (paths.pool(pool) / "origins" / index / "address").text,
                    f"is the address of {known[url]} too, so that both fail together: "
                    "give another origin",
                )
        for url, index in urls.items():
            known.setdefault(url, (paths.pool(pool) / "origins" / index).text)


def _policies(lb: LoadBalancer) -> frozenset[SteeringPolicy]:
    """Return the policies of a load balancer, with those of its rules."""
    overridden = (
        value
        for rule in lb.rules
        if not rule.disabled
        for key, value in rule.overrides
        if key == "steering_policy" and isinstance(value, SteeringPolicy)
    )
    return frozenset({lb.steering_policy, *overridden})


def _maps(lb: LoadBalancer, at: Place) -> Iterator[tuple[Place, str]]:
    if _policies(lb).isdisjoint(_BY_PLACE):
        for key in _MAPS:
            if getattr(lb, key):
                yield at / key, NOT_BY_PLACE


def _weights(lb: LoadBalancer, at: Place) -> Iterator[tuple[Place, str]]:
    if lb.random_steering.pool_weights and _policies(lb).isdisjoint(_BY_WEIGHT):
        yield at / "random_steering", NOT_BY_WEIGHT
    origins = [
        origin for pool in lb.reachable if pool.enabled for origin in pool.origins if origin.enabled
    ]
    if lb.enabled and origins and not any(origin.weight for origin in origins):
        yield at / "default_pools", NO_WEIGHT


def _measures(lb: LoadBalancer, at: Place) -> Iterator[tuple[Place, str]]:
    policy = lb.steering_policy
    if policy is SteeringPolicy.PROXIMITY and all(
        pool.latitude is None for pool in lb.default_pools
    ):
        yield at / "steering_policy", NO_PLACE
    if policy is SteeringPolicy.DYNAMIC_LATENCY and not any(
        pool.monitors for pool in lb.default_pools
    ):
        yield at / "steering_policy", NO_LATENCY


def _copies(lb: LoadBalancer, at: Place) -> Iterator[tuple[Place, str]]:
    serving = {url for pool in lb.reachable for url in _enabled(pool)}
    if lb.failover.hedge_after and len(serving) == 1:
        yield at / "failover" / "hedge_after", NO_SECOND
    if lb.mirror is not None and serving & _enabled(lb.mirror.pool).keys():
        yield at / "mirror" / "pool", COPIES_COME_BACK


def _rules(lb: LoadBalancer, at: Place) -> Iterator[tuple[Place, str]]:
    """The order of evaluation: lower priorities first, equal ones as listed."""
    enabled = [(rule.priority, index) for index, rule in enumerate(lb.rules) if not rule.disabled]
    ended = False
    for _, index in sorted(enabled):
        rule = lb.rules[index]
        if ended:
            yield at / "rules" / index, NEVER_REACHED
        ends = rule.terminates or rule.fixed_response is not None
        ended = ended or (ends and not rule.condition.strip())


def _sets(lb: LoadBalancer, at: Place) -> Iterator[tuple[Place, str]]:
    ended = False
    for index, each in enumerate(lb.pool_sets):
        if each.disabled:
            continue
        if ended:
            yield at / "pool_sets" / index, SET_NEVER_REACHED
        ended = ended or each.match is None


_LOOKS: tuple[Callable[[LoadBalancer, Place], Iterator[tuple[Place, str]]], ...] = (
    _maps,
    _weights,
    _measures,
    _copies,
    _rules,
    _sets,
)
