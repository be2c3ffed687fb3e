"""The text of a shared view."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from lb.health.verdict import OriginHealth
from lb.model import Health
from lb.state.shared_view import READERS, SharedHealth, from_json, to_json

VIEW = SharedHealth(
    version=7,
    fingerprint="00ff",
    probed=1_790_000_000.25,
    origins={
        ("p", "a"): OriginHealth(
            health=Health.UNHEALTHY,
            streak=-3,
            since=1.5,
            checked=2.0,
            cause="Other failure",
        ),
        ("p", "b"): OriginHealth(),
    },
)


def test_every_field_has_its_reader() -> None:
    """Every field of health has its reader."""
    assert set(READERS) == {field.name for field in fields(OriginHealth)}


def test_a_view_survives_its_text() -> None:
    """Versions, times, streaks and causes are read as they were written."""
    assert from_json(to_json(VIEW)) == VIEW


def test_a_field_that_a_text_lacks_has_its_default() -> None:
    """The text of an older Worker can be read when health gets a new field."""
    document = json.loads(to_json(VIEW))
    del document["origins"][0][2]["cause"]

    view = from_json(json.dumps(document))

    assert view is not None
    assert view.origins["p", "a"].cause == ""
    assert view.origins["p", "a"].streak == -3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        "[" * 100_000,
        to_json(VIEW)[:-9],
        to_json(VIEW).replace("unhealthy", "poorly"),
        to_json(VIEW).replace("-3", '"-3"'),
        to_json(VIEW).replace("-3", "true"),
        to_json(VIEW).replace("-3", "-3.5"),
        to_json(VIEW).replace("2.0", "NaN"),
        to_json(VIEW).replace("2.0", "1e999"),
        to_json(VIEW).replace("2.0", "1" * 5000),
        to_json(VIEW).replace("2.0", "1" * 400),
        to_json(VIEW).replace('"p","b"', '"p"'),
        to_json(VIEW).replace('"p","b"', '["p"],"b"'),
        to_json(VIEW).replace('"version":7', '"version":null'),
    ],
)
def test_a_foreign_or_broken_text_is_no_view(text: str) -> None:
    """A foreign or broken text counts as absent, never as an error."""
    assert from_json(text) is None
