"""Lenient parsing: what Cloudflare's API accepts and a Worker cannot do is noted, not refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from lb.config import Invalid, parse
from lb.model import Config, Monitor, Origin, Pool
from support.documents import GOOD

Document = dict[str, Any]


def document(**changes: Document) -> Document:
    """Return GOOD with fields added to its first monitor, pool, origin or load balancer."""
    good: Document = copy.deepcopy(GOOD)
    pool = good["pools"][0]
    places = {
        "monitor": good["monitors"][0],
        "pool": pool,
        "origin": pool["origins"][0],
        "balancer": good["load_balancers"][0],
    }
    for place, fields in changes.items():
        places[place].update(fields)
    return good


def read(**changes: Document) -> Config:
    """Return the lenient result for a document that strict parsing refuses."""
    assert isinstance(parse(document(**changes)), Invalid)
    parsed = parse(document(**changes), lenient=True)
    assert isinstance(parsed, Config), parsed
    return parsed


def notes(**changes: Document) -> dict[str, str]:
    """Return the notes of lenient parsing."""
    parsed = parse(document(**changes), lenient=True)
    assert isinstance(parsed, Config), parsed
    return dict(parsed.unheeded)


def monitor(config: Config) -> Monitor:
    """Return the first monitor."""
    return config.monitors[0]


def origin(config: Config) -> Origin:
    """Return the first origin of the first pool."""
    return config.pools[0].origins[0]


def pool(config: Config) -> Pool:
    """Return the first pool."""
    return config.pools[0]


def test_a_good_document_has_nothing_to_note() -> None:
    """A valid document has no notes, and is parsed as in strict mode."""
    assert notes() == {}
    assert parse(GOOD, lenient=True) == parse(GOOD)


def test_zeros_stand_for_defaults() -> None:
    """A zero stands for the default, as in the bodies of the SDK's own examples, and is noted."""
    zeros = {"interval": 0, "timeout": 0, "retries": 0, "port": 0, "consecutive_up": 0}
    config = read(monitor=zeros, pool={"minimum_origins": 0})

    assert (monitor(config).interval, monitor(config).timeout) == (60, 5)
    assert (monitor(config).retries, monitor(config).port) == (0, 0)
    assert pool(config).minimum_origins == 1
    assert config.unheeded == {
        "$.monitors[0].interval": "0 stands for the default",
        "$.monitors[0].timeout": "0 stands for the default",
        "$.pools[0].minimum_origins": "0 stands for the default",
    }


def test_false_is_no_zero() -> None:
    """False is no zero, though the two are equal in Python."""
    parsed = parse(document(monitor={"interval": False}), lenient=True)

    assert isinstance(parsed, Invalid)
    assert [str(each) for each in parsed.problems] == [
        "must be a whole number, not false @ $.monitors[0].interval"
    ]


def test_empty_texts_stand_for_nothing_given() -> None:
    """An empty text counts as absent, without a note, because Terraform sends it."""
    config = read(
        monitor={"path": "", "method": ""},
        pool={"monitor": "", "monitor_group": "", "origin_steering": {"policy": ""}},
    )

    assert (monitor(config).path, monitor(config).method) == ("/", "GET")
    assert pool(config).watched_by is None
    assert config.unheeded == {}


def test_whole_numbers_may_be_written_with_a_point() -> None:
    """A whole number may be written with a decimal point, because JSON has one type of number."""
    assert monitor(read(monitor={"interval": 30.0})).interval == 30
    assert isinstance(parse(document(monitor={"interval": 30.5}), lenient=True), Invalid)


@pytest.mark.parametrize(
    ("fields", "path", "note"),
    [
        (
            {"monitor": {"allow_insecure": True}},
            "monitors[0].allow_insecure",
            "kept without effect: a Worker always checks certificates",
        ),
        (
            {"monitor": {"probe_zone": "example.com"}},
            "monitors[0].probe_zone",
            "kept without effect: a Worker's requests have the settings of its own zone",
        ),
        (
            {"monitor": {"header": {"User-Agent": ["x"]}}},
            "monitors[0].header.User-Agent",
            "kept without effect: cannot be overridden: origins tell probes from visitors by it",
        ),
        (
            {"monitor": {"pth": "/health"}},
            "monitors[0].pth",
            'unknown key, kept without effect; did you mean "path"?',
        ),
        (
            {"pool": {"check_regions": ["WEU", "CHINA"]}},
            "pools[0].check_regions[1]",
            (
                'kept without effect: "CHINA" is not possible: '
                "Durable Objects, which probe, cannot be placed there"
            ),
        ),
        (
            {"pool": {"minimum_origins": 3}},
            "pools[0].minimum_origins",
            "the pool has fewer origins (1): it counts as critical",
        ),
        (
            {"origin": {"header": {"host": ["other.example.com"]}}},
            "pools[0].origins[0].header.host",
            (
                "kept without effect: a Worker's Host header is always the host of the address, so "
                "put the name in the address"
            ),
        ),
    ],
)
def test_what_has_no_effect_is_named(fields: dict[str, Document], path: str, note: str) -> None:
    """A field without effect is noted with its place and reason."""
    assert read(**fields).unheeded == {f"$.{path}": note}


