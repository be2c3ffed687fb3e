"""Rules in a configuration: what is accepted, how it is represented, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft7Validator

from lb.config import Invalid, json_schema, parse
from lb.model import (
    Config,
    FixedResponse,
    LoadBalancer,
    RandomSteering,
    Region,
    Rule,
    SessionAffinity,
    SessionAffinityAttributes,
    SteeringPolicy,
    ZeroDowntimeFailover,
)

Document = dict[str, Any]


def document(*rules: object, **fields: object) -> Document:
    """Return a configuration with these rules."""
    names = ("main", "api", "beta")
    return {
        "pools": [
            {"name": name, "origins": [{"name": "o", "address": f"{name}.example.com"}]}
            for name in names
        ],
        "load_balancers": [
            {
                "name": "service.example.com",
                "default_pools": ["main"],
                "fallback_pool": "main",
                "rules": list(rules),
                **fields,
            }
        ],
    }


def accepted(*rules: object, **fields: object) -> LoadBalancer:
    """Return the load balancer with these rules."""
    given = document(*rules, **fields)
    parsed = parse(given)
    assert isinstance(parsed, Config), parsed
    Draft7Validator(json_schema()).validate(given)
    return parsed.load_balancers[0]


def overriding(overrides: Document, **fields: object) -> tuple[LoadBalancer, Document]:
    """Return a load balancer whose rule has these overrides, and the parsed overrides."""
    lb = accepted({"overrides": overrides}, **fields)
    return lb, dict(lb.rules[0].overrides)


def problems(*rules: object, **fields: object) -> list[str]:
    """Return the problems of rules, without the path of the list."""
    parsed = parse(document(*rules, **fields))
    assert isinstance(parsed, Invalid)
    return [str(each).replace("$.load_balancers[0].rules", "@") for each in parsed.problems]


def test_a_rule_as_cloudflares_api_gives_it_is_taken_over() -> None:
    """Cloudflare, every property; `ttl` and `location_strategy` are for DNS responses."""
    lb = accepted(
        {
            "name": "route the path /testing to a pool",
            "condition": 'http.request.uri.path contains "/testing"',
            "priority": 5,
            "disabled": True,
            "terminates": True,
            "fixed_response": {
                "message_body": "Testing Hello",
                "status_code": 301,
                "content_type": "application/json",
                "location": "www.example.com",
            },
            "overrides": {
                "adaptive_routing": {"failover_across_pools": False},
                "country_pools": {"GB": ["api"], "US": ["beta", "api"]},
                "default_pools": ["beta", "api"],
                "fallback_pool": "api",
                "location_strategy": {"mode": "resolver_ip", "prefer_ecs": "always"},
                "pop_pools": {"LAX": ["api"]},
                "random_steering": {"default_weight": 0.2, "pool_weights": {"api": 0.3}},
                "region_pools": {"ENAM": ["api"]},
                "session_affinity": "cookie",
                "session_affinity_attributes": {"samesite": "Lax", "drain_duration": 100},
                "session_affinity_ttl": 1800,
                "steering_policy": "dynamic_latency",
                "ttl": 30,
            },
        }
    )
    (main,) = lb.default_pools
    api, beta = _pools(lb, "api", "beta")
    (rule,) = lb.rules

    assert rule == Rule(
        name="route the path /testing to a pool",
        condition='http.request.uri.path contains "/testing"',
        priority=5,
        disabled=True,
        terminates=True,
        fixed_response=FixedResponse(
            message_body="Testing Hello",
            status_code=301,
            content_type="application/json",
            location="www.example.com",
        ),
        overrides=rule.overrides,
    )
    made = lb.under((rule,))
    assert (made.default_pools, made.fallback_pool) == ((beta, api), api)
    assert made.country_pools == (("GB", (api,)), ("US", (beta, api)))
    assert made.region_pools == ((Region.ENAM, (api,)),)
    assert made.pop_pools == (("LAX", (api,)),)
    assert made.random_steering == RandomSteering(default_weight=0.2, pool_weights=(("api", 0.3),))
    assert made.steering_policy is SteeringPolicy.DYNAMIC_LATENCY
    assert made.session_affinity is SessionAffinity.COOKIE
    assert made.session_affinity_ttl == 1800
    assert made.session_affinity_attributes.drain_duration == 100
    assert not made.adaptive_routing.failover_across_pools
    assert lb.reachable == (main,)  # The rule is disabled.


def _pools(lb: LoadBalancer, *names: str) -> tuple[Any, ...]:
    known = {pool.name: pool for rule in lb.rules for pool in rule.pools}
    return tuple(known[name] for name in names)


def test_pools_of_a_rule_are_those_of_the_configuration() -> None:
    """`pools` is another name of `default_pools` in a rule, and may be combined with weights."""
    lb, given = overriding(
        {"pools": ["api"], "pool_weights": {"api": 0.5}, "pool_default_weight": 0}
    )

    assert [pool.name for pool in given["default_pools"]] == ["api"]
    assert given["random_steering"] == RandomSteering(
        default_weight=0, pool_weights=(("api", 0.5),)
    )
    assert [pool.name for pool in lb.reachable] == ["main", "api"]


def test_a_rules_affinity_has_the_bounds_of_its_kind() -> None:
    """Cloudflare, session_affinity_ttl: a rule's kind of affinity decides bounds and default."""
    headers = {"headers": ["x-user"]}
    _, given = overriding(
        {"session_affinity": "header", "session_affinity_attributes": headers},
        session_affinity="cookie",
    )

    assert given["session_affinity_ttl"] == 1800
    assert given["session_affinity_attributes"] == SessionAffinityAttributes(
        headers=("x-user",), zero_downtime_failover=ZeroDowntimeFailover.TEMPORARY
    )
    assert problems(
        {"overrides": {"session_affinity": "cookie", "session_affinity_ttl": 60}},
        {"overrides": {"session_affinity": "header"}},
        {"overrides": {"session_affinity_ttl": 60}},
        session_affinity="ip_cookie",
    ) == [
        (
            'with session_affinity = "cookie" it must be from 1800 to 604800, not 60'
            " @ @[0].overrides.session_affinity_ttl"
        ),
        (
            'session_affinity = "header" needs a header'
            " @ @[1].overrides.session_affinity_attributes.headers"
        ),
        (
            'with session_affinity = "ip_cookie" it must be from 1800 to 604800, not 60'
            " @ @[2].overrides.session_affinity_ttl"
        ),
    ]


