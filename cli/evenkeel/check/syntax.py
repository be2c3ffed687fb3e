"""Syntax errors of TOML files in plain words, with what to write instead."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

LISTS = frozenset(
    {
        *("load_balancers", "pools", "monitors", "monitor_groups", "notifications"),
        *("origins", "rules", "pool_sets", "members", "maintenance"),
    }
)
"""Keys of a configuration that stand in double brackets."""

_AT = re.compile(
    r"^(?:is not TOML: )?(.*?) ?\(at (?:line (\d+), column (\d+)|end of document)\)$", re.DOTALL
)
_HEADING = re.compile(r"\s*(\[{1,2})\s*([^\]\[#]*?)\s*(?:\]|#|$)")
_PAIR = re.compile(r"""\s*([A-Za-z0-9_.\-"']+)\s*=""")
_WORD = re.compile(r"[A-Za-z_][^\s,\]}#]*")
_NUMBER_AND_MORE = re.compile(r"=\s*[+-]?[0-9][0-9_.]*$")
_CURLY = frozenset(
    "\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b\u00ab\u00bb\u2032\u2033`\u00b4"
)
_BOOLEANS = {"true": "true", "yes": "true", "on": "true"} | dict.fromkeys(
    ("false", "no", "off"), "false"
)
_NOTHING = frozenset({"null", "none", "nil"})
_OF_TEXT = re.compile(r"""Illegal character|Unterminated|Expected ["']{2,}""")
_MANY_DIGITS = re.compile(r"[0-9_]{1000}")


@dataclass(frozen=True, slots=True)
class _Error:
    """A syntax error and its place."""

    text: str
    message: str
    """The parser's words, without the place."""
    line: int
    column: int

    @property
    def row(self) -> str:
        """The line of the error."""
        lines = self.text.split("\n")
        return lines[self.line - 1] if self.line <= len(lines) else ""

    @property
    def rest(self) -> str:
        """The line from the error on."""
        return self.row[self.column - 1 :]

    @property
    def key(self) -> str:
        """The key of the line; "" if it has none."""
        found = _PAIR.match(self.row)
        return found[1] if found else ""

    @property
    def starts_anew(self) -> bool:
        """Whether the line begins as a pair or a heading does."""
        return bool(_PAIR.match(self.row) or _HEADING.match(self.row))

    @property
    def opened(self) -> tuple[str, int] | None:
        """The innermost bracket that is open here, and its line."""
        rows = self.text.split("\n")[: self.line - 1]
        found = _open_brackets("\n".join(rows)) if self.starts_anew else []
        found = found or _open_brackets("\n".join([*rows, self.row[: self.column - 1]]))
        return found[-1] if found else None


def plain_syntax(text: str, message: str) -> tuple[int, str]:
    """Return the line of a syntax error, and what to do in plain words.

    `message` is that of tomllib, which ends with the place.
    """
    found = _AT.match(message)
    if found is None:
        many = _MANY_DIGITS.search(text)
        if many is None:
            return 1, message
        return text.count("\n", 0, many.start()) + 1, "a number has too many digits"
    last = text.count("\n") + 1
    line = int(found[2]) if found[2] else last
    column = int(found[3]) if found[3] else len(text.rsplit("\n", 1)[-1]) + 1
    if found[2] is None and _OF_TEXT.match(found[1]):
        line = _unclosed_quote(text)
    error = _Error(text, found[1], line, column)
    for explain in _EXPLANATIONS:
        words = explain(error)
        if words:
            return line, words
    return line, f"is not TOML: {error.message[:1].lower()}{error.message[1:]}"


def _character(error: _Error) -> str:
    """Quotation marks of word processors, and characters that look like nothing."""
    unclosed = bool(_OF_TEXT.match(error.message)) or "invalid character" in error.message
    marks = [each for each in (error.row if unclosed else error.rest[:1]) if each in _CURLY]
    if marks:
        return f'{marks[0]} is no quotation mark of TOML: write " in its place'
    char = error.rest[:1]
    if char not in {"", " ", "\t"} and unicodedata.category(char) in {"Cc", "Cf", "Zs"}:
        return f"has an invisible character at column {error.column}: write a blank in its place"
    return ""


def _twice(error: _Error) -> str:
    """A heading or a key that stands there already."""
    if error.message == "Cannot overwrite a value" and error.key:
        return f"{error.key} is given twice in this table: remove one of them"
    if error.message.startswith("Duplicate inline table key"):
        return "a key is given twice in this table: remove one of them"
    heading = _HEADING.match(error.row)
    if not error.message.startswith("Cannot ") or heading is None:
        return ""
    name = heading[2]
    again = re.compile(rf"\s*(?:\[{{1,2}}\s*{re.escape(name)}\s*\]|{re.escape(name)}\s*=)")
    before = error.text.split("\n")[: error.line - 1]
    first = next((number for number, row in enumerate(before, 1) if again.match(row)), 0)
    where = f"stands on line {first} already" if first else "stands in this file already"
    if name.rpartition(".")[2] in LISTS:
        return f"{name} {where}: write [[{name}]] above each of them, in double brackets"
    return f"{name} {where}: put both in one table"


def _heading(error: _Error) -> str:
    """A heading that is not closed, or too often."""
    heading = _HEADING.match(error.row)
    if heading is None:
        return ""
    brackets, name = heading[1], heading[2]
    if "at the end of a" in error.message and "declaration" in error.message:
        closed = "]" * len(brackets)
        return f"the heading is not closed: write {brackets}{name}{closed}"
    if error.rest.startswith("]"):
        return f"the heading has a ] too many: write [{name}] or [[{name}]]"
    return ""


def _bracket(error: _Error) -> str:
    """A list or a table that is not closed."""
    opened = error.opened
    if opened is None:
        return ""
    bracket, line = opened
    if bracket == "[" and (
        error.message == "Unclosed array"
        or (error.message == "Invalid value" and error.starts_anew and line < error.line)
        or (error.message == "Invalid value" and not error.rest)
    ):
        return (
            f"the list that begins on line {line} is not closed here: put ] at its end, and a "
            "comma between its values"
        )
    if bracket == "{":
        if error.rest.startswith("}"):
            return "a table in { } has no comma behind its last value: remove it"
        if line < error.line or not error.rest.strip():
            return f"the table that begins with {{ on line {line} must end with }} on the same line"
        if error.message == "Unclosed inline table":
            return "a table in { } has a comma between its values, and ends with }"
    return ""


def _text(error: _Error) -> str:
    """Text without quotes, or without the second one."""
    if _OF_TEXT.match(error.message) or "invalid character" in error.message:
        return "a text on this line is not closed: put the same quotation mark at its end"
    if error.message.startswith("Unescaped"):
        return (
            "a \\ in double quotes begins an escape: write \\\\, or put the text in single quotes"
        )
    return ""


def _value(error: _Error) -> str:
    """A value that is none."""
    if error.message != "Invalid value":
        return ""
    if not error.rest.strip() or error.rest.lstrip().startswith("#"):
        return f"{error.key or 'the key'} has no value: write one after the ="
    word = _WORD.match(error.rest)
    if word is None:
        return "a value is text in quotes, a number, true, false, a list in [ ] or a table in { }"
    meant = _BOOLEANS.get(word[0].lower())
    if meant and not (meant == "false" and word[0] == "off"):
        return f"write {meant}, in small letters and without quotes"
    if word[0].lower() in _NOTHING:
        return "there is no such value: leave the key out"
    return f'text stands in quotes: {error.key or "key"} = "..."'


def _more(error: _Error) -> str:
    """Something behind a value."""
    if not error.message.startswith("Expected newline or end of document"):
        return ""
    if error.rest.startswith(("//", "/*", ";", "--")):
        return "a comment begins with #"
    if error.rest.startswith(","):
        return "a line has one value: put several in [ ], and no comma at the end"
    number = _NUMBER_AND_MORE.search(error.row[: error.column - 1].rstrip())
    if number is None:
        return "there is more after the value: put several in [ ], and begin a comment with #"
    if error.rest[:1].isalnum():
        return "a number has neither a unit nor a 0 in front: write it alone (times are in seconds)"
    return f'text stands in quotes: {error.key or "key"} = "..."'


def _key(error: _Error) -> str:
    """A key without a value, or one that is none."""
    if error.message.startswith("Invalid initial character for a key part"):
        return "a key has letters, digits, _ and - only"
    if not error.message.startswith("Expected '=' after a key"):
        return ""
    if error.rest.lstrip().startswith(":"):
        return "write = in place of :"
    if "=" in error.rest:
        return "a key has no blanks: write _ in their place"
    return "has no value: write key = value"


def _statement(error: _Error) -> str:
    """A line that is neither a pair nor a heading."""
    if error.message != "Invalid statement":
        return ""
    row = error.row.strip()
    if row.startswith(("//", "/*", ";")):
        return "a comment begins with #"
    if row.startswith("{"):
        return "a file is TOML, not JSON: write key = value, below headings such as [[pools]]"
    return "a line is key = value, a heading such as [[pools]], or a comment that begins with #"


_EXPLANATIONS: tuple[Callable[[_Error], str], ...] = (
    _character,
    _twice,
    _heading,
    _bracket,
    _text,
    _value,
    _more,
    _key,
    _statement,
)


_SKIPPED = re.compile(
    r'''#[^\n]*|"""(?:\\.|[^\\])*?"""|\'{3}.*?\'{3}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'''', re.DOTALL
)


def _open_brackets(text: str) -> list[tuple[str, int]]:
    """Return the brackets that are open at the end of a text, with their lines."""
    found: list[tuple[str, int]] = []
    for number, row in enumerate(_bare(text).split("\n"), start=1):
        for char in row:
            if char in "[{":
                found.append((char, number))
            elif char in "]}" and found:
                found.pop()
    return found


def _unclosed_quote(text: str) -> int:
    """Return the line of the first quotation mark that has no second one."""
    bare = _bare(text)
    marks = [at for mark in "\"'" if (at := bare.find(mark)) >= 0]
    return bare.count("\n", 0, min(marks, default=len(bare))) + 1


def _bare(text: str) -> str:
    """Return a text without its comments and strings, line by line."""
    return _SKIPPED.sub(lambda skipped: "\n" * skipped[0].count("\n"), text)
