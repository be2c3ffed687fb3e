"""The comparison operators: each builds a test from its right-hand side."""

# https://developers.cloudflare.com/ruleset-engine/rules-language/operators/
from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from lb.base.addresses import Ranges, network_of, number_of
from lb.expressions.regex.automaton import Regex
from lb.expressions.syntax_errors import Fault
from lb.expressions.texts import wildcard
from lb.expressions.types import ADDRESS, INTEGER, STRING, Type

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lb.expressions.lexer import Lexer, Literal

    Test = Callable[[object], bool]

MOST_IN_LIST = 1000
ENGLISH = {
    "==": "eq",
    "!=": "ne",
    "<": "lt",
    "<=": "le",
    ">": "gt",
    ">=": "ge",
    "~": "matches",
}
ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
# Types that each operator compares, as in Cloudflare's table of operators.
SUPPORTS: Mapping[str, tuple[Type, ...]] = {
    "eq": (STRING, INTEGER, ADDRESS),
    "ne": (STRING, INTEGER, ADDRESS),
    "lt": (STRING, INTEGER),
    "le": (STRING, INTEGER),
    "gt": (STRING, INTEGER),
    "ge": (STRING, INTEGER),
    "in": (STRING, INTEGER, ADDRESS),
    "contains": (STRING,),
    "matches": (STRING,),
    "wildcard": (STRING,),
    "strict wildcard": (STRING,),
}


def test_of(name: str, kind: Type, lexer: Lexer) -> Test:
    """Read the right-hand side of an operator; raises Fault."""
    if name == "in":
        return _listed(kind, lexer)
    if name == "matches":
        return _matches(lexer)
    if name in ("wildcard", "strict wildcard"):
        pattern = _string(lexer)
        try:
            return wildcard(pattern.text, strict=name != "wildcard")  # type: ignore[return-value]
        except Fault as fault:
            raise Fault(pattern.place(fault.at), fault.message) from None
    if name == "contains":
        wanted = _string(lexer).text
        return lambda value: wanted in value  # type: ignore[operator]
    compare, literal = ORDER[name], _literal(kind, lexer)
    return lambda value: compare(value, literal)


def _matches(lexer: Lexer) -> Test:
    pattern = _string(lexer, regex=True)
    try:
        return Regex(pattern.text).search  # type: ignore[return-value]
    except Fault as fault:
        raise Fault(pattern.place(fault.at), fault.message) from None


def _string(lexer: Lexer, *, regex: bool = False) -> Literal:
    literal = lexer.string(regex=regex)
    if literal is None:
        raise lexer.unexpected("a text in double quotes")
    return literal


def _literal(kind: Type, lexer: Lexer) -> object:
    if kind == STRING:
        return _string(lexer).text
    if kind == INTEGER:
        number = lexer.number()
        if number is None:
            raise lexer.unexpected("a whole number")
        return number[0]
    written = lexer.address()
    if written is None:
        raise lexer.unexpected("an IP address")
    address = number_of(written[0])
    if address is None and network_of(written[0]):
        raise Fault(written[1], "a network is compared with in { }")
    if address is None:
        raise Fault(written[1], "this is not an IP address")
    return address


def _listed(kind: Type, lexer: Lexer) -> Test:
    """Read `{ ... }`: texts; numbers and ranges of them; addresses, ranges of them and networks."""
    if not lexer.taken("{"):
        raise lexer.unexpected("a list in { }")
    start = lexer.at
    ranges: list[tuple[object, object]] = []
    while not lexer.taken("}"):
        if lexer.peek().text == ",":
            raise Fault(lexer.peek().at, "entries of a list are separated by spaces")
        ranges.append(_entry(kind, lexer))
        if len(ranges) > MOST_IN_LIST:
            raise Fault(start, f"a list has at most {MOST_IN_LIST} entries")
    if not ranges:
        raise Fault(start, "this list is empty, so nothing could be in it")
    if all(low == high for low, high in ranges):
        return frozenset(low for low, _ in ranges).__contains__
    return Ranges(ranges).__contains__  # type: ignore[arg-type, return-value]


def _entry(kind: Type, lexer: Lexer) -> tuple[object, object]:
    if kind == ADDRESS:
        at = lexer.at
        written = lexer.address()
        if written is not None and "/" in written[0]:
            network = network_of(written[0])
            if network is None:
                raise Fault(written[1], "this is not a network")
            return network
        lexer.at = at
    low = _literal(kind, lexer)
    start = lexer.peek().at
    if kind == STRING or not lexer.taken(".."):
        return low, low
    high = _literal(kind, lexer)
    if low > high:  # type: ignore[operator]
        raise Fault(start, "this range ends before it begins")
    return low, high
