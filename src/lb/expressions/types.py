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
    """The type of a value; `of` is the element type of an array or a map."""

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
MAP_OF_STRINGS = Type("Map", STRINGS)
UNKNOWN = Type("unknown")
"""Type of an invalid part, so that one mistake is reported once."""


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
    """The value of a literal."""
    key: Callable[[RequestFacts, str], object] | None = None
    """For a map: reads one entry without the others."""

    @property
    def shown(self) -> str:
        """The type's name in messages."""
        return f"{self.type}, one for each element" if self.each else str(self.type)


def constant(value: object) -> Getter:
    """Return a constant value."""

    def get(facts: RequestFacts) -> object:
        del facts
        return value

    return get
