"""Parses regular expressions: the part of Rust's syntax that matches in linear time."""

# https://docs.rs/regex/latest/regex/#syntax, as Cloudflare uses it: bytes, without Unicode classes.
from __future__ import annotations

from dataclasses import dataclass, replace

from lb.expressions.regex.nodes import (
    CLASSES,
    HIGHEST,
    POSIX,
    Chars,
    Choice,
    Edge,
    Node,
    Repeat,
    Sequence,
    complement,
    folded,
    size,
)
from lb.expressions.syntax_errors import Fault

MOST_NESTED = 40
_UNNAMED = "()[]{}*+?|^$.\\/-\"'#&~@%=:;,!<>` _"


_CONTROLS = {"a": 7, "f": 12, "t": 9, "n": 10, "r": 13, "v": 11}
_EDGES = {"b": Edge.WORD, "B": Edge.NOT_WORD, "A": Edge.START, "z": Edge.END}
_REFUSED_FLAGS = {
    "m": "the flag m is not supported: what is matched has one line",
    "x": "the flag x is not supported",
    "u": "the flag u is not supported: classes are those of ASCII",
    "R": "the flag R is not supported: what is matched has one line",
}


@dataclass(frozen=True, slots=True)
class _Flags:
    folds: bool = False
    """(?i)"""
    dot_all: bool = False
    """(?s)"""


def read(pattern: str) -> Node:
    """Return the nodes of a pattern; raises Fault with the position in the pattern."""
    reader = _Reader(pattern)
    node = reader.alternatives(_Flags(), 0)
    if reader.at < len(pattern):
        raise Fault(reader.at, "this parenthesis closes nothing")
    size(node)
    return node


