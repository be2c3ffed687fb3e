"""Index expressions: elements of arrays, entries of maps."""

# https://developers.cloudflare.com/ruleset-engine/rules-language/values/#arrays
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lb.expressions.types import UNKNOWN, Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.expressions.types import Getter
    from lb.request.facts import RequestFacts


def entry(value: Value, key: str) -> Value:
    """Return a map's entry; an absent one is a missing value."""
    read = value.key
    if read is not None and not value.each:

        def get(facts: RequestFacts) -> object:
            return read(facts, key)

        return _of(value, get)
    return _of(value, _through(value, lambda found: found.get(key)), each=value.each)


def element(value: Value, index: int) -> Value:
    """Return an array's element; one beyond the end is a missing value."""
    take = _through(value, lambda found: found[index] if index < len(found) else None)
    return _of(value, take, each=value.each)


def elements(value: Value) -> Value:
    """Return every element of an array, or every entry's value of a map."""
    get: Any = value.get

    def spread(found: Any) -> Any:
        return found.values() if isinstance(found, dict) else found

    def one(facts: RequestFacts) -> object:
        return list(spread(get(facts) or ()))

    def each(facts: RequestFacts) -> object:
        return [inner for found in get(facts) or () for inner in spread(found)]

    return _of(value, each if value.each else one, each=True)


def _of(value: Value, get: Getter, *, each: bool = False) -> Value:
    return Value(type=value.type.of or UNKNOWN, at=value.at, get=get, each=each)


def _through(value: Value, take: Callable[[Any], object]) -> Getter:
    get: Any = value.get

    def one(facts: RequestFacts) -> object:
        found = get(facts)
        return None if found is None else take(found)

    def each(facts: RequestFacts) -> object:
        return [taken for found in get(facts) or () if (taken := take(found)) is not None]

    return each if value.each else one
