"""Splits an expression into names, strings and signs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from lb.expressions.syntax_errors import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

_SPACE = re.compile(r"[ \t\r\n]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*")
_SIGN = re.compile(r"&&|\|\||\^\^|==|!=|<=|>=|\.\.|[()\[\]{},<>~!*]")
_NUMBER = re.compile(r"-?(?:0[xX][0-9A-Fa-f]+|[0-9]+)(?![0-9A-Za-z_])(?!\.(?!\.))")
# An address with an optional prefix length; two dots separate the ends of a range.
_ADDRESS = re.compile(r"[0-9A-Fa-f:]+(?:\.(?!\.)[0-9A-Fa-f:]+)*(?:/[0-9]+)?")
_RAW = re.compile(r'r(#*)"')
_MOST_HASHES = 255
_INSTEAD = {
    "=": 'equality is written "eq" or "=="',
    "&": 'both are asked for with "and" or "&&"',
    "|": 'either is asked for with "or" or "||"',
    "^": 'one of two is asked for with "xor" or "^^"',
    "'": "text stands in double quotes",
    "#": "an expression has no comments",
    "$": "lists by name are not supported, as in Cloudflare's load balancing rules: "
    "write the values into { }",
    ";": "an expression has no semicolons",
}


class Token(NamedTuple):
    """One piece: `kind` is name, sign, string, other or end."""

    kind: str
    text: str
    at: int


class Literal(NamedTuple):
    """A string, with the position of each of its characters."""

    text: str
    at: int
    places: Sequence[int]

    def place(self, at: int) -> int:
        """Return the position of one of its characters in the expression."""
        return self.places[at] if at < len(self.places) else self.at


class Lexer:
    """Reads an expression from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._peeked: Token | None = None

    def peek(self) -> Token:
        """Return the next piece without taking it."""
        if self._peeked is None or self._peeked.at < self.at:
            self._peeked = self._read()
        return self._peeked

    def take(self) -> Token:
        """Take the next piece."""
        token = self.peek()
        self.at = token.at + len(token.text)
        self._peeked = None
        return token

    def taken(self, *texts: str) -> bool:
        """Take the next piece if it is one of these names or signs."""
        token = self.peek()
        if token.kind not in ("name", "sign") or token.text not in texts:
            return False
        self.take()
        return True

    def unexpected(self, wanted: str) -> Fault:
        """Return the fault for an unexpected piece."""
        token = self.peek()
        if token.kind == "end":
            return Fault(token.at, f"the expression ends where {wanted} should follow")
        hint = _INSTEAD.get(token.text[:1], "")
        return Fault(token.at, f"{wanted} should stand here{'; ' + hint if hint else ''}")

    def _read(self) -> Token:
        at = self._skip()
        if at >= len(self.text):
            return Token("end", "", at)
        if self.text[at] == '"' or _RAW.match(self.text, at):
            return Token("string", "", at)
        for kind, pattern in (("name", _NAME), ("sign", _SIGN)):
            found = pattern.match(self.text, at)
            if found:
                return Token(kind, found[0], at)
        return Token("other", self.text[at], at)

    def _skip(self) -> int:
        found = _SPACE.match(self.text, self.at)
        return found.end() if found else self.at

    def number(self) -> tuple[int, int] | None:
        """Take a whole number with its position; None = no number here."""
        at = self._skip()
        found = _NUMBER.match(self.text, at)
        if not found:
            return None
        value = int(found[0], 16 if "x" in found[0].lower() else 10)
        if abs(value) >= 1 << 63:
            raise Fault(at, "this number is too large: it has 64 bits")
        self._to(found.end())
        return value, at

    def address(self) -> tuple[str, int] | None:
        """Take an address or a network with its position."""
        at = self._skip()
        found = _ADDRESS.match(self.text, at)
        if not found:
            return None
        self._to(found.end())
        return found[0], at

    def string(self, *, regex: bool = False) -> Literal | None:
        """Take a string; None = no string here. A regular expression keeps its escapes.

        https://developers.cloudflare.com/ruleset-engine/rules-language/values/#string-values-and-regular-expressions
        """
        at = self._skip()
        raw = _RAW.match(self.text, at)
        if raw:
            return self._raw(at, raw)
        if self.text[at : at + 1] != '"':
            return None
        return self._regex(at) if regex else self._quoted(at)

    def _to(self, at: int) -> None:
        self.at = at
        self._peeked = None

    def _raw(self, at: int, raw: re.Match[str]) -> Literal:
        if len(raw[1]) > _MOST_HASHES:
            raise Fault(at, f"a raw string has at most {_MOST_HASHES} #")
        end = self.text.find('"' + raw[1], raw.end())
        if end < 0:
            raise Fault(at, f'this string has no end: it should be "{raw[1]}')
        self._to(end + 1 + len(raw[1]))
        return Literal(self.text[raw.end() : end], at, range(raw.end(), end))

    def _regex(self, start: int) -> Literal:
        """Read a quoted pattern: only a quote loses its backslash, and not inside of brackets."""
        chars: list[str] = []
        places: list[int] = []
        at, in_class = start + 1, False
        while at < len(self.text):
            char = self.text[at]
            if char == '"' and not in_class:
                self._to(at + 1)
                return Literal("".join(chars), start, places)
            if char == "\\" and at + 1 < len(self.text):
                if self.text[at + 1] != '"' or in_class:
                    chars.append(char)
                    places.append(at)
                at += 1
                char = self.text[at]
            elif char == "[":
                in_class = True
            elif char == "]":
                in_class = False
            chars.append(char)
            places.append(at)
            at += 1
        raise Fault(start, "this string has no end")

    def _quoted(self, start: int) -> Literal:
        written = bytearray()
        places: list[int] = []
        at = start + 1
        while at < len(self.text):
            char = self.text[at]
            if char == '"':
                self._to(at + 1)
                return _decoded(written, start, places)
            code, length = (
                self._escape(at) if char == "\\" else (char.encode("utf-8", "replace"), 1)
            )
            written += code
            places += [at] * len(code)
            at += length
        raise Fault(start, "this string has no end")

    def _escape(self, at: int) -> tuple[bytes, int]:
        r"""Return the meaning of an escape, and its length: \" \\ \xHH \OOO."""
        char = self.text[at + 1 : at + 2]
        if char in ('"', "\\"):
            return char.encode(), 2
        digits, base = (
            (self.text[at + 2 : at + 4], 16)
            if char == "x"
            else (
                self.text[at + 1 : at + 4],
                8,
            )
        )
        fine = len(digits) == (2 if char == "x" else 3) and all(
            digit in "0123456789abcdefABCDEF"[: 8 if base == 8 else 22] for digit in digits
        )
        if not fine or int(digits, base) > 255:
            raise Fault(
                at, r"there is no such escape: there are \" \\ \xHH and \OOO, and r\"...\" has none"
            )
        return bytes([int(digits, base)]), 2 + len(digits) if char == "x" else 1 + len(digits)


def _decoded(written: bytearray, start: int, places: list[int]) -> Literal:
    try:
        text = written.decode()
    except UnicodeDecodeError as error:
        raise Fault(
            places[error.start], "these bytes are not UTF-8, and a Worker sees text"
        ) from None
    firsts, at = [], 0
    for char in text:
        firsts.append(places[at])
        at += len(char.encode())
    return Literal(text, start, firsts)
