"""Whole documents: what is accepted, and every problem with its place."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, cast

import pytest

from lb.config import Invalid, Problem, from_toml, parse
from lb.model import (
    Config,
    MonitorType,
    OriginSteeringPolicy,
    SameSite,
    Secure,
    SessionAffinity,
    SteeringPolicy,
)
from support.documents import GOOD

if TYPE_CHECKING:
    from support.documents import Document


def changed(path: str, value: object) -> Document:
    """Return GOOD with one value changed, for example at `pools/0/origins/0/weight`."""
    document = copy.deepcopy(GOOD)
    here: object = document
    *steps, last = [int(step) if step.isdecimal() else step for step in path.split("/")]
    for step in steps:
        here = cast("dict[str | int, object]", here)[step]
    if last == "+":
        cast("list[object]", here).append(value)
    else:
        cast("dict[str | int, object]", here)[last] = value
    return document


def first_pool() -> Document:
    """Return the first pool of GOOD."""
    return cast("list[Document]", GOOD["pools"])[0]


def accepted(document: Document) -> Config:
    """Return the configuration of a valid document."""
    parsed = parse(document)
    assert isinstance(parsed, Config), parsed
    return parsed


def problems(document: Document) -> list[str]:
    """Return the problems of an invalid document."""
    parsed = parse(document)
    assert isinstance(parsed, Invalid), parsed
    return [str(problem) for problem in parsed.problems]


def test_names_become_objects() -> None:
    """References are resolved, and host names are in lower case."""
    config = accepted(GOOD)
    (balancer,) = config.load_balancers

    assert balancer.name == "service.example.com"
    assert balancer.default_pools == config.pools
    assert balancer.fallback_pool is config.pools[0]
    assert [pool.monitor for pool in config.pools] == [config.monitors[0]] * 2
    assert config.monitors[0].type is MonitorType.HTTPS
    assert [origin.key for pool in config.pools for origin in pool.origins] == [
        ("primary", "Server 1"),
        ("replica", "Server 2"),
    ]


def test_a_document_may_be_built_up_in_steps() -> None:
    """A document may consist of monitors alone, because the admin API builds it up in steps."""
    assert accepted({}).load_balancers == ()
    assert accepted({"monitors": GOOD["monitors"]}).monitors[0].name == "web"


def test_every_problem_is_found_at_once() -> None:
    """All problems are reported at once, each with the path of its value."""
    document = changed("pools/1/origins/0/weight", 3)
    document["load_balancer"] = []
    document["admin"] = {"path": "/"}

    assert problems(document) == [
        'unknown key; did you mean "load_balancers"? @ $.load_balancer',
        "must be from 0 to 1, not 3 @ $.pools[1].origins[0].weight",
        'must start with "/", name something, and not end with "/" @ $.admin.path',
    ]


def test_null_leaves_a_key_out() -> None:
    """A null value counts as absent, as in Cloudflare's API."""
    document = changed("pools/0/check_regions", None)

    assert accepted(document) == accepted(GOOD)
    assert problems(changed("pools/0/name", None))[0] == (
        "missing: this key must be given @ $.pools[0].name"
    )


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        # kinds
        (
            "monitors/0/interval",
            "30",
            "must be a whole number, not text: write 30, without quotes @ $.monitors[0].interval",
        ),
        (
            "monitors/0/timeout",
            " 2.5s ",
            (
                "must be a number, not text: write 2.5, without quotes and unit "
                "@ $.monitors[0].timeout"
            ),
        ),
        (
            "monitors/0/interval",
            "5 min",
            (
                "must be a whole number, not text: write the number alone, without quotes and "
                "unit; times are in seconds @ $.monitors[0].interval"
            ),
        ),
        (
            "monitors/0/interval",
            "often",
            "must be a whole number, not text @ $.monitors[0].interval",
        ),
        ("monitors/0/interval", True, "must be a whole number, not true @ $.monitors[0].interval"),
        (
            "monitors/0/interval",
            10**30,
            "must be from 1 to 3600, not a number of many digits @ $.monitors[0].interval",
        ),
        (
            "pools/0/origins/0/weight",
            float("nan"),
            "must be from 0 to 1, not nan @ $.pools[0].origins[0].weight",
        ),
        (
            "pools/0/origins/0/weight",
            float("inf"),
            "must be from 0 to 1, not inf @ $.pools[0].origins[0].weight",
        ),
        (
            "pools/0/enabled",
            "no",
            "must be true or false, not text: write false, without quotes @ $.pools[0].enabled",
        ),
        ("pools/0/enabled", "maybe", "must be true or false, not text @ $.pools[0].enabled"),
        (
            "pools/0/description",
            5,
            "must be text, not 5: put it in quotes @ $.pools[0].description",
        ),
        (
            "load_balancers/0/default_pools",
            "primary",
            "must be a list, not text: put it in [ ] @ $.load_balancers[0].default_pools",
        ),
        (
            "ORIGINS",
            "a.example.com",
            "unknown key: variables stand below [vars] in wrangler.toml @ $.ORIGINS",
        ),
        ("pools/0/enabled", 0, "must be true or false, not 0 @ $.pools[0].enabled"),
        ("pools/0/origins", [], "must not be empty @ $.pools[0].origins"),
        (
            "pools/0/origins",
            {},
            (
                "must be a list, not a table: in a file, its name stands in double brackets: "
                "[[name]] @ $.pools[0].origins"
            ),
        ),
        ("pools/0", "primary", "must be a table, not text @ $.pools[0]"),
        ("monitors/0/header", [], "must be a table, not a list @ $.monitors[0].header"),
        ("pools/0/monitor", 1, "must be the name of a monitor, not 1 @ $.pools[0].monitor"),
        # names
        ("pools/0/naem", "x", 'unknown key; did you mean "name"? @ $.pools[0].naem'),
        ("pools/0/a b", "x", 'unknown key @ $.pools[0]["a b"]'),
        (
            "load_balancers/0/fallback_pool",
            "replca",
            (
                'there is no pool named "replca"; did you mean "replica"? '
                "@ $.load_balancers[0].fallback_pool"
            ),
        ),
        (
            "load_balancers/0/default_pools",
            ["primary", "primary"],
            (
                '"primary" is listed at $.load_balancers[0].default_pools[0] already '
                "@ $.load_balancers[0].default_pools[1]"
            ),
        ),
        (
            "load_balancers/0/steering_policy",
            "of",
            (
                'must be "", "off", "geo", "random", "dynamic_latency", "proximity", '
                '"least_outstanding_requests" or "least_connections", not "of"; '
                'did you mean "off"? @ $.load_balancers[0].steering_policy'
            ),
        ),
        (
            "monitors/+",
            {"name": "web"},
            '"web" is the name of $.monitors[0] already @ $.monitors[1].name',
        ),
        (
            "load_balancers/+",
            {
                "name": "SERVICE.example.com",
                "default_pools": ["replica"],
                "fallback_pool": "replica",
            },
            (
                '"service.example.com" is the name of $.load_balancers[0] already '
                "@ $.load_balancers[1].name"
            ),
        ),
        (
            "pools/0/origins/+",
            {"name": "Server 1", "address": "other.example.com"},
            '"Server 1" is the name of $.pools[0].origins[0] already @ $.pools[0].origins[1].name',
        ),
        (
            "pools/0/origins/+",
            {"name": "other", "address": "https://service-primary.example.com:443/"},
            "is the same place as $.pools[0].origins[0] @ $.pools[0].origins[1].address",
        ),
        (
            "pools/0/origins/0/name",
            "line\nbreak",
            "must have printable ASCII characters only @ $.pools[0].origins[0].name",
        ),
        # combinations of keys
        (
            "monitors/0/timeout",
            30,
            "must be less than interval (30 is not less than 30) @ $.monitors[0].timeout",
        ),
        (
            "load_balancers/0/failover",
            {"deadline": 10, "first_byte_timeout": 20},
            (
                "must not be more than deadline (20 is more than 10) "
                "@ $.load_balancers[0].failover.first_byte_timeout"
            ),
        ),
        (
            "load_balancers/0/session_affinity_attributes",
            {"samesite": "None", "secure": "Never"},
            (
                'samesite = "None" does not go with secure = "Never" '
                "@ $.load_balancers[0].session_affinity_attributes"
            ),
        ),
        (
            "load_balancers/0/cookie_name",
            "__Host-evenkeel",
            (
                'a name that starts with __Host- or __Secure- needs secure = "Always" '
                "in session_affinity_attributes @ $.load_balancers[0].cookie_name"
            ),
        ),
        (
            "pools/0/minimum_origins",
            2,
            "must not be more than the pool has origins (1) @ $.pools[0].minimum_origins",
        ),
        (
            "pools/0/latitude",
            50.1,
            "latitude and longitude are given together or not at all @ $.pools[0]",
        ),
        (
            "pools/1/origins/0/port",
            0x2000000,
            "must be from 0 to 65535, not 33554432 @ $.pools[1].origins[0].port",
        ),
        # unsupported, now or always
        (
            "monitors/0/type",
            "icmp_ping",
            '"icmp_ping" is not possible: a Worker has neither ICMP nor UDP @ $.monitors[0].type',
        ),
        (
            "monitors/0/allow_insecure",
            True,
            "not possible: a Worker always checks certificates @ $.monitors[0].allow_insecure",
        ),
        (
            "load_balancers/0/rules",
            [{"name": "r", "condition": "s"}],
            "column 1: there is no field s @ $.load_balancers[0].rules[0].condition",
        ),
        (
            "pools/0/load_shedding",
            {"session_policy": "random"},
            (
                '"random" is not possible: with each request a session would be less likely to '
                "stay @ $.pools[0].load_shedding.session_policy"
            ),
        ),
        (
            "pools/0/origins/0/virtual_network_id",
            "x",
            (
                "not possible: a Worker reaches public host names only: "
                "give a public hostname of the tunnel @ $.pools[0].origins[0].virtual_network_id"
            ),
        ),
        # headers
        (
            "pools/0/origins/0/header",
            {"Host": ["other.example.com"]},
            (
                "must be the host of the address, as a Worker's Host header always is: "
                "put the name in the address @ $.pools[0].origins[0].header.Host"
            ),
        ),
        (
            "monitors/0/header",
            {"user-agent": ["x"]},
            (
                "cannot be overridden: origins tell probes from visitors by it "
                "@ $.monitors[0].header.user-agent"
            ),
        ),
        (
            "load_balancers/0/request_headers",
            {"set": {"CF-Connecting-IP": "192.0.2.1"}},
            (
                "is set by Cloudflare and cannot be changed by a Worker "
                "@ $.load_balancers[0].request_headers.set.CF-Connecting-IP"
            ),
        ),
        (
            "load_balancers/0/request_headers",
            {"set": {"Authorization": "top secret\r\nX: y"}},
            (
                "a header's value has printable ASCII characters only, on one line "
                "@ $.load_balancers[0].request_headers.set.Authorization"
            ),
        ),
        (
            "load_balancers/0/request_headers",
            {"set": {"Authorization": 31337}},
            (
                "must be text, not a value of another kind "
                "@ $.load_balancers[0].request_headers.set.Authorization"
            ),
        ),
        (
            "load_balancers/0/request_headers",
            {"set": {"X-A": "1", "x-a": "2"}},
            (
                "this header is given twice (case does not count) "
                "@ $.load_balancers[0].request_headers.set.x-a"
            ),
        ),
        (
            "load_balancers/0/response_headers",
            {"set": {"Set-Cookie": "a=b"}},
            (
                "cannot be set, as that would replace the origin's own cookies "
                "@ $.load_balancers[0].response_headers.set.Set-Cookie"
            ),
        ),
        (
            "load_balancers/0/response_headers",
            {"remove": ["X-A", "bad name"]},
            "is not a header name (RFC 9110 5.1) @ $.load_balancers[0].response_headers.remove[1]",
        ),
        (
            "load_balancers/0/trusted_proxies",
            ["192.0.2.1", "proxy.example.com"],
            (
                "must be an address or a CIDR range: 192.0.2.1, 192.0.2.0/24, 2001:db8::/32 "
                "@ $.load_balancers[0].trusted_proxies[1]"
            ),
        ),
        (
            "load_balancers/0/trusted_proxies",
            ["10.0.0.0/255.0.0.0"],
            (
                "must be an address or a CIDR range: 192.0.2.1, 192.0.2.0/24, 2001:db8::/32 "
                "@ $.load_balancers[0].trusted_proxies[0]"
            ),
        ),
        (
            "load_balancers/0/trusted_proxies",
            ["0.0.0.0/0"],
            (
                "would believe anybody: name the addresses of your own proxies "
                "@ $.load_balancers[0].trusted_proxies[0]"
            ),
        ),
        (
            "load_balancers/0/trusted_proxies",
            ["10.0.0.1/8"],
            "has bits beyond its length: 10.0.0.0/8 @ $.load_balancers[0].trusted_proxies[0]",
        ),
        (
            "load_balancers/0/trusted_proxies",
            "10.0.0.0/8",
            "must be a list, not text: put it in [ ] @ $.load_balancers[0].trusted_proxies",
        ),
        # the admin API
        (
            "admin",
            {"path": "/a/../b"},
            'must not have "." or ".." between slashes: URLs lose them @ $.admin.path',
        ),
        (
            "admin",
            {"path": "/lb/"},
            'must start with "/", name something, and not end with "/" @ $.admin.path',
        ),
    ],
)
def test_a_mistake_is_reported_where_it_is(path: str, value: object, problem: str) -> None:
    """Each mistake is one problem in plain words, at its place."""
    document = changed(path, value)

    assert problem in problems(document)
    assert len(problems(document)) == 1 or path == "pools/0"