HOST_IGNORED = (
    "kept without effect: a Worker's Host header is always the host of the address, so put the "
    "name in the address"
)


@pytest.mark.parametrize(
    ("fields", "path", "note"),
    [
        (
            {"balancer": {"ttl": 30}},
            "load_balancers[0].ttl",
            "kept without effect: a Worker gives no DNS answers",
        ),
        (
            {"balancer": {"proxied": False}},
            "load_balancers[0].proxied",
            "kept without effect: a Worker is only asked for what Cloudflare proxies",
        ),
        (
            {"balancer": {"location_strategy": {"mode": "resolver_ip"}}},
            "load_balancers[0].location_strategy.mode",
            "kept without effect: a Worker gives no DNS answers",
        ),
        (
            {"pool": {"notification_email": "ops@example.com"}},
            "pools[0].notification_email",
            (
                "kept without effect: nobody is told by this field: a [[notifications]] of type "
                "email sends mail (docs/notifications.md)"
            ),
        ),
        (
            {"pool": {"health_sources": ["regional", "global"]}},
            "pools[0].health_sources",
            "kept without effect: the majority of the check_regions decides for everybody",
        ),
        (
            {"monitor": {"header": {"host": ["app.example.com"]}}},
            "monitors[0].header.host",
            HOST_IGNORED,
        ),
    ],
)
def test_the_file_and_the_api_take_the_same_with_the_same_note(
    fields: dict[str, Document], path: str, note: str
) -> None:
    """A file was refused for a notification_email or a monitor's Host that the API took."""
    assert notes(**fields) == {f"$.{path}": note}
    strict = parse(document(**fields))
    assert isinstance(strict, Config)
    assert strict.unheeded == {f"$.{path}": note}


@pytest.mark.parametrize("lenient", [False, True])
def test_a_host_is_noted_before_a_pool_uses_the_monitor(*, lenient: bool) -> None:
    """A monitor's Host was noted only once a pool used the monitor, not when it was created."""
    alone = {"monitors": [{"name": "m", "header": {"Host": ["app.example.com"]}}]}
    config = parse(alone, lenient=lenient)

    assert isinstance(config, Config)
    assert config.unheeded == {
        "$.monitors[0].header.Host": "has an effect only where it is the host of the origin's "
        "address, as a Worker's Host header always is"
    }


def test_what_is_as_expected_needs_no_note() -> None:
    """A field whose value matches the balancer's behaviour needs no note."""
    assert notes(balancer={"proxied": True, "location_strategy": {"mode": "pop"}}) == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"address": "192.0.2.1"},
        {"address": "2001:db8::1"},
        {"address": "0.0.0.0", "virtual_network_id": "a5624d4e-044a-4ff0-b3e1-e2465353d4b4"},
        {"address": "6ff42ae2-765d-4adf-8112-31c55c1551ef.cfargotunnel.com"},
        {"address": "10.0.0.1:8080"},
    ],
)
def test_an_origin_out_of_reach_is_kept_without_traffic(fields: Document) -> None:
    """An origin that a Worker cannot reach is kept, noted and disabled: neither used nor probed."""
    config = read(origin=fields)

    assert not origin(config).enabled
    assert origin(config).disabled_at is None
    assert (origin(config).address, origin(config).url) == (fields["address"], "")
    note = config.unheeded["$.pools[0].origins[0].address"]
    assert note.startswith("the origin is kept, and gets no traffic: ")


def test_an_origin_of_a_virtual_network_is_kept_without_traffic() -> None:
    """An origin of a virtual network is kept disabled, even if its address is a host name."""
    config = read(origin={"virtual_network_id": "a5624d4e-044a-4ff0-b3e1-e2465353d4b4"})

    assert not origin(config).enabled
    assert config.unheeded == {
        "$.pools[0].origins[0].virtual_network_id": "the origin is kept, and gets no traffic: "
        "a Worker reaches public host names only: give a public hostname of the tunnel"
    }


def test_an_origin_of_nothing_is_kept_without_traffic() -> None:
    """An origin without an address is kept disabled, as the API's schema requires no key."""
    config = read(pool={"origins": [{}, {"address": "a.example.com"}]})

    assert [each.enabled for each in pool(config).origins] == [False, True]
    assert [each.name for each in pool(config).origins] == ["origin 0", "a.example.com"]
    assert config.unheeded["$.pools[0].origins[0].address"] == (
        "missing: the origin is kept, and gets no traffic"
    )


def test_a_load_balancer_that_nothing_serves_is_noted() -> None:
    """A load balancer without an enabled pool is only noted, as its pools may be enabled later."""
    config = read(
        pool={"enabled": False},
        balancer={"default_pools": ["primary"], "fallback_pool": "primary"},
    )

    assert "clients get 503" in config.unheeded["$.load_balancers[0].default_pools"]


