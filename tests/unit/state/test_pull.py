"""The configuration on its way to isolates."""

from __future__ import annotations

import json

import pytest

from lb.state.pull import (
    OF_THE_DEPLOYMENT,
    Delivered,
    taken_apart,
    version_asked,
    with_configuration,
)


@pytest.mark.parametrize(
    "delivered",
    [
        OF_THE_DEPLOYMENT,
        Delivered(version=7, document={"pools": [{"name": "ü"}]}),
        Delivered(version=8, document={}, short_sessions=True),
    ],
)
def test_a_configuration_comes_as_it_was_sent(delivered: Delivered) -> None:
    """Beside what is said of health."""
    assert taken_apart(with_configuration(delivered, '{"version":1}')) == (
        delivered,
        '{"version":1}',
    )


@pytest.mark.parametrize("answer", [None, "", "1790000000.5", '{"version":1}', "nonsense"])
def test_an_answer_without_a_configuration_is_all_health(answer: str | None) -> None:
    """As it is where nothing has changed."""
    assert taken_apart(answer) == (None, answer)


@pytest.mark.parametrize(
    "answer", ['{"configuration":', '{"configuration":5}', '{"configuration":{"version":"1"}}']
)
def test_what_cannot_be_read_says_nothing(answer: str) -> None:
    """Neither of the configuration nor of health."""
    assert taken_apart(answer) == (None, None)


@pytest.mark.parametrize(
    ("question", "version"),
    [
        (json.dumps({"configuration": 3}), 3),
        (json.dumps({"configuration": None}), None),
        (json.dumps({"configuration": True}), None),
        ("{}", None),
        ("no JSON", None),
    ],
)
def test_an_isolate_says_which_version_it_has(question: str, version: int | None) -> None:
    """One that says none is of an older release, and is sent none."""
    assert version_asked(question) == version
