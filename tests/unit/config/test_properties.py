"""Properties that hold for any document."""

from __future__ import annotations

import dataclasses
import datetime as dt
import types
import typing
from collections.abc import Callable
from enum import Enum

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

import lb.model
from lb.config import Invalid, from_toml, json_schema, parse
from lb.config.document import DOCUMENT
from lb.config.reading.tables import Table
from lb.config.reading.values import ListOf, MapOf
from lb.model import Config
from support.documents import GOOD

VALIDATOR = Draft7Validator(json_schema())
QUICK = settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.datetimes(),
    st.dates(),
    st.binary(max_size=4),
    st.builds(pow, st.just(10), st.just(5000)),
    st.sampled_from(
        ["primary", "web", "2xx", "*", "/", "cookie", "Host", "a.example.com", "off", "", "none"]
    ),
)


def keys_of(kind: object) -> set[str]:
    """Return every key of a table and of its inner tables."""
    if isinstance(kind, ListOf | MapOf):
        return keys_of(kind.kind)
    if isinstance(kind, Table):
        return set(kind.keys).union(*(keys_of(each.kind) for each in kind.fields))
    return set()


KEYS = st.sampled_from(sorted(keys_of(DOCUMENT))) | st.text(max_size=8)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def paths(value: object, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the paths of all nested values."""
    if isinstance(value, dict):
        steps: list[tuple[str | int, object]] = list(value.items())
    elif isinstance(value, list):
        steps = list(enumerate(value))
    else:
        steps = []
    return [at] + [path for step, inner in steps for path in paths(inner, (*at, step))]


def replaced(value: object, path: tuple[str | int, ...], new: object) -> object:
    """Return a copy with one value replaced, or a new key added."""
    if not path:
        return new
    step, *rest = path
    if isinstance(value, list):
        return [
            replaced(inner, tuple(rest), new) if index == step else inner
            for index, inner in enumerate(value)
        ]
    assert isinstance(value, dict)
    return {**value, step: replaced(value.get(step), tuple(rest), new)}


@st.composite
def almost_good(draw: Callable[[st.SearchStrategy[object]], object]) -> object:
    """A valid document with a few values replaced or keys added."""
    document: object = GOOD
    for _ in range(typing.cast("int", draw(st.integers(1, 3)))):
        path = typing.cast("tuple[str | int, ...]", draw(st.sampled_from(paths(document))))
        target = document
        for step in path:
            target = typing.cast("dict[str | int, object]", target)[step]
        if isinstance(target, dict) and draw(st.booleans()):
            path = (*path, typing.cast("str", draw(KEYS)))
        document = replaced(document, path, draw(ANYTHING))
    return document


def writable(value: object) -> bool:
    """Whether a value can be written in TOML and has a type of JSON Schema."""
    if isinstance(value, dict):
        return all(writable(inner) for inner in value.values())
    if isinstance(value, list):
        return all(writable(inner) for inner in value)
    return value is not None and not isinstance(value, dt.date | bytes)


def conforms(value: object, hint: object) -> bool:  # noqa: PLR0911 (one for each kind of hint)
    """Whether a value and everything nested in it have the annotated type."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        assert isinstance(value, tuple)
        if inner[-1] is Ellipsis:
            return all(conforms(each, inner[0]) for each in value)
        return len(value) == len(inner) and all(map(conforms, value, inner))
    if origin is types.UnionType:
        return any(conforms(value, each) for each in inner)
    if isinstance(origin, type):
        return isinstance(value, origin) and sound(value, inner)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return type(value) is int
    assert isinstance(hint, type)
    return isinstance(value, hint) and (not dataclasses.is_dataclass(value) or sound(value))


def sound(model: object, parameters: tuple[object, ...] = ()) -> bool:
    """Whether every field of a model object has its annotated type."""
    hints = typing.get_type_hints(type(model), localns=vars(lb.model))
    return all(
        conforms(
            getattr(model, name),
            hint[parameters] if getattr(hint, "__parameters__", ()) else hint,
        )
        for name, hint in hints.items()
    )


def check(document: object) -> None:
    """Assert the properties of the result for any document."""
    parsed = parse(document)  # type: ignore[arg-type]
    if isinstance(parsed, Invalid):
        assert parsed.problems
        for problem in parsed.problems:
            assert problem.path.startswith("$")
            assert problem.message
            assert str(problem).isprintable()
        return
    for each in (*parsed.load_balancers, *parsed.pools, *parsed.monitors, parsed.admin):
        assert sound(each)
    if writable(document):
        VALIDATOR.validate(document)


@QUICK
@given(ANYTHING)
def test_no_document_raises(document: object) -> None:
    """Any value at any place gives a configuration or a list of problems."""
    check(document)


@QUICK
@given(almost_good())
def test_what_is_accepted_is_sound_and_fits_the_schema(document: object) -> None:
    """A changed valid document is refused, or has sound types and fits the schema."""
    check(document)


@QUICK
@given(st.text(max_size=200))
def test_no_text_raises(text: str) -> None:
    """Any text, valid TOML or not, gives a configuration or a list of problems."""
    assert isinstance(from_toml(text), Invalid | Config)


@QUICK
@given(ANYTHING, st.data())
def test_every_field_withstands_any_value(value: object, data: st.DataObject) -> None:
    """Every key of every table, required or unsupported ones too, accepts or refuses any value."""
    table = data.draw(st.sampled_from(["monitors", "pools", "load_balancers"]))
    kind = next(each.kind for each in DOCUMENT.fields if each.key == table)
    assert isinstance(kind, ListOf)
    assert isinstance(kind.kind, Table)
    key = data.draw(st.sampled_from(kind.kind.keys))
    assume(key != "name")
    check(replaced(GOOD, (table, 0, key), value))


def test_the_checks_see_a_wrong_type() -> None:
    """The checks of these properties detect a value of the wrong type."""

    class Colour(Enum):
        RED = "red"

    assert conforms(Colour.RED, Colour)
    assert not conforms("red", Colour)
    assert not conforms(True, int)  # noqa: FBT003
    assert conforms(((1, "a"),), tuple[tuple[int, str], ...])
    assert not conforms(((1, 2),), tuple[tuple[int, str], ...])