@pytest.mark.parametrize(
    "name", ["host", "Content-Length", "TE", "Upgrade", "Expect", "cdn-loop", "X-Evenkeel-Hops"]
)
def test_some_headers_of_requests_belong_to_others(name: str) -> None:
    """Some request headers can neither be set nor removed."""
    for edit in ({"set": {name: "x"}}, {"remove": [name]}):
        assert len(problems(changed("load_balancers/0/request_headers", edit))) == 1


@pytest.mark.parametrize("name", ["content-encoding", "Content-Length", "Connection", "Upgrade"])
def test_some_headers_of_answers_belong_to_others(name: str) -> None:
    """Some response headers can neither be set nor removed."""
    for edit in ({"set": {name: "x"}}, {"remove": [name]}):
        assert len(problems(changed("load_balancers/0/response_headers", edit))) == 1


def test_cookies_of_an_origin_can_be_removed() -> None:
    """Set-Cookie can be removed but not set, because setting one would need the others kept."""
    config = accepted(changed("load_balancers/0/response_headers", {"remove": ["Set-Cookie"]}))

    assert config.load_balancers[0].response_headers.remove == ("Set-Cookie",)


def test_a_host_header_that_is_the_address_is_accepted() -> None:
    """A host header that equals the address is accepted and not sent."""
    document = changed("pools/0/origins/0/header", {"Host": ["Service-Primary.example.com"]})
    document["monitors"] = [
        {"name": "web", "header": {"Host": ["service-primary.example.com"], "X-A": ["1", "2"]}}
    ]
    cast("list[Document]", document["pools"])[1]["monitor"] = None

    assert accepted(document).monitors[0].header == (("X-A", ("1", "2")),)


