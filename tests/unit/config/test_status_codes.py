"""Lists of status codes in all notations."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from lb.config.reading.problems import BAD, Place, Reader
from lb.config.reading.status_codes import Codes, parse_codes
from lb.model import CodeRange

VALIDATOR = Draft7Validator(Codes().schema())


def ranges(value: object, kind: Codes | None = None) -> object:
    """Return pairs of low and high, or the problems as text."""
    reader = Reader()
    read = (kind or Codes()).read(value, Place(), reader)
    if isinstance(read, tuple):
        return [(each.low, each.high) for each in read]
    return [str(problem) for problem in reader.problems]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("200", [(200, 200)]),
        ("2xx", [(200, 299)]),
        ("2XX,3xx", [(200, 299), (300, 399)]),
        ("200,204", [(200, 200), (204, 204)]),
        ("200-299", [(200, 299)]),
        (" 200 - 204 , 301 ", [(200, 204), (301, 301)]),
        (530, [(530, 530)]),
        (["502-504", 530, "4xx,500"], [(502, 504), (530, 530), (400, 499), (500, 500)]),
        ([], []),
        ("", []),
    ],
)
def test_codes_are_read(written: object, expected: object) -> None:
    """Status codes are a text, a number, or a list of both."""
    assert ranges(written) == expected
    assert VALIDATOR.is_valid(written)


def test_an_empty_text_may_stand_for_the_default() -> None:
    """An empty text may stand for the default, because Terraform writes expected_codes = ""."""
    assert ranges("", Codes(empty="200")) == [(200, 200)]


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("20", '"20" is no status code, range or class such as "200", "200-299" or "2xx" @ $'),
        ("299-200", '"299-200" is a range that ends before it begins @ $'),
        (99, "a status code is from 100 to 599, not 99 @ $"),
        (True, 'must be status codes such as "200", "2xx", "200-299" or "200,204" @ $'),
        (["200", 600], "a status code is from 100 to 599, not 600 @ $[1]"),
        ("1" * 300, "must have at most 256 characters, not 300 @ $"),
        ([200] * 65, "must have at most 64 entries, not 65 @ $"),
    ],
)
def test_codes_that_are_none_are_refused(written: object, problem: str) -> None:
    """An invalid status code is a problem at its element."""
    assert ranges(written) == [problem]


@pytest.mark.parametrize(
    "text",
    [
        "6xx",
        "2x",
        "200,",
        ",200",
        "200-",
        "0x200",
        "\N{FULLWIDTH DIGIT TWO}00",
        "200;204",
        "200-3xx",
        "-200",
    ],
)
def test_codes_of_other_shapes_are_refused(text: str) -> None:
    """A value of another type is refused."""
    assert isinstance(parse_codes(text), str)


@given(st.from_regex(r"[1-5x0-9X,\- ]{0,12}", fullmatch=True) | st.text(max_size=20))
def test_whatever_is_read_is_a_list_of_ranges(text: str) -> None:
    """Accepted codes are ordered ranges within 100-599, and match the schema."""
    parsed = parse_codes(text)

    if not isinstance(parsed, str):
        assert all(100 <= each.low <= each.high <= 599 for each in parsed)
        assert VALIDATOR.is_valid(text)
    else:
        assert parsed


@given(st.lists(st.tuples(st.integers(100, 599), st.integers(100, 599)), min_size=1, max_size=9))
def test_ranges_survive_being_written(pairs: list[tuple[int, int]]) -> None:
    """Ranges that are written and read back stay the same."""
    expected = tuple(CodeRange(low=min(pair), high=max(pair)) for pair in pairs)
    text = ",".join(f"{each.low}-{each.high}" for each in expected)

    assert parse_codes(text) == expected
    assert re.fullmatch(r"[0-9,-]+", text)


def test_a_bad_element_spoils_the_list() -> None:
    """One invalid element spoils the list, as half of it would count other codes as failures."""
    assert Codes().read([200, "x"], Place(), Reader()) is BAD
