"""Load balancers: their fields, and the rules that join several of them.

https://developers.cloudflare.com/api/resources/load_balancers/
The fields below `failover` are Evenkeel's own.
"""

# ruff: noqa: FBT003 (in a table, a default stands where every other default stands)
from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lb.config.objects.header_fields import REQUEST_HEADERS, RESPONSE_HEADERS
from lb.config.objects.mirror_fields import MIRROR, check_mirror, mirror_of
from lb.config.objects.pool_fields import NO_DNS
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
from lb.config.reading.status_codes import Codes
from lb.config.reading.tables import REQUIRED, Field, Record, Standing, Table
from lb.config.reading.values import Boolean, ListOf, Number, Ref, Reference, Text, Whole
from lb.model import (
    Ejection,
    Failover,
    LoadBalancer,
    Pool,
    Rule,
    Secure,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_KEPT = Standing.KEPT


def _make_failover(record: Record, reader: Reader) -> Failover:
    failover = record.build(Failover)
    _check_hedging(failover, record.at, reader)
    if "first_byte_timeout" not in record.values:
        shorter = min(failover.first_byte_timeout, failover.deadline)
        return replace(failover, first_byte_timeout=shorter)
    fine = reader.fine(record.at, "deadline", "first_byte_timeout")
    if fine and failover.deadline < failover.first_byte_timeout:
        reader.refuse(
            record.at / "first_byte_timeout",
            "must not be more than deadline "
            f"({failover.first_byte_timeout:g} is more than {failover.deadline:g})",
        )
    return failover


def _check_hedging(failover: Failover, at: Place, reader: Reader) -> None:
    """What could never happen is no setting."""
    if not failover.hedge_after or not reader.fine(at, "hedge_after"):
        return
    longest = min(failover.first_byte_timeout, failover.deadline)
    if failover.hedge_after >= longest and reader.fine(at, "first_byte_timeout", "deadline"):
        reader.refuse(
            at / "hedge_after",
            "must be less than first_byte_timeout and deadline "
            f"({failover.hedge_after:g} is not less than {longest:g})",
        )
    if failover.tries == 1 and reader.fine(at, "tries"):
        reader.refuse(at / "hedge_after", "needs tries of 2 or more: it is a second try")


def _make_ejection(record: Record, reader: Reader) -> Ejection:
    """Envoy's default of max_ejection_time: 300 s or base_ejection_time, whichever is larger.

    https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/outlier_detection.proto
    """
    ejection = record.build(Ejection)
    if "max_time" not in record.values:
        return replace(ejection, max_time=max(ejection.max_time, ejection.base_time))
    if ejection.max_time < ejection.base_time and reader.fine(record.at, "base_time", "max_time"):
        reader.refuse(
            record.at / "max_time",
            "must not be less than base_time "
            f"({ejection.max_time:g} is less than {ejection.base_time:g})",
        )
    return ejection


FAILOVER = Table(
    name="load_balancers.failover",
    doc="When a failed attempt is followed by another, inside one request.",
    make=_make_failover,
    fields=(
        Field(
            "retry_on",
            Codes(),
            ["502-504", "520-527", 530],
            "Answers that count as a failure; 520 to 530 are those of Cloudflare's edge "
            "for an origin or tunnel that it cannot reach.",
        ),
        Field("tries", Whole(1, 20), 3, "Attempts for one request, the first included."),
        Field(
            "first_byte_timeout",
            Number(0.05, 600),
            30,
            "Seconds until an attempt's answer begins. "
            "Where it is not given and 30 is too long: `deadline`.",
        ),
        Field("deadline", Number(0.05, 600), 100, "Seconds for all attempts of one request."),
        Field(
            "body_limit",
            Whole(0, 10_485_760),
            65_536,
            "Bytes of a request's body that are kept to be sent again.",
        ),
        Field(
            "retry_non_idempotent",
            Boolean(),
            False,
            "Whether requests such as POST are sent again too, though an origin may have acted.",
        ),
        Field(
            "retry_budget",
            Number(0, 100),
            None,
            "Percent of the requests of the last 10 seconds that may be sent again, in each "
            "isolate of the Worker; 10 requests always may. Not given: all.",
        ),
        Field(
            "hedge_after",
            Number(0, 600),
            0,
            "Seconds without an answer after which a GET or HEAD is sent to a second origin too; "
            "the first good answer wins. One request in ten at most, in each isolate; 0: none.",
        ),
    ),
)

EJECTION = Table(
    name="load_balancers.ejection",
    doc="When failures of real requests take an origin out, and for how long.",
    make=_make_ejection,
    fields=(
        Field("consecutive_failures", Whole(1, 1000), 1, "Failures in a row."),
        Field(
            "base_time",
            Number(0, 86_400),
            30,
            "Seconds, times the number of ejections in a row; 0: origins are not ejected.",
        ),
        Field(
            "max_time",
            Number(0, 86_400),
            300,
            "Seconds that an ejection lasts at most. "
            "Where it is not given and 300 is too short: `base_time`.",
        ),
        Field(
            "max_percent",
            Whole(0, 100),
            100,
            "Of a pool's enabled origins; one may always be ejected, "
            "but never the last available origin of the load balancer.",
        ),
        Field(
            "slow_start",
            Number(0, 3600),
            0,
            "Seconds in which an origin that came back grows to its whole share of its pool; "
            "0: it has it at once.",
        ),
        Field(
            "quiet_after",
            Number(0, 600),
            0.4,
            "Seconds without any answer after which new requests avoid an origin, until it "
            "answers; longer where its answers are slow; 0: they do not.",
        ),
    ),
)

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
    # A pool with a problem of its own may have lost origins by it.
    fine = reader.fine(Place(), "pools") and reader.fine(record.at, "default_pools")
    if load_balancer.enabled and not usable and fine:
        reader.overlook(
            record.at / "default_pools",
            "not one pool has an origin that is enabled",
            "not one pool has an origin that is enabled and that a Worker can reach: "
            "clients get 503",
        )
    return load_balancer


def _with_sessions(rule: Rule, load_balancer: LoadBalancer, at: Place, reader: Reader) -> Rule:
    """The rule with what depends on the kind of session affinity that requests of it have."""
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
