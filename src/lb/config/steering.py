"""Fields of steering that several objects share: weights, maps, places, rules, pool sets.

https://developers.cloudflare.com/load-balancing/additional-options/load-balancing-rules/
"""

# ruff: noqa: FBT003 (in a table, a default stands where every other default stands)
from __future__ import annotations

from lb.config.kinds import (
    Boolean,
    Choice,
    ListOf,
    MapOf,
    Number,
    Reference,
    Text,
    Whole,
    choice_of,
    one_of,
)
from lb.config.pools import REGIONS
from lb.config.sessions import SESSION_AFFINITY, SESSION_AFFINITY_TTL
from lb.config.tables import REQUIRED, Field, Standing, Table
from lb.model import AdaptiveRouting, SteeringPolicy

_LATER = Standing.LATER
_KEPT = Standing.KEPT

POOLS = ListOf(kind=Reference("pool"), most=1000)
POOLS_BY_PLACE = MapOf(key=Text(most=16, words="code"), kind=POOLS, most=1000)

STEERING_POLICY: Choice = choice_of(
    SteeringPolicy,
    # Cloudflare's "" is geo where a map of places is set, else off; maps are refused below.
    also={"": SteeringPolicy.OFF},
    later=(
        SteeringPolicy.GEO,
        SteeringPolicy.RANDOM,
        SteeringPolicy.DYNAMIC_LATENCY,
        SteeringPolicy.PROXIMITY,
        SteeringPolicy.LEAST_OUTSTANDING_REQUESTS,
        SteeringPolicy.LEAST_CONNECTIONS,
    ),
)

RANDOM_STEERING = Table(
    name="load_balancers.random_steering",
    doc="Weights of pools.",
    fields=(
        Field("default_weight", Number(0, 1), 1, "Of pools not named.", _LATER),
        Field(
            "pool_weights",
            MapOf(key=Text(words="pool name"), kind=Number(0, 1), most=1000),
            {},
            "Of named pools.",
            _LATER,
        ),
    ),
)

LOCATION_STRATEGY = Table(
    name="load_balancers.location_strategy",
    doc="How a place is found for DNS answers, which a Worker does not give.",
    fields=(
        Field("mode", one_of("pop", "resolver_ip"), "pop", "Whose place.", _KEPT),
        Field(
            "prefer_ecs",
            one_of("always", "never", "proximity", "geo"),
            "proximity",
            "Whether the client's network decides.",
            _KEPT,
        ),
    ),
)

ADAPTIVE_ROUTING = Table(
    name="load_balancers.adaptive_routing",
    doc="Where the further attempts of a request may go.",
    make=lambda record, reader: record.build(AdaptiveRouting),  # noqa: ARG005
    fields=(
        Field(
            "failover_across_pools",
            Boolean(),
            True,
            "To other pools too, when the pool of the first attempt has no origin left; "
            "Cloudflare's own default is `false`.",
        ),
    ),
)

_FIXED_RESPONSE = Table(
    name="load_balancers.rules.fixed_response",
    doc="An answer without any origin.",
    fields=(
        Field("message_body", Text(most=1024), "", "The body."),
        Field("status_code", Whole(200, 599), 200, "The status."),
        Field("content_type", Text(most=32), "", "Its Content-Type."),
        Field("location", Text(most=2048), "", "Its Location."),
    ),
)

_OVERRIDES = Table(
    name="load_balancers.rules.overrides",
    doc="What the load balancer does differently for matching requests.",
    fields=(
        Field("adaptive_routing", ADAPTIVE_ROUTING, {}, "As of a load balancer."),
        Field("country_pools", POOLS_BY_PLACE, {}, "As of a load balancer."),
        Field("default_pools", POOLS, [], "As of a load balancer."),
        Field("fallback_pool", Reference("pool"), None, "As of a load balancer."),
        Field("location_strategy", LOCATION_STRATEGY, {}, "As of a load balancer."),
        Field("pop_pools", POOLS_BY_PLACE, {}, "As of a load balancer."),
        Field("random_steering", RANDOM_STEERING, {}, "As of a load balancer."),
        Field("region_pools", POOLS_BY_PLACE, {}, "As of a load balancer."),
        Field("session_affinity", SESSION_AFFINITY, "none", "As of a load balancer."),
        Field(
            "session_affinity_attributes",
            MapOf(key=Text(words="key"), kind=Text(words="value"), most=10),
            {},
            "As of a load balancer.",
        ),
        Field("session_affinity_ttl", SESSION_AFFINITY_TTL, 82_800, "As of a load balancer."),
        Field("steering_policy", STEERING_POLICY, "off", "As of a load balancer."),
        Field("ttl", Whole(0, 86_400), None, "As of a load balancer."),
        Field("pools", POOLS, [], "Pools to use."),
        Field(
            "pool_weights",
            MapOf(key=Text(words="pool name"), kind=Number(0, 1), most=1000),
            {},
            "Their weights.",
        ),
        Field("pool_default_weight", Number(0, 1), 1, "The weight of the others."),
    ),
)

RULE = Table(
    name="load_balancers.rules",
    doc="What is different for some requests.",
    fields=(
        Field("name", Text(most=200), REQUIRED, "For people."),
        Field("condition", Text(most=4096), "", "Which requests; empty: all."),
        Field("priority", Whole(0, 1_000_000), 0, "Lower ones come first."),
        Field("disabled", Boolean(), False, "Whether it is skipped."),
        Field("terminates", Boolean(), False, "Whether later rules are skipped."),
        Field("fixed_response", _FIXED_RESPONSE, None, "An answer without any origin."),
        Field("overrides", _OVERRIDES, {}, "What is different."),
    ),
)

_CODES = ListOf(kind=Text(most=16, words="code"), most=1000)
_TOPOLOGY = Table(
    name="load_balancers.pool_sets.match.topology",
    doc="Where a request comes in.",
    fields=(
        Field("pops", _CODES, [], "Data centres."),
        Field("countries", _CODES, [], "Countries."),
        Field("regions", ListOf(kind=one_of(*REGIONS), most=20), [], "Regions."),
    ),
)
_MATCH = Table(
    name="load_balancers.pool_sets.match",
    doc="Which requests a set is for.",
    fields=(
        Field("default", Boolean(), False, "All that no other set matches."),
        Field("topology", _TOPOLOGY, None, "Where they come in."),
    ),
)
_SET_OVERRIDES = Table(
    name="load_balancers.pool_sets.overrides",
    doc="What the load balancer does differently.",
    fields=(
        Field("pools", POOLS, [], "Pools to use."),
        Field(
            "pool_weights",
            MapOf(key=Text(words="pool name"), kind=Number(0, 1), most=1000),
            {},
            "Their weights.",
        ),
        Field("pool_default_weight", Number(0, 1), 1, "The weight of the others."),
        Field("fallback_pool", Reference("pool"), None, "The last resort."),
        Field("steering_policy", STEERING_POLICY, "off", "How pools are ordered."),
    ),
)
POOL_SET = Table(
    name="load_balancers.pool_sets",
    doc="Pools for requests from some places.",
    fields=(
        Field("name", Text(most=200), REQUIRED, "For people."),
        Field("disabled", Boolean(), False, "Whether it is skipped."),
        Field("match", _MATCH, REQUIRED, "Which requests."),
        Field("overrides", _SET_OVERRIDES, None, "What is different."),
        Field("fixed_response", _FIXED_RESPONSE, None, "An answer without any origin."),
    ),
)
