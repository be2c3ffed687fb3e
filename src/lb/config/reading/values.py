"""The simple kinds of value: text, numbers, choices, lists, maps, references."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from lb.config.reading import advice
from lb.config.reading.problems import BAD, Place, Reader, key_text, kind_of, nearest, shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import Enum

Schema = dict[str, object]


class Kind(Protocol):
    """A kind of value: how it is read, described, and checked by an editor."""

    @property
    def words(self) -> str:
        """The kind, as the documentation names it."""

    def read(self, value: object, at: Place, reader: Reader) -> object:
        """The model's value; BAD = a problem has been noted."""

    def schema(self) -> Schema:
        """JSON Schema that accepts at least what `read` accepts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Text of limited length, perhaps with a rule of its own."""

    most: int = 1024
    least: int = 0
    rule: Callable[[str], str | None] | None = None
    """Returns the problem of a text; None = valid."""
    forbidden: Callable[[str], str | None] | None = None
    """Returns why a well-formed text has no effect; None = it has one."""
    pattern: str = ""
    """The rule as a regular expression for editors; it may accept more."""
    words: str = "text"
    secret: bool = False
    """Whether messages must not show it."""
    fold: bool = False
    """Whether it is read as lower case."""

    def read(self, value: object, at: Place, reader: Reader) -> object:
        if not isinstance(value, str):
            given = kind_of(value) + advice.text(value)
            what = "a value of another kind" if self.secret else given
            return reader.refuse(at, f"must be text, not {what}")
        if len(value) > self.most:
            return reader.refuse(at, f"must have at most {self.most} characters, not {len(value)}")
        if len(value) < self.least:
            return reader.refuse(at, "must not be empty")
        reason = self.rule(value) if self.rule else None
        if reason:
            return reader.refuse(at, reason)
        futile = self.forbidden(value) if self.forbidden else None
        if futile:
            return reader.overlook(at, futile)
        return value.lower() if self.fold else value

    def schema(self) -> Schema:
        schema: Schema = {"type": "string", "maxLength": self.most}
        if self.least:
            schema["minLength"] = self.least
        if self.pattern:
            schema["pattern"] = f"^(?:{self.pattern})$"
        return schema


def matching(pattern: str, message: str) -> Callable[[str], str | None]:
    """A rule for Text: the pattern matches the whole text."""
    compiled = re.compile(pattern)

    def rule(text: str) -> str | None:
        return None if compiled.fullmatch(text) else message

    return rule


@dataclass(frozen=True, slots=True)
class Boolean:
    """True or false."""

    words: str = "true or false"

    def read(self, value: object, at: Place, reader: Reader) -> object:
        if isinstance(value, bool):
            return value
        return reader.refuse(
            at, f"must be true or false, not {kind_of(value)}{advice.boolean(value)}"
        )

    def schema(self) -> Schema:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number between two others, both included."""

    low: int
    high: int

    @property
    def words(self) -> str:
        return f"whole number, {self.low} to {self.high}"

    def read(self, value: object, at: Place, reader: Reader) -> object:
        if reader.lenient and isinstance(value, float) and value.is_integer():
            value = int(value)  # JSON has one kind of number, and some write 30 as 30.0
        if isinstance(value, bool) or not isinstance(value, int):
            return reader.refuse(
                at, f"must be a whole number, not {kind_of(value)}{advice.number(value)}"
            )
        if not self.low <= value <= self.high:
            return reader.refuse(
                at, f"must be from {self.low} to {self.high}, not {kind_of(value)}"
            )
        return value

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True)
class Number:
    """A number between two others, both included, with or without a fraction."""

    low: float
    high: float

    @property
    def words(self) -> str:
        return f"number, {self.low:g} to {self.high:g}"

    def read(self, value: object, at: Place, reader: Reader) -> object:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return reader.refuse(
                at, f"must be a number, not {kind_of(value)}{advice.number(value)}"
            )
        # TOML knows nan and inf: https://toml.io/en/v1.0.0#float
        if (isinstance(value, float) and math.isnan(value)) or not self.low <= value <= self.high:
            return reader.refuse(
                at, f"must be from {self.low:g} to {self.high:g}, not {kind_of(value)}"
            )
        return value

    def schema(self) -> Schema:
        return {"type": "number", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of a few words."""

    values: Mapping[str, object]
    """Accepted words, with the model's values."""
    later: tuple[str, ...] = ()
    """Cloudflare's words that are not supported yet."""
    impossible: Mapping[str, str] = field(default_factory=dict)
    """Cloudflare's words that are impossible in a Worker, with the reasons."""

    @property
    def words(self) -> str:
        written = ", ".join(_code(word) for word in self.values)
        later = ", ".join(_code(word) for word in self.later)
        never = ", ".join(_code(word) for word in self.impossible)
        parts = (written, later and f"not yet: {later}", never and f"never: {never}")
        return "; ".join(part for part in parts if part)

    def read(self, value: object, at: Place, reader: Reader) -> object:
        if not isinstance(value, str):
            return reader.refuse(at, f"must be {self._listed()}, not {kind_of(value)}")
        if value in self.values:
            return self.values[value]
        if value in self.impossible:
            return reader.overlook(at, f"{shown(value)} is not possible: {self.impossible[value]}")
        if value in self.later:
            return reader.overlook(at, f"{shown(value)} is not supported yet")
        hint = nearest(value, self.values)
        return reader.refuse(at, f"must be {self._listed()}, not {shown(value)}{hint}")

    def _listed(self) -> str:
        *most, last = [shown(word) for word in self.values]
        return f"{', '.join(most)} or {last}" if most else last

    def schema(self) -> Schema:
        return {"type": "string", "enum": list(self.values)}


