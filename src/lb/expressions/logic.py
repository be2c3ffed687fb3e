"""The operators not, and, xor, or: on booleans, or element by element."""

from __future__ import annotations

from functools import reduce
from operator import and_, or_, xor
from typing import TYPE_CHECKING, Any

from lb.expressions.types import BOOLEAN, UNKNOWN, Value, constant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lb.expressions.types import Getter
    from lb.request.facts import RequestFacts

_BOTH: Mapping[str, Callable[[bool, bool], bool]] = {"and": and_, "or": or_, "xor": xor}


def negated(value: Value, at: int) -> Value:
    """Return the negation; a missing value counts as false."""
    if value.type != BOOLEAN:
        return value
    get: Any = value.get

    def one(facts: RequestFacts) -> object:
        return not get(facts)

    def each(facts: RequestFacts) -> object:
        return [not truth for truth in get(facts) or ()]

    return Value(type=BOOLEAN, at=at, get=each if value.each else one, each=value.each)


def combined(join: str, values: Sequence[Value]) -> Value:
    """Return the combination of several conditions, with short-circuit evaluation."""
    at = values[0].at
    if any(value.type != BOOLEAN for value in values):
        return Value(type=UNKNOWN, at=at, get=constant(None))
    gets: list[Any] = [value.get for value in values]
    if values[0].each:
        return Value(type=BOOLEAN, at=at, get=_of_each(_BOTH[join], gets), each=True)
    return Value(type=BOOLEAN, at=at, get=_JOINED[join](gets))


def _of_each(both: Callable[[bool, bool], bool], gets: list[Any]) -> Getter:
    """Combine element by element, up to the length of the shortest."""

    def each(facts: RequestFacts) -> object:
        lists = [[bool(truth) for truth in get(facts) or ()] for get in gets]
        return [reduce(both, truths) for truths in zip(*lists, strict=False)]

    return each


def _all_of(gets: list[Any]) -> Getter:
    if len(gets) == 2:
        first, second = gets
        return lambda facts: bool(first(facts)) and bool(second(facts))

    def every(facts: RequestFacts) -> bool:
        for get in gets:  # noqa: SIM110 (a generator would cost more than what it asks)
            if not get(facts):
                return False
        return True

    return every


def _any_of(gets: list[Any]) -> Getter:
    if len(gets) == 2:
        first, second = gets
        return lambda facts: bool(first(facts)) or bool(second(facts))

    def some(facts: RequestFacts) -> bool:
        for get in gets:  # noqa: SIM110 (as above)
            if get(facts):
                return True
        return False

    return some


def _odd_of(gets: list[Any]) -> Getter:
    def odd(facts: RequestFacts) -> bool:
        return sum(1 for get in gets if get(facts)) % 2 == 1

    return odd


_JOINED: Mapping[str, Callable[[list[Any]], Getter]] = {
    "and": _all_of,
    "or": _any_of,
    "xor": _odd_of,
}
