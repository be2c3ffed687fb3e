"""Doubts about a valid configuration: what cannot work once deployed, and sure mistakes."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from lb.config import parse
from lb.config.doubts import (
    Deployment,
    DoubtKind,
    Stage,
    Treatment,
    doubts_of,
    notes_of,
    treated,
)
from lb.config.doubts.doubt import TREATMENTS, Doubt
from lb.model import Config

Document = dict[str, Any]

GOOD: Document = {
    "monitors": [{"name": "web", "type": "https", "interval": 30}],
    "pools": [
        {
            "name": "primary",
            "monitor": "web",
            "origins": [{"name": "a", "address": "a.acme.io"}],
        },
        {
            "name": "replica",
            "monitor": "web",
            "origins": [{"name": "b", "address": "b.acme.io"}],
        },
    ],
    "load_balancers": [
        {
            "name": "service.acme.io",
            "default_pools": ["primary", "replica"],
            "fallback_pool": "primary",
        }
    ],
}
ADDRESS = "$.pools[0].origins[0].address"


def document(**changes: Document) -> Document:
    """Return GOOD with fields added to its first monitor, pools, origin or load balancer."""
    good = copy.deepcopy(GOOD)
    places: dict[str, Document] = {
        "monitor": good["monitors"][0],
        "pool": good["pools"][0],
        "other": good["pools"][1],
        "origin": good["pools"][0]["origins"][0],
        "balancer": good["load_balancers"][0],
        "top": good,
    }
    for place, fields in changes.items():
        places[place].update(copy.deepcopy(fields))
    return good


def found(
    given: Document, deployment: Deployment | None = None
) -> list[tuple[DoubtKind, str, str]]:
    """Return kind, path and message of each doubt about a valid document."""
    config = parse(given)
    assert isinstance(config, Config), config
    doubts = doubts_of(given, config, deployment or Deployment())
    return [(doubt.kind, doubt.path, doubt.message) for doubt in doubts]


def origin(address: str, deployment: Deployment | None = None) -> list[tuple[DoubtKind, str]]:
    """Return kind and path of the doubts about an origin's address."""
    given = found(document(origin={"address": address}), deployment)
    return [(kind, path) for kind, path, _ in given]


def test_every_kind_is_treated_at_every_stage() -> None:
    """The table is total."""
    assert set(TREATMENTS) == set(DoubtKind)
    assert all(set(stages) == set(Stage) for stages in TREATMENTS.values())


@pytest.mark.parametrize(
    ("kind", "treatments"),
    [
        (DoubtKind.LOCAL, "allow refuse refuse warn"),
        (DoubtKind.CIRCLE, "allow refuse refuse warn"),
        (DoubtKind.FLAG, "allow refuse refuse warn"),
        (DoubtKind.PLACEHOLDER, "allow warn refuse allow"),
        (DoubtKind.MISTAKE, "warn warn warn warn"),
        (DoubtKind.WITHOUT_EFFECT, "warn warn warn warn"),
    ],
)
def test_what_becomes_of_a_doubt(kind: DoubtKind, treatments: str) -> None:
    """Local origins are for dev alone; placeholders are refused at an upload alone."""
    doubt = Doubt(kind, "$", "")

    assert [treated(doubt, stage) for stage in Stage] == [
        Treatment(word) for word in treatments.split()
    ]


def test_a_good_document_raises_no_doubt() -> None:
    """Two tunnels, one load balancer."""
    assert found(document()) == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1:8001",
        "http://127.9.8.7",
        "[::1]:8080",
        "localhost",
        "https://app.localhost:8443",
        "nas.local",
        "http://nas:8080",
        "server-1",
        "nas.lan",
        "nas.home.arpa",
        "db.internal",
        "router.home",
        "fritz.box",
        "x.localdomain",
    ],
)
def test_a_host_of_the_local_network_cannot_be_deployed(address: str) -> None:
    """`make deploy` uploaded origins such as nas.local, which Cloudflare cannot look up."""
    assert origin(address) == [(DoubtKind.LOCAL, ADDRESS)]


@pytest.mark.parametrize(
    "address",
    [
        "a.tunnel.acme.io",
        "local.acme.io",
        "nas.local.acme.io",
        "lan.de",
        "mylan.example-shop.com",
        "test.acme.io",
        "example.acme.io",
        "myexample.com",
    ],
)
def test_a_public_name_raises_no_doubt(address: str) -> None:
    """Only whole labels at the end of a name count."""
    assert origin(address) == []


@pytest.mark.parametrize(
    "address",
    ["a.example.com", "https://example.org:8443", "a.example", "x.test", "y.invalid"],
)
def test_a_placeholder_is_named(address: str) -> None:
    """Names that are reserved for documentation are nobody's origin."""
    assert origin(address) == [(DoubtKind.PLACEHOLDER, ADDRESS)]