def _code(word: str) -> str:
    return f"`{word}`" if word else '`""`'


def choice_of(
    choices: type[Enum],
    *,
    also: Mapping[str, Enum] | None = None,
    later: tuple[Enum, ...] = (),
    impossible: Mapping[Enum, str] | None = None,
) -> Choice:
    """A choice of an enum's supported members."""
    refused = impossible or {}
    other = also or {}
    supported = {
        str(member.value): member
        for member in choices
        if member not in later and member not in refused and member.value not in other
    }
    return Choice(
        values={**supported, **other},
        later=tuple(str(member.value) for member in later),
        impossible={str(member.value): reason for member, reason in refused.items()},
    )


def one_of(*words: str) -> Choice:
    """A choice of words that the model keeps as text."""
    return Choice(values={word: word for word in words})


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf:
    """A list of values of one kind; refused elements are left out."""

    kind: Kind
    least: int = 0
    most: int

    @property
    def words(self) -> str:
        return f"list: {self.kind.words}"

    def read(self, value: object, at: Place, reader: Reader) -> object:
        if not isinstance(value, list | tuple):
            return reader.refuse(at, f"must be a list, not {kind_of(value)}{advice.items(value)}")
        if len(value) > self.most:
            return reader.refuse(at, f"must have at most {self.most} entries, not {len(value)}")
        if len(value) < self.least:
            return reader.refuse(at, "must not be empty")
        read = (self.kind.read(each, at / index, reader) for index, each in enumerate(value))
        return tuple(each for each in read if each is not BAD)

    def schema(self) -> Schema:
        schema: Schema = {"type": "array", "items": self.kind.schema(), "maxItems": self.most}
        if self.least:
            schema["minItems"] = self.least
        return schema


@dataclass(frozen=True, slots=True, kw_only=True)
class MapOf:
    """A table whose keys the operator chooses, read as pairs in their order."""

    key: Kind
    kind: Kind
    most: int

    @property
    def words(self) -> str:
        return f"table: {self.key.words} = {self.kind.words}"

    def read(self, value: object, at: Place, reader: Reader) -> object:
        if not isinstance(value, Mapping):
            return reader.refuse(at, f"must be a table, not {kind_of(value)}")
        if len(value) > self.most:
            return reader.refuse(at, f"must have at most {self.most} entries, not {len(value)}")
        pairs = []
        for key, each in value.items():
            place = at / key_text(key)
            name = self.key.read(key, place, reader)
            content = self.kind.read(each, place, reader)
            if name is not BAD and content is not BAD:
                pairs.append((name, content))
        return tuple(pairs)

    def schema(self) -> Schema:
        return {
            "type": "object",
            "additionalProperties": self.kind.schema(),
            "maxProperties": self.most,
        }


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference by name to another object, with its place."""

    name: str
    at: Place


@dataclass(frozen=True, slots=True)
class Reference:
    """The name of a pool or of a monitor."""

    to: str

    @property
    def words(self) -> str:
        return f"{self.to} name"

    def read(self, value: object, at: Place, reader: Reader) -> object:
        if not isinstance(value, str):
            return reader.refuse(at, f"must be the name of a {self.to}, not {kind_of(value)}")
        return Ref(value, at)

    def schema(self) -> Schema:
        return {"type": "string"}