def test_a_rule_that_leaves_affinity_alone_overrides_nothing_of_it() -> None:
    """A rule without affinity overrides none, so that an earlier rule's affinity stands."""
    _, given = overriding({"default_pools": ["api"]}, session_affinity="cookie")
    assert set(given) == {"default_pools"}
    _, given = overriding({"session_affinity_attributes": {"samesite": "Lax"}})
    assert set(given) == {"session_affinity_attributes"}


def test_every_mistake_in_every_rule_is_told() -> None:
    """Every mistake is reported with its rule and key, and in a condition with its column."""
    assert set(
        problems(
            {"condition": 'http.hst eq "a" or http.request.body.raw eq "b"'},
            {"overrides": {"default_pools": ["apy", "api", "api"], "pools": ["beta"]}},
            {"overrides": {"random_steering": {"pool_weights": {"nope": 1}}, "ttl": -1}},
            {"overrides": {"cookie_name": "x"}, "name": "n" * 201},
            {"condition": 5, "priority": -1, "disabled": "no"},
        )
    ) == {
        "column 1: there is no field http.hst; did you mean http.host? @ @[0].condition",
        (
            "column 20: http.request.body.raw is not possible: a rule is decided before the body "
            "comes, so that no request waits for it @ @[0].condition"
        ),
        "is another name of default_pools: give one of them @ @[1].overrides.pools",
        "must be from 0 to 86400, not -1 @ @[2].overrides.ttl",
        "unknown key @ @[3].overrides.cookie_name",
        "must have at most 200 characters, not 201 @ @[3].name",
        "must be text, not 5 @ @[4].condition",
        "must be from 0 to 2147483647, not -1 @ @[4].priority",
        "must be true or false, not text: write false, without quotes @ @[4].disabled",
        'there is no pool named "apy"; did you mean "api"? @ @[1].overrides.default_pools[0]',
        (
            '"api" is listed at @[1].overrides.default_pools[1] already '
            "@ @[1].overrides.default_pools[2]"
        ),
        'there is no pool named "nope" @ @[2].overrides.random_steering.pool_weights.nope',
    }


@pytest.mark.parametrize(
    ("response", "problem"),
    [
        ({"location": "javascript:alert(1)"}, "must be a path, or a URL that starts with http"),
        ({"location": "DATA:text/html,x"}, "must be a path, or a URL that starts with http"),
        ({"location": "/a\r\nSet-Cookie: x=y"}, "must be ASCII without spaces"),
        ({"location": "/a b"}, "must be ASCII without spaces"),
        ({"location": "/é"}, "must be ASCII without spaces"),
        ({"location": "/a", "status_code": 200}, "means something with status 201 and 300 to 399"),
        ({"content_type": "text/html\r\nX: y"}, "a header's value has printable ASCII"),
        ({"content_type": "x" * 33}, "must have at most 32 characters, not 33"),
        ({"message_body": "x" * 1025}, "must have at most 1024 characters, not 1025"),
        ({"message_body": "x", "status_code": 204}, "an answer of status 204 has no body"),
        ({"message_body": "x", "status_code": 304}, "an answer of status 304 has no body"),
        ({"status_code": 101}, "must be from 200 to 599, not 101"),
        ({"status_code": 600}, "must be from 200 to 599, not 600"),
    ],
)
def test_a_fixed_response_that_could_do_harm_is_refused(response: Document, problem: str) -> None:
    """Cloudflare: message_body <=1024, content_type <=32; a fixed response cannot add a header."""
    (only,) = problems({"fixed_response": response})

    assert only.startswith(problem)
    assert " @ @[0].fixed_response." in only


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"location": "/x"}, 302),
        ({"status_code": 308, "location": "/x"}, 308),
        ({"message_body": "x"}, 200),
    ],
)
def test_a_status_that_is_not_given_follows_from_the_rest(given: Document, status: int) -> None:
    """Without a status, a fixed response with a location is a redirect."""
    (rule,) = accepted({"fixed_response": given}).rules

    assert rule.fixed_response is not None
    assert rule.fixed_response.status_code == status


def test_a_rules_cookie_is_checked_like_the_load_balancers() -> None:
    """Cloudflare: browsers drop a cookie of such a name without Secure, in a rule too."""
    always = {"secure": "Always"}
    wrong = problems(
        {"overrides": {"session_affinity_attributes": {"samesite": "Lax"}}},
        cookie_name="__Host-lb",
        session_affinity_attributes=always,
    )

    assert len(wrong) == 1
    assert "__Host-" in wrong[0]
