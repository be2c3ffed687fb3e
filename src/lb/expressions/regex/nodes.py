"""Nodes of a parsed regular expression."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from lb.expressions.syntax_errors import Fault

MOST_POSITIONS = 1000
"""Most positions of a pattern, with counted repetitions expanded."""
HIGHEST = 0x10FFFF
"""The highest code point."""


@dataclass(frozen=True, slots=True)
class Chars:
    """A set of characters."""

    ranges: tuple[tuple[int, int], ...]
    negated: bool = False

    def __contains__(self, char: str) -> bool:
        code = ord(char)
        return any(low <= code <= high for low, high in self.ranges) is not self.negated


class Edge(Enum):
    """A condition on a position between two characters."""

    START = "^"
    END = "$"
    WORD = "\\b"
    NOT_WORD = "\\B"


@dataclass(frozen=True, slots=True)
class Sequence:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    branches: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    part: Node
    least: int
    most: int | None
    """None = unlimited."""


Node = Chars | Edge | Sequence | Choice | Repeat

DIGIT = Chars(((48, 57),))
WORD = Chars(((48, 57), (65, 90), (95, 95), (97, 122)))
SPACE = Chars(((9, 13), (32, 32)))
CLASSES = {"d": DIGIT, "w": WORD, "s": SPACE}
POSIX = {
    "alnum": ((48, 57), (65, 90), (97, 122)),
    "alpha": ((65, 90), (97, 122)),
    "ascii": ((0, 127),),
    "blank": ((9, 9), (32, 32)),
    "cntrl": ((0, 31), (127, 127)),
    "digit": ((48, 57),),
    "graph": ((33, 126),),
    "lower": ((97, 122),),
    "print": ((32, 126),),
    "punct": ((33, 47), (58, 64), (91, 96), (123, 126)),
    "space": ((9, 13), (32, 32)),
    "upper": ((65, 90),),
    "word": WORD.ranges,
    "xdigit": ((48, 57), (65, 70), (97, 102)),
}


def size(node: Node) -> int:
    """Return the number of positions of a pattern; raises Fault above the limit."""
    total = 0
    match node:
        case Chars():
            total = 1
        case Sequence(parts) | Choice(parts):
            total = sum(size(part) for part in parts)
        case Repeat(part, least, most):
            # At least one copy, so that an empty repetition counts too.
            total = max(1, size(part)) * max(1, least if most is None else most)
        case Edge():
            pass
    if total > MOST_POSITIONS:
        raise Fault(
            0, f"this pattern is too large: written out, it has more than {MOST_POSITIONS} parts"
        )
    return total


def folded(chars: Chars) -> Chars:
    """Return a set with both cases of its ASCII letters."""
    letters = [
        code
        for code in (*range(65, 91), *range(97, 123))
        if any(low <= code <= high for low, high in chars.ranges)
    ]
    return replace(chars, ranges=(*chars.ranges, *((code ^ 32, code ^ 32) for code in letters)))


def complement(ranges: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    """Return the complement of these ranges."""
    outside, at = [], 0
    for low, high in sorted(ranges):
        if low > at:
            outside.append((at, low - 1))
        at = max(at, high + 1)
    return [*outside, (at, HIGHEST)]