@pytest.mark.parametrize("name", ["service.example.com", "*.example.com"])
def test_the_name_of_a_load_balancer_may_be_a_placeholder(name: str) -> None:
    """A load balancer of a placeholder serves nobody."""
    given = found(document(balancer={"name": name}))

    assert [(kind, path) for kind, path, _ in given] == [
        (DoubtKind.PLACEHOLDER, "$.load_balancers[0].name")
    ]


@pytest.mark.parametrize(
    ("address", "deployment", "kinds"),
    [
        ("Service.acme.io", None, [DoubtKind.CIRCLE]),
        ("https://service.acme.io:8443", None, [DoubtKind.CIRCLE]),
        ("app.acme.io", Deployment(hosts=frozenset({"app.acme.io"})), [DoubtKind.CIRCLE]),
        ("a.acme.io", Deployment(patterns=("*.acme.io",)), [DoubtKind.MISTAKE]),
        ("acme.io", Deployment(patterns=("*.acme.io",)), []),
        ("acme.io", Deployment(patterns=("*acme.io",)), [DoubtKind.MISTAKE]),
        ("a.other.io", Deployment(patterns=("*.acme.io", "*")), []),
    ],
)
def test_an_origin_is_not_the_balancer_itself(
    address: str, deployment: Deployment | None, kinds: list[DoubtKind]
) -> None:
    """A request for such an origin would come back to the Worker."""
    given = document(origin={"address": address})
    given["pools"].pop()
    given["load_balancers"][0]["default_pools"] = ["primary"]

    assert [kind for kind, _, _ in found(given, deployment)] == kinds


def test_a_disabled_load_balancer_serves_no_host() -> None:
    """A second load balancer's name counts as long as it is enabled."""
    second: Document = {
        "name": "a.acme.io",
        "default_pools": ["replica"],
        "fallback_pool": "replica",
    }
    given = document()
    given["load_balancers"].append(second)

    assert [kind for kind, _, _ in found(given)] == [DoubtKind.CIRCLE]
    second["enabled"] = False
    assert found(given) == []


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("a.acme.io:3000", "does not listen at port 3000"),
        ("http://a.acme.io:8443", "takes https only at port 8443"),
        ("https://a.acme.io:8080", "takes http only at port 8080"),
        ("a.acme.io:8443", ""),
        ("http://a.acme.io:2095", ""),
        ("a.acme.io:80", ""),
        ("a.acme.io:443", ""),
    ],
)
def test_a_port_that_is_not_proxied_is_doubtful(address: str, words: str) -> None:
    """The port of a service behind a tunnel does not belong into the origin's address."""
    messages = [message for _, _, message in found(document(origin={"address": address}))]

    assert len(messages) == bool(words)
    assert all(words in message for message in messages)


REGIONS = {"name": "p", "origins": [{"name": "x", "address": "x.acme.io"}]}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"monitor": {"port": 3000}}, "$.monitors[0].port"),
        ({"monitor": {"method": "HEAD", "expected_body": "ok"}}, "$.monitors[0].expected_body"),
        (
            {"monitor": {"expected_codes": "204,304", "expected_body": "ok"}},
            "$.monitors[0].expected_body",
        ),
        ({"monitor": {"expected_codes": "1xx"}}, "$.monitors[0].expected_codes"),
        (
            {"monitor": {"expected_codes": "301,302", "follow_redirects": True}},
            "$.monitors[0].expected_codes",
        ),
        (
            {"pool": {"monitor": None, "check_regions": ["WEU"]}},
            "$.pools[0].check_regions",
        ),
        ({"balancer": {"enabled": False}}, "$.load_balancers[0].enabled"),
        (
            {"other": {"origins": [{"name": "b", "address": "https://a.acme.io:443"}]}},
            "$.pools[1].origins[0].address",
        ),
        (
            {"balancer": {"steering_policy": "off", "country_pools": {"DE": ["replica"]}}},
            "$.load_balancers[0].country_pools",
        ),
        (
            {"balancer": {"random_steering": {"pool_weights": {"primary": 0.5}}}},
            "$.load_balancers[0].random_steering",
        ),
        ({"balancer": {"steering_policy": "proximity"}}, "$.load_balancers[0].steering_policy"),
        (
            {
                "pool": {"monitor": None},
                "other": {"monitor": None},
                "balancer": {"steering_policy": "dynamic_latency"},
            },
            "$.load_balancers[0].steering_policy",
        ),
        (
            {
                "origin": {"weight": 0},
                "other": {"origins": [{"name": "b", "address": "b.acme.io", "weight": 0}]},
            },
            "$.load_balancers[0].default_pools",
        ),
        (
            {
                "balancer": {
                    "default_pools": ["primary"],
                    "failover": {"hedge_after": 0.5},
                }
            },
            "$.load_balancers[0].failover.hedge_after",
        ),
        (
            {
                "balancer": {
                    "rules": [
                        {"name": "closed", "fixed_response": {"status_code": 403}},
                        {"name": "late", "priority": 1, "overrides": {"ttl": None}},
                    ]
                }
            },
            "$.load_balancers[0].rules[1]",
        ),
        (
            {
                "balancer": {
                    "pool_sets": [
                        {
                            "name": "all",
                            "match": {"default": True},
                            "overrides": {"pools": ["primary"]},
                        },
                        {
                            "name": "de",
                            "match": {"topology": {"countries": ["DE"]}},
                            "overrides": {"pools": ["replica"]},
                        },
                    ]
                }
            },
            "$.load_balancers[0].pool_sets[1]",
        ),
        (
            {
                "top": {
                    "notifications": [
                        {"name": "n", "type": "ntfy", "url": "https://ntfy.lan", "topic": "t"}
                    ]
                }
            },
            "$.notifications[0].url",
        ),
    ],
)
def test_what_can_never_work_is_named(changes: dict[str, Document], path: str) -> None:
    """A setting that cannot have its effect is one doubt at its place."""
    given = found(document(**changes))

    assert [each for _, each, _ in given] == [path], given
    assert all(len(message.split()) > 4 for _, _, message in given)


