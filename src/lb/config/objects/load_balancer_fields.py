"""Load balancers: their fields, and the rules that join several of them.

https://developers.cloudflare.com/api/resources/load_balancers/
The fields below `failover` are Evenkeel's own.
"""

# ruff: noqa: FBT003 (in a table, a default stands where every other default stands)
from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lb.config.objects.failover_fields import EJECTION, FAILOVER
from lb.config.objects.header_fields import NETWORK, REQUEST_HEADERS, RESPONSE_HEADERS
from lb.config.objects.mirror_fields import MIRROR, check_mirror, mirror_of
from lb.config.objects.origin_fields import NO_DNS
from lb.config.objects.pool_set_fields import pools_of, steering_of
from lb.config.objects.rule_fields import MAINTENANCE_PAGE, resolved, rules_of
from lb.config.objects.session_fields import (
    ATTRIBUTES,
    SESSION_AFFINITY,
    SESSION_AFFINITY_TTL,
    with_sessions,
)
from lb.config.objects.steering_fields import (
    ADAPTIVE_ROUTING,
    LOCATION_STRATEGY,
    POOL_SET,
    POOLS_BY_COUNTRY,
    POOLS_BY_POP,
    POOLS_BY_REGION,
    RANDOM_STEERING,
    STEERING_POLICY,
)
from lb.config.reading.names import COOKIE_NAME, DESCRIPTION, SERVED_NAME
from lb.config.reading.problems import Place, Reader
from lb.config.reading.tables import REQUIRED, Field, Record, Standing, Table
from lb.config.reading.values import Boolean, ListOf, Ref, Reference, Text, Whole
from lb.model import (
    LoadBalancer,
    Pool,
    Rule,
    Secure,
)

if TYPE_CHECKING:
    from collections.abc import Callable


_KEPT = Standing.KEPT

_WITHOUT_RULES = Table(
    name="load_balancers",
    doc="A public host name, and how its requests are spread over pools.",
    fields=(
        Field("name", SERVED_NAME, REQUIRED, "What it serves; `*`: every host name."),
        Field(
            "default_pools",
            ListOf(kind=Reference("pool"), least=1, most=1000),
            REQUIRED,
            "Its pools, in failover order.",
        ),
        Field(
            "fallback_pool",
            Reference("pool"),
            REQUIRED,
            "The last resort, healthy or not.",
            unset=("",),
        ),
        Field("description", DESCRIPTION, "", "For people."),
        Field("enabled", Boolean(), True, "Whether it serves."),
        Field(
            "steering_policy",
            STEERING_POLICY,
            "",
            'How pools are ordered; `""`: `geo` where a map of places is set, else `off`.',
        ),
        Field("session_affinity", SESSION_AFFINITY, "none", "What keeps a client on its origin."),
        Field(
            "session_affinity_ttl",
            SESSION_AFFINITY_TTL,
            82_800,
            "Seconds it is kept there: for `cookie` and `ip_cookie` 1800 to 604800; "
            "for `header` 30 to 3600, by default 1800.",
            unset=(0,),
        ),
        Field("session_affinity_attributes", ATTRIBUTES, {}, "More about it."),
        Field("cookie_name", COOKIE_NAME, "__evenkeel", "The affinity cookie's name."),
        Field("adaptive_routing", ADAPTIVE_ROUTING, {}, "Where further attempts may go."),
        Field("failover", FAILOVER, {}, "What happens when an attempt fails."),
        Field("ejection", EJECTION, {}, "What failures mean for an origin."),
        Field("https_redirect", Boolean(), False, "Whether http is sent on to https."),
        Field("x_served_by", Boolean(), True, "Whether answers name their origin."),
        Field("server_timing", Boolean(), False, "Whether answers say how long they took."),
        Field(
            "proxy_redirect",
            Boolean(),
            True,
            "Whether the origin's own name in `Location`, `Content-Location`, `Refresh`, `Link` "
            "and `Domain` of cookies becomes the public name, as with nginx's `proxy_redirect` "
            "and `proxy_cookie_domain`.",
        ),
        Field(
            "trusted_proxies",
            ListOf(kind=NETWORK, most=1000),
            [],
            "Addresses and CIDR ranges of your own proxies before the Worker, whose "
            "`X-Forwarded-For` is believed.",
        ),
        Field("request_headers", REQUEST_HEADERS, {}, "Changes on the way to an origin."),
        Field("response_headers", RESPONSE_HEADERS, {}, "Changes on the way to the client."),
        Field("random_steering", RANDOM_STEERING, {}, "Weights of pools."),
        Field(
            "country_pools", POOLS_BY_COUNTRY, {}, "For `geo`: pools by country, in failover order."
        ),
        Field(
            "region_pools", POOLS_BY_REGION, {}, "For `geo`: pools by region, in failover order."
        ),
        Field("pop_pools", POOLS_BY_POP, {}, "For `geo`: pools by data centre, in failover order."),
        Field(
            "pool_sets",
            ListOf(kind=POOL_SET, most=1000),
            [],
            "Pools by place; they come before rules.",
        ),
        Field("maintenance_page", MAINTENANCE_PAGE, None, "What is said when nothing can serve."),
        Field("mirror", MIRROR, None, "Sends some requests to another pool as well."),
        Field("location_strategy", LOCATION_STRATEGY, {}, "For DNS answers.", _KEPT),
        Field(
            "ttl",
            Whole(0, 86_400),
            None,
            "Of DNS answers, in seconds.",
            _KEPT,
            NO_DNS,
            harmless=(0,),
        ),
        Field(
            "proxied",
            Boolean(),
            None,
            "Whether Cloudflare proxies it.",
            _KEPT,
            "a Worker is only asked for what Cloudflare proxies",
            harmless=(True,),
        ),
        Field("networks", ListOf(kind=Text(), most=100), None, "Where it is served.", _KEPT),
        Field("zone_name", Text(), None, "Its zone.", _KEPT),
        Field("id", Text(), None, "Cloudflare's identifier.", _KEPT),
        Field("created_on", Text(), None, "When it was made.", _KEPT),
        Field("modified_on", Text(), None, "When it was last changed.", _KEPT),
    ),
)

