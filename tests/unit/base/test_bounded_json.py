"""JSON that somebody else wrote is read within bounds, or refused with a reason."""

from __future__ import annotations

import json

import pytest

from lb.base.bounded_json import DEEPEST, Unreadable, bounded_json


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "true",
        ' {"a": [1, 2.5, -3e2, "x"]} ',
        '"\\ud83d\\ude00 \\u0000"',
        str(2**63 - 1),
        str(-(2**63)),
        '{"a": "[[[[[["}',
        "[" * DEEPEST + "]" * DEEPEST,
        json.dumps([[[]]] * 5000),
        json.dumps(['"\\' * 99 + "[{"] * 99),
    ],
)
def test_what_is_within_bounds_is_read_as_json(text: str) -> None:
    """Brackets within texts are not counted, and those beside each other do not add up."""
    assert bounded_json(text) == json.loads(text)


DEEP = f"more than {DEEPEST} brackets are within each other, or left open"
ODD = "a number is too large, or none"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the body is empty"),
        (" \n", "the body is empty"),
        ("{", "it is no JSON: expecting property name enclosed in double quotes, line 1 column 2"),
        ("[1] 2", "it is no JSON: extra data, line 1 column 5"),
        ("\n'a'", "it is no JSON: expecting value, line 2 column 1"),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), DEEP),
        ('{"a":' * 99 + "1" + "}" * 99, DEEP),
        ("[" * 500_000, DEEP),
        ("[}" * 99, DEEP),
        ("NaN", ODD),
        ("[-Infinity]", ODD),
        ("1e999", ODD),
        (str(2**63), ODD),
        ("-" + "9" * 5000, ODD),
        ('"\\ud800"', "a text has half of a surrogate pair"),
        ('{"\\uDFFF": 1}', "a text has half of a surrogate pair"),
    ],
)
def test_what_is_not_is_refused_with_its_reason(text: str, reason: str) -> None:
    """As a value, never as an exception."""
    assert bounded_json(text) == Unreadable(reason)


def test_a_key_that_comes_twice_has_its_last_value() -> None:
    """As with Cloudflare's API, and with every reader of JSON that we know of."""
    assert bounded_json('{"a": 1, "a": 2}') == {"a": 2}
