"""Any body is read or refused, in time proportional to its length."""

from __future__ import annotations

import json
from functools import partial

from hypothesis import given
from hypothesis import strategies as some

from lb.base.bounded_json import DEEPEST, Unreadable, bounded_json
from support.hostile import quick
from support.hostile import text as odd_text

PIECES = ["[", "]", "{", "}", '"', "\\", ",", ":", "1", "a", '"a":', "\\u", "\\ud800", " ", "\n"]

scalars = some.none() | some.booleans() | some.integers(-(2**63), 2**63 - 1) | some.text()
trees = some.recursive(
    scalars | some.floats(allow_nan=False, allow_infinity=False),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
)


def depth(value: object) -> int:
    """Return how deeply tables and lists are nested."""
    match value:
        case dict():
            return 1 + max(map(depth, value.values()), default=0)
        case list():
            return 1 + max(map(depth, value), default=0)
    return 0


@given(trees, some.booleans())
def test_json_is_read_as_it_was_written(tree: object, ascii_only: bool) -> None:
    """JSON is read completely unless it is nested too deeply."""
    read = bounded_json(json.dumps(tree, ensure_ascii=ascii_only))
    assert read == tree if depth(tree) <= DEEPEST else isinstance(read, Unreadable)


@given(some.lists(some.sampled_from(PIECES), max_size=200).map("".join) | odd_text)
def test_no_text_raises(text: str) -> None:
    """Any text is read or refused; the result is no deeper than allowed and encodes as UTF-8."""
    read = bounded_json(text)
    if not isinstance(read, Unreadable):
        assert depth(read) <= DEEPEST
        json.dumps(read, ensure_ascii=False, allow_nan=False).encode()


@given(some.lists(some.sampled_from(PIECES), min_size=1, max_size=3).map("".join))
def test_no_pattern_is_slow(pattern: str) -> None:
    """A body of one repeated pattern, or of one endless string, is read or refused quickly."""
    for text in (pattern * 20_000, '"' + pattern * 20_000):
        quick(partial(bounded_json, text))