@pytest.mark.parametrize(
    "changes",
    [
        {"monitor": {"method": "HEAD"}},
        {"monitor": {"expected_codes": "200,204", "expected_body": "ok"}},
        {"monitor": {"expected_codes": "2xx,3xx", "follow_redirects": True}},
        {"monitor": {"expected_codes": "301,302"}},
        {"monitor": {"type": "tcp", "port": 3000}},
        # Other weights, another order, one more origin.
        {
            "other": {
                "origins": [
                    {"name": "a", "address": "a.acme.io"},
                    {"name": "b", "address": "b.acme.io"},
                ]
            }
        },
        {
            "other": {"origins": [{"name": "a", "address": "a.acme.io"}]},
            "balancer": {"steering_policy": "random"},
        },
        {"other": {"origins": [{"name": "a", "address": "a.acme.io", "enabled": False}]}},
        {"balancer": {"country_pools": {"DE": ["replica"]}}},
        {
            "balancer": {
                "country_pools": {"DE": ["replica"]},
                "steering_policy": "off",
                "rules": [{"name": "r", "overrides": {"steering_policy": "geo"}}],
            }
        },
        {
            "balancer": {
                "steering_policy": "random",
                "random_steering": {"pool_weights": {"primary": 0.5}},
            }
        },
        {"balancer": {"steering_policy": "dynamic_latency"}},
        {"origin": {"weight": 0}},
        {"balancer": {"failover": {"hedge_after": 0.5, "tries": 20}}},
        {"balancer": {"default_pools": ["primary"], "session_affinity": "cookie"}},
        {
            "balancer": {
                "rules": [
                    {
                        "name": "some",
                        "condition": "ssl",
                        "fixed_response": {"status_code": 403},
                    },
                    {"name": "others", "overrides": {"steering_policy": "off"}},
                    {"name": "all", "terminates": True},
                ]
            }
        },
    ],
)
def test_what_may_be_meant_raises_no_doubt(changes: dict[str, Document]) -> None:
    """A warning is for what surely is a mistake."""
    assert found(document(**changes)) == []


def test_values_without_effect_are_doubts_too() -> None:
    """Notes of the reading come first."""
    given = document(pool={"notification_email": "ops@acme.io"})

    assert [(kind, path) for kind, path, _ in found(given)] == [
        (DoubtKind.WITHOUT_EFFECT, "$.pools[0].notification_email")
    ]


def test_the_api_gets_the_same_words_but_for_placeholders() -> None:
    """Cloudflare's own examples are full of example.com."""
    given = document(origin={"address": "nas.local"}, balancer={"name": "x.example.com"})
    config = parse(given, lenient=True)
    assert isinstance(config, Config)

    ((path, message),) = notes_of(given, config)
    assert (DoubtKind.LOCAL, path, message) in found(given)


def test_an_unreachable_origin_is_noted_once() -> None:
    """An origin that the API keeps without traffic raises no second doubt."""
    given = document(origin={"address": "10.0.0.1"})
    config = parse(given, lenient=True)
    assert isinstance(config, Config)

    assert [path for path, _ in notes_of(given, config)] == [ADDRESS]