def test_a_reference_to_something_refused_is_not_unknown() -> None:
    """A reference to an invalid object is no further problem."""
    document = changed("pools/0/name", "my pool")
    balancer = cast("list[Document]", document["load_balancers"])[0]
    balancer |= {"default_pools": ["my pool"], "fallback_pool": "my pool"}

    assert problems(document) == ['must have letters, digits and "-_.:" only @ $.pools[0].name']


def test_somebody_has_to_answer() -> None:
    """A load balancer without an enabled origin is refused."""
    document = changed("pools/0", {**first_pool(), "enabled": False})
    assert isinstance(parse(document), Config)
    pools = cast("list[Document]", document["pools"])
    cast("list[Document]", pools[1]["origins"])[0]["enabled"] = False

    assert problems(document) == [
        "no pool has an enabled origin @ $.load_balancers[0].default_pools"
    ]
    cast("list[Document]", document["load_balancers"])[0]["enabled"] = False
    assert isinstance(parse(document), Config)


def test_an_origin_may_be_taken_out_for_a_while() -> None:
    """Disabling an origin is valid even below the health threshold: the next pool serves."""
    pool = {"enabled": False, "name": "x", "address": "x.example.com"}
    document = changed("pools/0/origins/+", pool)
    cast("list[Document]", document["pools"])[0]["minimum_origins"] = 2

    assert accepted(document).pools[0].minimum_origins == 2


