"""Stored values have the expected type and bounds, or are damaged."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf, nan
from typing import Any

import pytest

from lb.base.stored_json import (
    DamagedError,
    as_amount,
    as_amounts,
    as_enum,
    as_flag,
    as_int,
    as_list,
    as_number,
    as_object,
    as_text,
    as_texts,
    as_time,
    document,
    each,
    or_else,
    parsed,
    rows,
)
from lb.model import Health

HUGE = 10**400
"""An integer that JSON allows and a float cannot hold."""

READERS: dict[str, tuple[Callable[[object], object], list[Any], list[Any]]] = {
    "text": (as_text, ["", "x"], [None, 1, True, [], {}]),
    "flag": (as_flag, [True, False], [None, 0, 1, "true"]),
    "int": (as_int, [0, -5, HUGE], [None, True, 1.0, "1"]),
    "number": (as_number, [0, -1.5, 1e300], [None, True, "1", HUGE, -HUGE, inf, -inf, nan]),
    "amount": (as_amount, [0, 2, 0.5, 2**53], [None, True, "1", -1, 2**53 + 2, HUGE, inf, nan]),
    "time": (as_time, [0, 1_790_000_000.5], [None, True, "1", -1, 1e11, HUGE, inf, nan]),
    "enum": (partial(as_enum, Health), [], [None, "well", [], {}, Health]),
    "list": (as_list, [[], [1, "x"]], [None, "x", {}, ()]),
    "object": (as_object, [{}, {"a": 1}], [None, "x", []]),
    "texts": (as_texts, [], [None, "xy", ["x", 1], [None]]),
    "amounts": (as_amounts, [[], [0, 1.5]], [None, 1, ["1"], [1, -1], [HUGE], [True]]),
}


@pytest.mark.parametrize("name", READERS)
def test_a_reader_returns_its_type_and_refuses_the_rest(name: str) -> None:
    """Booleans are not numbers, and integers beyond the range of floats are refused."""
    read, values, damaged = READERS[name]

    assert [read(value) for value in values] == values
    for value in damaged:
        with pytest.raises(DamagedError):
            read(value)


def test_numbers_and_times_are_floats_and_amounts_keep_their_type() -> None:
    """Counters are written back as the integers that they were."""
    assert isinstance(as_number(3), float)
    assert isinstance(as_time(3), float)
    assert isinstance(as_amount(3), int)
    assert as_enum(Health, "healthy") is Health.HEALTHY
    assert as_texts(["a", "b"]) == ("a", "b")


@pytest.mark.parametrize("text", ["", "{", "nul", "[" * 100_000, '{"a":' * 100_000, "1" * 5000])
def test_a_text_that_is_not_json_has_no_value(text: str) -> None:
    """Neither has a text that is nested too deep, or has too many digits."""
    assert parsed(text) is None
    assert document(text) == {}


def test_a_document_is_an_object_or_empty() -> None:
    """Any other JSON value gives an empty object."""
    assert document('{"a": 1}') == {"a": 1}
    assert document("[1]") == document("null") == {}


def test_damaged_rows_are_left_out() -> None:
    """So are items that are not lists."""

    def pair(row: list[object]) -> tuple[str, int]:
        name, number = row
        return as_text(name), as_int(number)

    assert rows([["a", 1], 5, None, ["b"]]) == [["a", 1], ["b"]]
    assert rows({"a": []}) == rows("ab") == rows(None) == []
    assert each([["a", 1], 5, ["b"], ["c", "1"], ["d", 2]], pair) == [("a", 1), ("d", 2)]
    assert each(None, pair) == []


def test_a_damaged_value_gives_the_default() -> None:
    """The default may be of any type."""
    assert or_else(as_time, 5, None) == 5.0
    assert or_else(as_time, "5", None) is None