@pytest.mark.parametrize(
    "fields",
    [{"type": "icmp_ping"}, {"type": "udp_icmp", "port": 53}, {"type": "smtp", "port": 25}],
)
def test_a_monitor_that_no_worker_can_carry_out_probes_nothing(fields: Document) -> None:
    """A monitor that a Worker cannot run probes nothing; it and its pools are noted."""
    config = read(monitor=fields)

    assert config.monitors == ()
    assert [each.monitor for each in config.pools] == [None, None]
    assert set(config.unheeded) == {
        "$.monitors[0].port" if "smtp" in fields.values() else "$.monitors[0].type",
        "$.pools[0].monitor",
        "$.pools[1].monitor",
    }


def test_a_group_whose_members_cannot_probe_probes_nothing() -> None:
    """A monitor group whose members cannot probe does not probe, as nobody could vote."""
    given = document(monitor={"type": "icmp_ping"}, pool={"monitor": "", "monitor_group": "g"})
    member = {
        "monitor_id": "web",
        "enabled": True,
        "monitoring_only": False,
        "must_be_healthy": True,
    }
    given["monitor_groups"] = [{"id": "g", "description": "", "members": [member]}]
    config = parse(given, lenient=True)

    assert isinstance(config, Config)
    assert config.monitor_groups == ()
    assert pool(config).watched_by is None
    assert "$.pools[0].monitor_group" in config.unheeded


def test_a_monitor_goes_before_a_group() -> None:
    """If a pool has both a monitor and a group, the monitor counts and the group is noted."""
    given = document(pool={"monitor_group": "g"})
    member = {
        "monitor_id": "web",
        "enabled": True,
        "monitoring_only": False,
        "must_be_healthy": True,
    }
    given["monitor_groups"] = [{"id": "g", "description": "", "members": [member]}]
    config = parse(given, lenient=True)

    assert isinstance(config, Config)
    assert pool(config).monitor is not None
    assert pool(config).monitor_group is None
    assert list(config.unheeded) == ["$.pools[0].monitor_group"]


def test_two_names_of_one_override_are_noted() -> None:
    """If a rule has both names of one override, the older counts and the other is noted."""
    overrides = {
        "default_pools": ["replica"],
        "pools": ["primary"],
        "random_steering": {"default_weight": 0.2},
        "pool_weights": {"primary": 0.5},
        "ttl": 30,
    }
    rule = {"fixed_response": {"status_code": 0, "location": "/there"}, "overrides": overrides}
    config = read(balancer={"rules": [rule]})

    (made,) = config.load_balancers[0].rules
    assert made.fixed_response is not None
    assert made.fixed_response.status_code == 302
    values = dict(made.overrides)
    assert values["default_pools"] == (config.pools[1],)
    assert set(config.unheeded) == {
        "$.load_balancers[0].rules[0].fixed_response.status_code",
        "$.load_balancers[0].rules[0].overrides.pools",
        "$.load_balancers[0].rules[0].overrides.pool_weights",
        "$.load_balancers[0].rules[0].overrides.ttl",
    }


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (
            {"pool": {"origins": []}},
            "must not be empty @ $.pools[0].origins",
        ),
        (
            {"origin": {"weight": 2}},
            "must be from 0 to 1, not 2 @ $.pools[0].origins[0].weight",
        ),
        (
            {"origin": {"address": "not a host"}},
            "has a character that no address has @ $.pools[0].origins[0].address",
        ),
        (
            {"pool": {"latitude": 1}},
            "latitude and longitude are given together or not at all @ $.pools[0]",
        ),
        (
            {"pool": {"monitor": "nobody"}},
            'there is no monitor named "nobody" @ $.pools[0].monitor',
        ),
        (
            {"balancer": {"default_pools": []}},
            "must not be empty @ $.load_balancers[0].default_pools",
        ),
        (
            {"monitor": {"type": "tcp"}},
            "must be given for type tcp @ $.monitors[0].port",
        ),
        (
            {"monitor": {"header": {"no name": ["x"]}}},
            'is not a header name (RFC 9110 5.1) @ $.monitors[0].header["no name"]',
        ),
    ],
)
def test_what_makes_no_sense_is_refused_all_the_same(
    fields: dict[str, Document], problem: str
) -> None:
    """A value that makes no sense is refused in lenient mode too."""
    parsed = parse(document(**fields), lenient=True)

    assert isinstance(parsed, Invalid)
    assert [str(each) for each in parsed.problems] == [problem]


def test_what_only_a_file_has_is_read_strictly() -> None:
    """An unknown key in a table that only files have is refused, because the API never gets it."""
    parsed = parse({**GOOD, "pool": []}, lenient=True)

    assert isinstance(parsed, Invalid)
    assert [str(each) for each in parsed.problems] == [
        'unknown key; did you mean "pools"? @ $.pool'
    ]