LOAD_BALANCER = replace(_WITHOUT_RULES, fields=(*_WITHOUT_RULES.fields, rules_of(_WITHOUT_RULES)))


def make_load_balancer(
    record: Record, pool_of: Callable[[Ref], Pool | None], reader: Reader
) -> LoadBalancer | None:
    """The load balancer that a record describes; None when it names no pool that exists."""
    pools = pools_of(record.items("default_pools"), pool_of, reader)
    fallback_ref = record.values.get("fallback_pool")
    fallback = pool_of(fallback_ref) if isinstance(fallback_ref, Ref) else None
    stand_in = fallback or (pools[0] if pools else None)
    if stand_in is None:
        return None
    steering = steering_of(record, pool_of, reader)
    load_balancer = record.build(
        LoadBalancer,
        name=record.text("name"),
        default_pools=pools,
        fallback_pool=stand_in,
        mirror=mirror_of(record.values.get("mirror"), pool_of),
        rules=resolved(record.items("rules"), record.at / "rules", pool_of, reader),
        **steering,
    )
    _check_cookie(load_balancer, record.at, reader)
    check_mirror(load_balancer, record, reader)
    load_balancer = with_sessions(load_balancer, record, reader)
    load_balancer = replace(
        load_balancer,
        rules=tuple(
            _with_sessions(rule, load_balancer, record.at / "rules" / index / "overrides", reader)
            for index, rule in enumerate(load_balancer.rules)
        ),
    )
    usable = any(
        pool.enabled and any(origin.enabled for origin in pool.origins)
        for pool in load_balancer.pools
    )
    # A pool with problems may have lost origins to them.
    fine = reader.fine(Place(), "pools") and reader.fine(record.at, "default_pools")
    if load_balancer.enabled and not usable and fine:
        reader.overlook(
            record.at / "default_pools",
            "no pool has an enabled origin",
            "no pool has an enabled origin that a Worker can reach: clients get 503",
        )
    return load_balancer


def _with_sessions(rule: Rule, load_balancer: LoadBalancer, at: Place, reader: Reader) -> Rule:
    """The rule, with the settings that depend on its kind of session affinity."""
    overrides = dict(rule.overrides)
    if not any(key.startswith("session_affinity") for key in overrides):
        return rule
    before = load_balancer.under((rule,))
    _check_cookie(before, at, reader)
    given = dict(overrides)
    if "session_affinity" not in overrides:
        given.setdefault("session_affinity_ttl", load_balancer.session_affinity_ttl)
    after = with_sessions(before, Record(at, given), reader)
    for key in ("session_affinity_ttl", "session_affinity_attributes"):
        if getattr(after, key) != getattr(load_balancer, key):
            overrides[key] = getattr(after, key)
    return replace(rule, overrides=tuple(overrides.items()))


def _check_cookie(load_balancer: LoadBalancer, at: Place, reader: Reader) -> None:
    """Browsers drop a cookie of such a name without Secure (RFC 6265bis 4.1.3)."""
    prefixed = load_balancer.cookie_name.lower().startswith(("__host-", "__secure-"))
    always = load_balancer.session_affinity_attributes.secure is Secure.ALWAYS
    if prefixed and not always and reader.fine(at, "cookie_name", "session_affinity_attributes"):
        reader.refuse(
            at / "cookie_name",
            'a name that starts with __Host- or __Secure- needs secure = "Always" '
            "in session_affinity_attributes",
        )
