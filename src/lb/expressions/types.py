"""The types of Cloudflare's rules language."""

# https://developers.cloudflare.com/ruleset-engine/rules-language/values/
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.request.facts import RequestFacts

    Getter = Callable[[RequestFacts], object]


@dataclass(frozen=True, slots=True)
class Type:
    """What kind of value something has; `of` is what an array or a map holds."""

    name: str
    of: Type | None = None

    def __str__(self) -> str:
        return f"{self.name}<{self.of}>" if self.of else self.name


BOOLEAN = Type("Boolean")
INTEGER = Type("Integer")
STRING = Type("String")
ADDRESS = Type("IP address")
STRINGS = Type("Array", STRING)
BOOLEANS = Type("Array", BOOLEAN)
INTEGERS = Type("Array", INTEGER)
MAP_OF_STRINGS = Type("Map", STRINGS)
UNKNOWN = Type("unknown")
"""Of what could not be understood, so that one mistake is not told twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A part of an expression that has a value.

    `get` gives a request's value as bool, int, str, list or an address (see addresses.py), and
    None for what Cloudflare calls a missing value. With `each`, it gives a list of them.
    """

    type: Type
    at: int
    get: Getter
    each: bool = False
    literal: object = None
    """The value itself, of what is written into the expression."""
    key: Callable[[RequestFacts, str], object] | None = None
    """Of a map: one of its entries, without the others."""

    @property
    def shown(self) -> str:
        """Its type, as messages name it."""
        return f"{self.type}, one for each element" if self.each else str(self.type)


def constant(value: object) -> Getter:
    """Return what gives the same value for every request."""

    def get(facts: RequestFacts) -> object:
        del facts
        return value

    return get
