"""The tables of fields agree with the model, the schema, the example and the reference page."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from evenkeel.docs.markdown import BEGIN, END
from evenkeel.docs.schema import reference_text, schema_text, tables
from lb.config import from_toml, json_schema
from lb.config.document import DOCUMENT
from lb.config.objects.admin_fields import ACCESS, ADMIN
from lb.config.objects.failover_fields import EJECTION, FAILOVER
from lb.config.objects.header_fields import REQUEST_HEADERS, RESPONSE_HEADERS
from lb.config.objects.load_balancer_fields import LOAD_BALANCER
from lb.config.objects.mirror_fields import MIRROR
from lb.config.objects.monitor_fields import MONITOR
from lb.config.objects.notification_fields import NOTIFICATION
from lb.config.objects.origin_fields import ORIGIN
from lb.config.objects.pool_fields import (
    LOAD_SHEDDING,
    NOTIFICATION_FILTER,
    ORIGIN_ALERTS,
    POOL,
    POOL_ALERTS,
)
from lb.config.objects.rule_fields import FIXED_RESPONSE, OVERRIDABLE
from lb.config.objects.session_fields import ATTRIBUTES
from lb.config.objects.steering_fields import ADAPTIVE_ROUTING, RANDOM_STEERING, TOPOLOGY
from lb.config.reading.problems import BAD, Place, Reader
from lb.config.reading.tables import Field, Required, Standing, Table
from lb.config.reading.values import Ref
from lb.model import (
    Access,
    AdaptiveRouting,
    Admin,
    AlertFilter,
    Config,
    Ejection,
    Failover,
    FixedResponse,
    HeaderEdits,
    LoadBalancer,
    LoadShedding,
    Mirror,
    Monitor,
    Notification,
    NotificationFilter,
    Origin,
    Pool,
    RandomSteering,
    Rule,
    SessionAffinityAttributes,
    Topology,
)

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "src" / "loadbalancer.toml"


def table_named(name: str) -> Table:
    """Return one table of the configuration."""
    return next(table for table in tables() if table.name == name)


MODELS = (
    (DOCUMENT, Config),
    (MONITOR, Monitor),
    (POOL, Pool),
    (ORIGIN, Origin),
    (LOAD_BALANCER, LoadBalancer),
    (ATTRIBUTES, SessionAffinityAttributes),
    (ADAPTIVE_ROUTING, AdaptiveRouting),
    (FAILOVER, Failover),
    (EJECTION, Ejection),
    (REQUEST_HEADERS, HeaderEdits),
    (RESPONSE_HEADERS, HeaderEdits),
    (ACCESS, Access),
    (ADMIN, Admin),
    (table_named("load_balancers.rules"), Rule),
    (NOTIFICATION, Notification),
    (NOTIFICATION_FILTER, NotificationFilter),
    (POOL_ALERTS, AlertFilter),
    (LOAD_SHEDDING, LoadShedding),
    (RANDOM_STEERING, RandomSteering),
    (TOPOLOGY, Topology),
    (MIRROR, Mirror),
    (FIXED_RESPONSE, FixedResponse),
    (ORIGIN_ALERTS, AlertFilter),
)
# The URL of an origin is derived from its address and port, its pool is the one that contains it,
# and a sensitivity is a set of defaults.
ONLY_IN_THE_TABLE = {"pools.origins": {"port", "header"}, "monitors": {"sensitivity"}}
ONLY_IN_THE_MODEL = {
    "pools.origins": {"pool", "url", "explicit"},
    "document": {"kept", "unheeded"},
}


def supported(table: Table) -> list[Field]:
    """Return the supported fields."""
    return [each for each in table.fields if each.standing is Standing.SUPPORTED]


@pytest.mark.parametrize(("table", "model"), MODELS, ids=lambda each: each.__class__.__name__)
def test_every_field_of_the_model_can_be_configured(table: Table, model: type) -> None:
    """Every field of the model can be configured, and every supported key reaches the model."""
    keys = {each.key for each in supported(table)} - ONLY_IN_THE_TABLE.get(table.name, set())
    fields = {each.name for each in dataclasses.fields(model) if each.init}

    assert keys == fields - ONLY_IN_THE_MODEL.get(table.name, set())


@pytest.mark.parametrize(("table", "model"), MODELS, ids=lambda each: each.__class__.__name__)
def test_every_default_is_the_models_default(table: Table, model: type) -> None:
    """The documented default of every key is the default of the model."""
    defaults = {
        each.name: each.default_factory() if callable(each.default_factory) else each.default
        for each in dataclasses.fields(model)
    }
    for each in supported(table):
        expected = defaults.get(each.key)
        if expected is dataclasses.MISSING and table is not DOCUMENT:
            assert isinstance(each.default, Required), each.key
        elif each.default is None:
            assert expected is None, each.key
        elif each.key in defaults and expected is not dataclasses.MISSING:
            assert each.kind.read(each.default, Place(), Reader()) == expected, each.key


def test_rules_override_just_what_the_load_balancer_has() -> None:
    """Cloudflare, `overrides{...}`: each is a field of the load balancer, of the same kind.

    A field that the load balancer does not support is not supported in a rule either.
    """
    own = {each.key: each for each in LOAD_BALANCER.fields}
    overrides = {each.key: each for each in table_named("load_balancers.rules.overrides").fields}

    assert set(overrides) == {*OVERRIDABLE, "pools", "pool_weights", "pool_default_weight"}
    for key in OVERRIDABLE:
        assert overrides[key].kind is own[key].kind
        assert overrides[key].standing is own[key].standing


def test_every_default_can_be_written_out() -> None:
    """The default of every field, supported or not, is accepted, as Cloudflare's API returns it."""
    for table in tables():
        for each in table.fields:
            if each.default is not None and not isinstance(each.default, Required):
                reader = Reader()
                assert each.kind.read(each.default, Place(), reader) is not BAD, each.key
                assert reader.problems == [], each.key


