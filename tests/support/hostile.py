"""Text that is meant to break parsers."""

from __future__ import annotations

import json
import string
import time
from collections.abc import Callable

from hypothesis import strategies as some
from hypothesis.strategies import SearchStrategy

# Delimiters of parsers, lookalikes of delimiters, and characters that Unicode maps to others.
MARKS = (
    string.punctuation
    + "\x00\x01\t\n\r\x0b\x0c\x1b \x7f\x85\xa0\xff"
    + "\u0130\u017f\u0663\u2028\u202e\u3002\uff0e\uff0f\ufeff\ud800\U0001f600"
)
WORDS = (
    *("example.com", "a", "localhost", "127.0.0.1", "[::1]", "0x7f.1", "xn--", "..", "%2e", "//"),
    *("http://", "https://", "file:", "javascript:", "@", "user:secret@", ":80", ":99999", "\r\n"),
    *("0", "1", "-1", "1e999", "NaN", "9" * 20, "9" * 400, "true", "null", "[]", "{}", '""', "2xx"),
)

letters = some.sampled_from(string.ascii_letters + string.digits) | some.sampled_from(MARKS)
text: SearchStrategy[str] = (
    some.lists(some.sampled_from(WORDS) | letters, max_size=12).map("".join)
    | some.text(letters, max_size=60)
    | some.text(max_size=40)
    | some.builds(lambda part, times: part * times, some.text(letters, max_size=4), some.just(500))
)
numbers = (
    some.integers()
    | some.floats()
    | some.sampled_from([10**20, 10**400, -(10**400), 2**63, 1e308, -0.0])
)
anything: SearchStrategy[object] = some.recursive(
    some.none() | some.booleans() | numbers | text,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)


def spoiled(documents: SearchStrategy[object]) -> SearchStrategy[str]:
    """JSON of documents with one value replaced, cut JSON, and other text."""

    def put(document: object, path: list[int], value: object) -> object:
        if not path:
            return value
        first, rest = path[0], path[1:]
        if isinstance(document, dict) and document:
            key = sorted(document)[first % len(document)]
            return {**document, key: put(document[key], rest, value)}
        if isinstance(document, list) and document:
            at = first % len(document)
            return [*document[:at], put(document[at], rest, value), *document[at + 1 :]]
        return value

    paths = some.lists(some.integers(0, 20), max_size=6)
    whole = some.builds(put, documents, paths, anything | some.just(None))
    written = (whole | anything).map(json.dumps)
    cut = some.builds(lambda one, at: one[: at % (len(one) + 1)], written, some.integers(0, 5000))
    return written | cut | text


def quick(call: Callable[[], object], seconds: float = 1.0) -> object:
    """Call, and require that it takes less than `seconds`, so nothing takes quadratic time."""
    for _ in range(3):  # Other objects' garbage may be collected meanwhile.
        began = time.process_time()
        result = call()
        took = time.process_time() - began
        if took < seconds:
            return result
    raise AssertionError(f"took {took:.2f} s")