class _Reader:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def peek(self, length: int = 1) -> str:
        return self.pattern[self.at : self.at + length]

    def taken(self, text: str) -> bool:
        if not self.pattern.startswith(text, self.at):
            return False
        self.at += len(text)
        return True

    def until(self, end: str, what: str) -> str:
        """Take everything up to and including an end."""
        found = self.pattern.find(end, self.at)
        if found < 0:
            raise Fault(self.at, f"{what} has no end")
        text = self.pattern[self.at : found]
        self.at = found + len(end)
        return text

    def alternatives(self, flags: _Flags, depth: int) -> Node:
        if depth > MOST_NESTED:
            raise Fault(self.at, f"groups are nested more than {MOST_NESTED} deep")
        branches: list[Node] = []
        parts: list[Node] = []
        while (char := self.peek()) and char != ")":
            if char == "|":
                self.at += 1
                branches.append(Sequence(tuple(parts)))
                parts = []
                continue
            if self.peek(2) == "(?":
                part, flags = self._special(flags, depth)
                if part is None:
                    continue
            else:
                part = self._atom(flags, depth)
            parts.append(self._repeated(part))
        last = Sequence(tuple(parts))
        return Choice((*branches, last)) if branches else last

    def _group(self, flags: _Flags, depth: int, start: int) -> Node:
        inner = self.alternatives(flags, depth + 1)
        if not self.taken(")"):
            raise Fault(start, "this group has no end")
        return inner

    def _special(self, flags: _Flags, depth: int) -> tuple[Node | None, _Flags]:
        """Read a construct that begins with `(?`: a group, or flags."""
        start = self.at
        self.at += 2
        if self.peek() in ("=", "!") or self.peek(2) in ("<=", "<!"):
            raise Fault(start, "look-around is not supported, as in Rust")
        if self.taken("P<") or self.taken("<"):
            name = self.until(">", "this group's name")
            if not name.isidentifier():
                raise Fault(start, "this is not a name for a group")
            return self._group(flags, depth, start), flags
        changed, on = flags, True
        while (char := self.peek()) and char not in ":)":
            changed, on = self._flag(char, changed, on=on)
            self.at += 1
        if self.taken(":"):
            return self._group(changed, depth, start), flags
        if not self.taken(")") or self.at == start + 3:
            raise Fault(start, "this group has no end")
        return None, changed

    def _flag(self, char: str, flags: _Flags, *, on: bool) -> tuple[_Flags, bool]:
        if char == "-" and on:
            return flags, False
        if char == "i":
            return replace(flags, folds=on), on
        if char == "s":
            return replace(flags, dot_all=on), on
        if char == "U" or (not on and char in _REFUSED_FLAGS):
            return flags, on  # who is greedy makes no difference to whether there is a match
        raise Fault(self.at, _REFUSED_FLAGS.get(char, "this is not a flag"))

    def _atom(self, flags: _Flags, depth: int) -> Node:
        start, char = self.at, self.peek()
        self.at += 1
        match char:
            case "(":
                return self._group(flags, depth, start)
            case "[":
                found: Node = self._set(start)
            case "^":
                return Edge.START
            case "$":
                return Edge.END
            case ".":
                return (
                    Chars((), negated=True) if flags.dot_all else Chars(((10, 10),), negated=True)
                )
            case "*" | "+" | "?" | "{":
                raise Fault(start, "there is nothing here to be repeated")
            case "\\":
                found = self._escape(start)
            case _:
                found = Chars(((ord(char), ord(char)),))
        return folded(found) if flags.folds and isinstance(found, Chars) else found

    def _escape(self, start: int) -> Chars | Edge:
        char = self.peek()
        self.at += 1
        if char in _EDGES:
            return _EDGES[char]
        if char and char in "dwsDWS":
            return replace(CLASSES[char.lower()], negated=char.isupper())
        code = self._escaped(start, char)
        return Chars(((code, code),))

    def _escaped(self, start: int, char: str) -> int:
        """Return the code of one escaped character."""
        if not char:
            raise Fault(start, "a backslash at the end escapes nothing")
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char in "xuU":
            length = {"x": 2, "u": 4, "U": 8}[char]
            braced = self.taken("{")
            digits = self.until("}", "this escape") if braced else self.peek(length)
            self.at += 0 if braced else len(digits)
            fine = 0 < len(digits) <= 8 and all(d in "0123456789abcdefABCDEF" for d in digits)
            if not fine or (not braced and len(digits) < length) or int(digits, 16) > HIGHEST:
                raise Fault(start, "this is not the number of a character")
            return int(digits, 16)
        if char in "pP":
            raise Fault(start, "Unicode classes are not supported: classes are those of ASCII")
        if char.isdigit():
            raise Fault(start, "references to groups are not supported, as in Rust")
        if char not in _UNNAMED:
            raise Fault(start, "there is no such escape")
        return ord(char)

    def _repeated(self, part: Node) -> Node:
        while (char := self.peek()) and char in "*+?{":
            start = self.at
            self.at += 1
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(char, (0, 0))
            if char == "{":
                least, most = self._counts(start)
            self.taken("?")
            part = Repeat(part, least, most)
            if size(part) and self._nested(part) > MOST_NESTED:
                raise Fault(start, f"repetitions are nested more than {MOST_NESTED} deep")
        return part

    def _nested(self, part: Node) -> int:
        depth = 0
        while isinstance(part, Repeat):
            part, depth = part.part, depth + 1
        return depth

    def _counts(self, start: int) -> tuple[int, int | None]:
        low, comma, high = (each.strip() for each in self.until("}", "this count").partition(","))
        fine = all(
            each.isascii() and each.isdigit() and len(each) < 6 for each in (low, high or "0")
        )
        if not fine:
            raise Fault(start, "a count is {2}, {2,} or {2,5}")
        least = int(low)
        most = least if not comma else int(high) if high else None
        if most is not None and most < least:
            raise Fault(start, "the second number is less than the first")
        return least, most

    def _set(self, start: int) -> Chars:
        negated = self.taken("^")
        ranges: list[tuple[int, int]] = []
        first = True
        while first or self.peek() != "]":
            if not self.peek():
                raise Fault(start, "this class has no end")
            ranges += self._member(first=first)
            first = False
        self.at += 1
        return Chars(tuple(ranges), negated)

    def _member(self, *, first: bool) -> list[tuple[int, int]]:
        """Read one character, range or class inside of brackets."""
        at = self.at
        if self.taken("[:"):
            name = self.until(":]", "this class")
            found = POSIX.get(name.removeprefix("^"))
            if found is None:
                raise Fault(at, "there is no class of this name")
            return complement(found) if name.startswith("^") else list(found)
        if self.peek() == "[" or (not first and self.peek(2) in ("&&", "--", "~~")):
            raise Fault(at, "classes inside of classes are not supported")
        low = self._one()
        if isinstance(low, Chars):
            return complement(low.ranges) if low.negated else list(low.ranges)
        if self.peek() != "-" or self.peek(2) in ("-]", "-"):
            return [(low, low)]
        self.at += 1
        if self.peek() == "[":
            raise Fault(self.at, "classes inside of classes are not supported")
        high = self._one()
        if isinstance(high, Chars) or high < low:
            raise Fault(at, "this is not a range of characters")
        return [(low, high)]

    def _one(self) -> int | Chars:
        start, char = self.at, self.peek()
        self.at += 1
        if char != "\\":
            return ord(char)
        char = self.peek()
        self.at += 1
        if char and char in "dwsDWS":
            return replace(CLASSES[char.lower()], negated=char.isupper())
        return self._escaped(start, char)
