"""Lists of status codes: "200", "2xx", "200,204", "200-299", and lists of such."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lb.config.reading.problems import BAD, Bad, Place, Reader, kind_of, shown
from lb.model import CodeRange

if TYPE_CHECKING:
    from lb.config.reading.values import Schema

# RFC 9110 15: a status code is a three-digit integer from 100 to 599.
_LOWEST = 100
_HIGHEST = 599
_LONGEST = 256
_MOST = 64
_EXAMPLE = '"200", "2xx", "200-299" or "200,204"'

_CLASS = re.compile(r"([1-5])[xX]{2}")
_CODE = re.compile(r"[1-5][0-9]{2}")
_RANGE = re.compile(r"([1-5][0-9]{2})\s*-\s*([1-5][0-9]{2})")
_ONE = r"\s*(?:[1-5][xX]{2}|[1-5][0-9]{2}(?:\s*-\s*[1-5][0-9]{2})?)\s*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """Status codes, as text (Cloudflare's way), as a number, or as a list of either."""

    empty: str | None = None
    """Meaning of "" and []; None = no code."""
    words: str = 'status codes: `"200"`, `"2xx"`, `"200-299"`, `"200,204"`, or a list of these'

    def read(self, value: object, at: Place, reader: Reader) -> object:
        if isinstance(value, list | tuple):
            if len(value) > _MOST:
                return reader.refuse(at, f"must have at most {_MOST} entries, not {len(value)}")
            parts = [self._read_one(each, at / index, reader) for index, each in enumerate(value)]
        else:
            parts = [self._read_one(value, at, reader)]
        ranges: list[CodeRange] = []
        for part in parts:
            if part is BAD:
                return BAD
            ranges += part
        if not ranges and self.empty is not None:
            return parse_codes(self.empty)
        return tuple(ranges)

    def _read_one(self, value: object, at: Place, reader: Reader) -> tuple[CodeRange, ...] | Bad:
        if isinstance(value, int) and not isinstance(value, bool):
            if _LOWEST <= value <= _HIGHEST:
                return (CodeRange(low=value, high=value),)
            return reader.refuse(at, f"a status code is from 100 to 599, not {kind_of(value)}")
        if not isinstance(value, str):
            return reader.refuse(at, f"must be status codes such as {_EXAMPLE}")
        if len(value) > _LONGEST:
            return reader.refuse(at, f"must have at most {_LONGEST} characters, not {len(value)}")
        parsed = parse_codes(value)
        return reader.refuse(at, parsed) if isinstance(parsed, str) else parsed

    def schema(self) -> Schema:
        one: list[Schema] = [
            {"type": "string", "pattern": rf"^(?:{_ONE}(?:,{_ONE})*|\s*)$", "maxLength": _LONGEST},
            {"type": "integer", "minimum": _LOWEST, "maximum": _HIGHEST},
        ]
        return {"anyOf": [*one, {"type": "array", "items": {"anyOf": one}, "maxItems": _MOST}]}


def parse_codes(text: str) -> tuple[CodeRange, ...] | str:
    """The ranges of a comma-separated text, or its problem."""
    if not text.strip():
        return ()
    ranges: list[CodeRange] = []
    for part in text.split(","):
        parsed = _parse_part(part.strip())
        if isinstance(parsed, str):
            return parsed
        ranges.append(parsed)
    return tuple(ranges)


def _parse_part(part: str) -> CodeRange | str:
    family = _CLASS.fullmatch(part)
    if family:
        low = int(family[1]) * 100
        return CodeRange(low=low, high=low + 99)
    if _CODE.fullmatch(part):
        return CodeRange(low=int(part), high=int(part))
    ends = _RANGE.fullmatch(part)
    if not ends:
        return f'{shown(part)} is no status code, range or class such as "200", "200-299" or "2xx"'
    low, high = int(ends[1]), int(ends[2])
    if low > high:
        return f"{shown(part)} is a range that ends before it begins"
    return CodeRange(low=low, high=high)
