"""JSON of strangers is read within bounds, or refused with a reason."""

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
def test_text_within_bounds_is_read_as_json(text: str) -> None:
    """Brackets within strings do not count, and only nested ones add up."""
    assert bounded_json(text) == json.loads(text)


DEEP = f"brackets are nested more than {DEEPEST} levels deep, or not closed"
ODD = "a number is too large, or not finite"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the body is empty"),
        (" \n", "the body is empty"),
        ("{", "not valid JSON: expecting property name enclosed in double quotes, line 1 column 2"),
        ("[1] 2", "not valid JSON: extra data, line 1 column 5"),
        ("\n'a'", "not valid JSON: expecting value, line 2 column 1"),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), DEEP),
        ('{"a":' * 99 + "1" + "}" * 99, DEEP),
        ("[" * 500_000, DEEP),
        ("[}" * 99, DEEP),
        ("NaN", ODD),
        ("[-Infinity]", ODD),
        ("1e999", ODD),
        (str(2**63), ODD),
        ("-" + "9" * 5000, ODD),
        ('"\\ud800"', "a string contains half of a surrogate pair"),
        ('{"\\uDFFF": 1}', "a string contains half of a surrogate pair"),
    ],
)
def test_other_text_is_refused_with_the_reason(text: str, reason: str) -> None:
    """The result is a value, never an exception."""
    assert bounded_json(text) == Unreadable(reason)


def test_a_duplicate_key_has_its_last_value() -> None:
    """Cloudflare's API and common JSON parsers do the same."""
    assert bounded_json('{"a": 1, "a": 2}') == {"a": 2}
