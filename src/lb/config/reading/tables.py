"""Tables of fields: which keys an object has, and what Evenkeel does with each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from lb.config.reading import advice
from lb.config.reading.problems import BAD, Place, Reader, key_text, kind_of, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.config.reading.values import Kind, Schema

Model = TypeVar("Model")

_MOST_UNKNOWN = 20
"""Most unknown keys of a table that are named one by one: each is compared with all keys."""


class Standing(Enum):
    """How Evenkeel treats a field."""

    SUPPORTED = "supported"
    KEPT = "kept"
    """Accepted and kept without effect: it has no meaning in a Worker."""
    IMPOSSIBLE = "impossible"
    """Impossible in a Worker: values other than the default are refused with the reason."""


class Required(Enum):
    """Stands for the default of a required key."""

    REQUIRED = "required"


REQUIRED = Required.REQUIRED


@dataclass(frozen=True, slots=True)
class Field:
    """One key of an object."""

    key: str
    kind: Kind
    default: object
    """Default as written in a document; None = the default cannot be written."""
    doc: str
    standing: Standing = Standing.SUPPORTED
    reason: str = ""
    """Why the field is impossible, or why a kept field has no effect."""
    unset: tuple[object, ...] = ()
    """Values that API callers write for "not given"; a lenient reading accepts them."""
    missing: str = ""
    """Note of a lenient reading for a missing required key; empty = a problem."""
    harmless: tuple[object, ...] = ()
    """Values besides the default that need no note when they have no effect."""


@dataclass(frozen=True, slots=True)
class Record:
    """The valid values of one table; refused and absent keys are left out."""

    at: Place
    values: dict[str, object] = field(default_factory=dict)

    def text(self, key: str) -> str:
        """A text; empty = refused (the record is then discarded)."""
        value = self.values.get(key)
        return value if isinstance(value, str) else ""

    def items(self, key: str) -> tuple[object, ...]:
        """The elements of a list or a map; empty = refused or not given."""
        value = self.values.get(key)
        return value if isinstance(value, tuple) else ()

    def records(self, key: str) -> list[Record]:
        """The tables in a list."""
        return [each for each in self.items(key) if isinstance(each, Record)]

    def headers(self, key: str) -> list[tuple[str, tuple[str, ...]]]:
        """The headers in a map of name -> values."""
        return [
            (name, values)
            for pair in self.items(key)
            if isinstance(pair, tuple)
            for name, values in (pair,)
        ]

    def build(self, model: Callable[..., Model], **changed: object) -> Model:
        """The model's object: keys are its parameters, what is not given is its default.

        Tests hold every table against its dataclass, names and types.
        """
        return model(**{**self.values, **changed})


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """An object with known keys."""

    name: str
    fields: tuple[Field, ...]
    make: Callable[[Record, Reader], object] | None = None
    """Builds the model's object; without it the values stay a Record."""
    doc: str = ""

    @property
    def words(self) -> str:
        # GitHub removes dots from heading anchors.
        return f"[table](#{self.name.replace('.', '')})"

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(each.key for each in self.fields)

    def read(self, value: object, at: Place, reader: Reader) -> object:
        if not isinstance(value, Mapping):
            return reader.refuse(at, f"must be a table, not {kind_of(value)}")
        self._refuse_unknown(value, at, reader)
        record = Record(at)
        for each in self.fields:
            given = value.get(each.key)
            # In JSON, null means that a key is not given; TOML has no null.
            if given is not None and not (reader.lenient and _stands_for_none(each, given)):
                _read_field(each, given, record, reader)
            elif each.default is not REQUIRED:
                _note_default(given, at / each.key, reader)
            elif each.missing and reader.lenient:
                reader.note(at / each.key, each.missing)
            else:
                reader.refuse(at / each.key, "missing: this key must be given")
        return record if self.make is None else self.make(record, reader)

    def _refuse_unknown(self, value: Mapping[object, object], at: Place, reader: Reader) -> None:
        unknown = [key_text(key) for key in value if key not in self.keys]
        for key in unknown[:_MOST_UNKNOWN]:
            hint = advice.variable(key) or nearest(key, self.keys)
            reader.overlook(
                at / key, f"unknown key{hint}", f"unknown key, kept without effect{hint}"
            )
        more = len(unknown) - _MOST_UNKNOWN
        if more > 0:
            reader.overlook(at, f"{more} more unknown keys")

    def schema(self) -> Schema:
        schema: Schema = {
            "type": "object",
            "additionalProperties": False,
            "properties": {each.key: field_schema(each) for each in self.fields},
        }
        required = [each.key for each in self.fields if each.default is REQUIRED]
        if required:
            schema["required"] = required
        return schema


def _read_field(each: Field, given: object, record: Record, reader: Reader) -> None:
    at = record.at / each.key
    read = each.kind.read(given, at, reader)
    match each.standing:
        case Standing.SUPPORTED:
            if read is not BAD:
                record.values[each.key] = read
        case Standing.KEPT:
            if read is not BAD:
                reader.kept[at.text] = given
                if each.reason and given not in (each.default, *each.harmless):
                    reader.note(at, f"kept without effect: {each.reason}")
        case Standing.IMPOSSIBLE:
            if given != each.default:
                noted = f"kept without effect: {each.reason}"
                reader.overlook(at, f"not possible: {each.reason}", noted)


def _stands_for_none(each: Field, given: object) -> bool:
    # 0 equals False in Python, but not for an operator.
    return not isinstance(given, bool) and given in each.unset


def _note_default(given: object, at: Place, reader: Reader) -> None:
    """Note a number that is read as another one, as its writer may not expect that."""
    if isinstance(given, int | float):
        reader.note(at, "0 stands for the default")


def field_schema(each: Field) -> Schema:
    """A field's schema, with its documentation where editors show it."""
    free = each.standing in {Standing.SUPPORTED, Standing.KEPT} or isinstance(each.kind, Table)
    # A constant null stands for "not given": no TOML file can write it.
    schema = each.kind.schema() if free else {"const": each.default}
    match each.standing:
        case Standing.KEPT:
            description = f"{each.doc} Accepted without effect."
        case Standing.IMPOSSIBLE:
            description = f"{each.doc} Not possible: {each.reason}."
        case _:
            description = each.doc
    described: Schema = {"description": description, **schema}
    if free and each.default is not REQUIRED and each.default is not None:
        described["default"] = each.default
    return described