def test_keys_are_unique_and_explained() -> None:
    """Each key occurs once in its table, with a description."""
    for table in tables():
        assert len(set(table.keys)) == len(table.keys)
        for each in table.fields:
            assert each.doc.endswith("."), each.key
            assert each.reason or each.standing is not Standing.IMPOSSIBLE, each.key
            assert not (each.reason and each.standing is Standing.SUPPORTED), each.key


def test_the_schema_is_a_schema() -> None:
    """The schema is valid JSON Schema, and the committed file is up to date."""
    Draft7Validator.check_schema(json_schema())

    assert (ROOT / "docs/loadbalancer.schema.json").read_text("utf-8") == schema_text()
    assert json.loads(schema_text()) == json_schema()


def test_the_reference_page_is_up_to_date() -> None:
    """The committed reference page is up to date."""
    page = (ROOT / "docs/configuration.md").read_text("utf-8")

    assert page.count(BEGIN) == page.count(END) == 1
    assert reference_text(page) == page


def test_the_example_is_valid() -> None:
    """The example file is valid, and prefers the first of its two tunnels."""
    text = EXAMPLE.read_text("utf-8")
    Draft7Validator(json_schema()).validate(tomllib.loads(text))
    config = from_toml(text)

    assert isinstance(config, Config)
    (balancer,) = config.load_balancers
    assert [pool.name for pool in balancer.default_pools] == ["primary", "replica"]
    assert [origin.url for pool in config.pools for origin in pool.origins] == [
        "https://service-primary.example.com",
        "https://service-replica.example.com",
    ]
    assert text.startswith("#:schema ../docs/loadbalancer.schema.json\n")
    assert config.kept == {}


def test_the_schema_refuses_what_an_editor_should_mark() -> None:
    """The schema refuses unknown keys, wrong types, values out of range, and unsupported words."""
    validator = Draft7Validator(json_schema())
    pool = {"name": "p", "origins": [{"name": "o", "address": "a.example.com"}]}
    for change in (
        {"nmae": "x"},
        {"minimum_origins": 0},
        {"enabled": "yes"},
        {"check_regions": ["CHINA"]},
        {"load_shedding": {"default_percent": 101}},
        {"origin_steering": {"policy": "least_loaded"}},
    ):
        assert validator.is_valid({"pools": [pool]})
        assert not validator.is_valid({"pools": [{**pool, **change}]}), change


def test_a_reference_knows_its_place() -> None:
    """An undefined name is reported at the reference to it."""
    kind = next(each.kind for each in POOL.fields if each.key == "monitor")
    place = Place() / "pools" / 0 / "monitor"

    assert kind.read("web", place, Reader()) == Ref("web", place)
