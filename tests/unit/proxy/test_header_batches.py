"""Headers in batches that a map can hold."""

from __future__ import annotations

import pytest

from lb.proxy.header_batches import batches


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], []),
        ([("a", "1"), ("b", "2")], [[["1", "a"], ["2", "b"]]]),
        ([("a", "1"), ("b", "1")], [[["1", "a"]], [["1", "b"]]]),
        ([("a", "1"), ("b", "2"), ("c", "1")], [[["1", "a"], ["2", "b"]], [["1", "c"]]]),
    ],
)
def test_no_batch_has_a_value_twice(
    pairs: list[tuple[str, str]], expected: list[list[list[str]]]
) -> None:
    """Every header is in one batch, in the order in which headers are set."""
    assert list(batches(pairs)) == expected


def test_a_header_that_is_set_twice_ends_with_its_last_value() -> None:
    """Headers of a batch are set in their order."""
    assert list(batches([("a", "1"), ("a", "2")])) == [[["1", "a"], ["2", "a"]]]
