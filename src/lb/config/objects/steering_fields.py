"""Fields of steering that several objects share: weights, maps, places, pool sets.

https://developers.cloudflare.com/load-balancing/additional-options/load-balancing-rules/
"""

# ruff: noqa: FBT003 (in a table, a default stands where every other default stands)
from __future__ import annotations

from lb.config.objects.origin_fields import NO_DNS
from lb.config.objects.pool_set_fields import make_random_steering
from lb.config.objects.rule_fields import FIXED_RESPONSE
from lb.config.reading.names import COUNTRY, POP
from lb.config.reading.tables import REQUIRED, Field, Standing, Table
from lb.config.reading.values import (
    Boolean,
    Choice,
    ListOf,
    MapOf,
    Number,
    Reference,
    Text,
    choice_of,
    one_of,
)
from lb.model import AdaptiveRouting, Region, SteeringPolicy, Topology

_KEPT = Standing.KEPT

POOLS = ListOf(kind=Reference("pool"), most=1000)
SOME_POOLS = ListOf(kind=Reference("pool"), least=1, most=1000)
REGION = choice_of(Region)
POOLS_BY_COUNTRY = MapOf(key=COUNTRY, kind=SOME_POOLS, most=1000)
POOLS_BY_REGION = MapOf(key=REGION, kind=SOME_POOLS, most=20)
POOLS_BY_POP = MapOf(key=POP, kind=SOME_POOLS, most=1000)
WEIGHTS = MapOf(key=Reference("pool"), kind=Number(0, 1), most=1000)

STEERING_POLICY: Choice = choice_of(SteeringPolicy)

RANDOM_STEERING = Table(
    name="load_balancers.random_steering",
    doc="Weights of pools, for `random`, `least_outstanding_requests` and `least_connections`.",
    make=make_random_steering,
    fields=(
        Field("default_weight", Number(0, 1), 1, "Of pools not named."),
        Field("pool_weights", WEIGHTS, {}, "Of named pools; 0: no traffic."),
    ),
)

LOCATION_STRATEGY = Table(
    name="load_balancers.location_strategy",
    doc="How a place is found for DNS answers, which a Worker does not give.",
    fields=(
        Field(
            "mode",
            one_of("pop", "resolver_ip"),
            "pop",
            "Whose place.",
            _KEPT,
            NO_DNS,
            unset=("",),
        ),
        Field(
            "prefer_ecs",
            one_of("always", "never", "proximity", "geo"),
            "proximity",
            "Whether the client's network decides.",
            _KEPT,
            NO_DNS,
            unset=("",),
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

TOPOLOGY = Table(
    name="load_balancers.pool_sets.match.topology",
    doc="Where a request comes in: a place that each of the lists given here names.",
    make=lambda record, reader: record.build(Topology),  # noqa: ARG005
    fields=(
        Field("pops", ListOf(kind=POP, most=1000), [], "Data centres."),
        Field("countries", ListOf(kind=COUNTRY, most=1000), [], "Countries."),
        Field("regions", ListOf(kind=REGION, most=1000), [], "Regions."),
    ),
)
MATCH = Table(
    name="load_balancers.pool_sets.match",
    doc="Which requests a set is for: either of these.",
    fields=(
        Field("default", Boolean(), False, "All that no earlier set matches."),
        Field("topology", TOPOLOGY, None, "Where they come in."),
    ),
)
SET_OVERRIDES = Table(
    name="load_balancers.pool_sets.overrides",
    doc="Where the set's requests go.",
    fields=(
        Field("pools", POOLS, [], "The pools, in failover order."),
        Field("pool_weights", WEIGHTS, {}, "Their weights."),
        Field("pool_default_weight", Number(0, 1), 1, "The weight of the others."),
        Field(
            "fallback_pool",
            Reference("pool"),
            None,
            "None: the load balancer's own.",
            unset=("",),
        ),
        Field("steering_policy", STEERING_POLICY, "off", "How pools are ordered; not `geo`."),
    ),
)
POOL_SET = Table(
    name="load_balancers.pool_sets",
    doc="Pools for requests from some places; the first set that matches decides.",
    fields=(
        Field("name", Text(most=200), REQUIRED, "For people."),
        Field("disabled", Boolean(), False, "Whether it is skipped."),
        Field("match", MATCH, None, "Which requests; none: all."),
        Field("overrides", SET_OVERRIDES, None, "Where they go."),
        Field("fixed_response", FIXED_RESPONSE, None, "In place of `overrides.pools`."),
    ),
)