def test_a_timeout_that_is_not_given_gives_way() -> None:
    """A default timeout is shortened to fit a short interval or deadline."""
    document = changed("monitors/0/interval", 4)
    cast("list[Document]", document["load_balancers"])[0]["failover"] = {"deadline": 10}
    config = accepted(document)

    assert config.monitors[0].timeout == 2
    assert config.load_balancers[0].failover.first_byte_timeout == 10
    assert accepted(changed("monitors/0/interval", 30)).monitors[0].timeout == 5


def test_everything_can_be_set() -> None:
    """All settings of a load balancer are read."""
    document = changed("pools/0/origin_steering", {"policy": "hash"})
    cast("list[Document]", document["load_balancers"])[0].update(
        {
            "steering_policy": "",
            "session_affinity": "ip_cookie",
            "session_affinity_ttl": 3600,
            "session_affinity_attributes": {"samesite": "None", "secure": "Always"},
            "cookie_name": "__Secure-lb",
            "failover": {"retry_on": "5xx", "tries": 2, "retry_non_idempotent": True},
            "ejection": {"consecutive_failures": 5, "base_time": 1.5, "max_percent": 50},
            "https_redirect": True,
            "x_served_by": False,
            "trusted_proxies": ["192.0.2.1", "2001:db8::/32"],
            "request_headers": {"set": {"X-From": "evenkeel"}, "remove": ["X-Debug"]},
        }
    )
    config = accepted(document)
    (balancer,) = config.load_balancers

    assert config.pools[0].origin_steering is OriginSteeringPolicy.HASH
    assert balancer.steering_policy is SteeringPolicy.DEFAULT
    assert balancer.session_affinity is SessionAffinity.IP_COOKIE
    assert balancer.session_affinity_attributes.samesite is SameSite.NONE
    assert balancer.session_affinity_attributes.secure is Secure.ALWAYS
    assert balancer.failover.tries == 2
    assert [(each.low, each.high) for each in balancer.failover.retry_on] == [(500, 599)]
    assert balancer.ejection.base_time == 1.5
    assert balancer.trusted_proxies == ("192.0.2.1", "2001:db8::/32")
    assert balancer.request_headers.set == (("X-From", "evenkeel"),)
    assert balancer.request_headers.remove == ("X-Debug",)


def test_what_has_no_effect_is_kept() -> None:
    """A field without effect is kept by its path and value, so that it can be returned."""
    document = changed("load_balancers/0/ttl", 30)
    cast("list[Document]", document["load_balancers"])[0]["proxied"] = True
    config = accepted(document)

    assert config.kept == {"$.load_balancers[0].ttl": 30, "$.load_balancers[0].proxied": True}
    assert config == accepted(GOOD)


def test_unsupported_fields_may_say_their_default() -> None:
    """Unsupported fields may have their default, because Cloudflare's API returns every field."""
    document = changed("pools/0/load_shedding", {"default_percent": 0, "default_policy": "random"})
    cast("list[Document]", document["load_balancers"])[0].update(
        {"rules": [], "country_pools": {}, "random_steering": {"default_weight": 1}}
    )

    assert accepted(document) == accepted(GOOD)


def test_toml_syntax_errors_name_the_line() -> None:
    """A TOML syntax error is a problem with its line."""
    parsed = from_toml("[[pools]]\nname = \n")

    assert isinstance(parsed, Invalid)
    (problem,) = parsed.problems
    assert problem.path == "$"
    assert problem.message.startswith("is not TOML: Invalid value (at line 2")


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 5000 + "]" * 5000,
        "a = " + "9" * 5000,
        "a = 1\na = 2",
        "\x00",
        "pools = 1979-05-27T07:32:00Z",
        "load_balancers = [[[]]]",
    ],
)
def test_hostile_toml_is_a_problem_not_an_exception(text: str) -> None:
    """Deep nesting, huge numbers and duplicate keys are problems, not exceptions."""
    assert isinstance(from_toml(text), Invalid)


def test_a_file_has_to_serve_something() -> None:
    """An empty file is an error, though an empty document is valid."""
    nothing = Problem("$.load_balancers", "missing: without a [[load_balancers]] nothing is served")

    assert from_toml("") == Invalid((nothing,))
    assert from_toml("\ufeff# only a comment\r\n") == Invalid((nothing,))


def test_a_file_without_any_key_that_fits_says_so_once_for_each() -> None:
    """A table with thousands of unknown keys is one problem for each, without slow suggestions."""
    found = problems({f"key{number}": 1 for number in range(1000)})

    assert len(found) == 21
    assert found[-1] == "980 more unknown keys @ $"


def test_a_host_header_without_a_good_value_is_one_problem() -> None:
    """An invalid host header is one problem; it is not compared with the address too."""
    assert problems(changed("pools/0/origins/0/header", {"Host": [3]})) == [
        "must be text, not a value of another kind @ $.pools[0].origins[0].header.Host[0]"
    ]
