"""Syntax errors of TOML in plain words."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenkeel.check.syntax import plain_syntax


def explained(text: str) -> tuple[int, str]:
    """Return line and words of the syntax error in a text."""
    try:
        tomllib.loads(text)
    except ValueError as error:
        return plain_syntax(text, f"is not TOML: {error}")
    raise AssertionError(text)


TWICE = "pools stands on line 1 already: write [[pools]] above each of them, in double brackets"
QUOTES = 'write " in its place'
BLANK = "has an invisible character"
OPEN_LIST = "the list that begins on line 1 is not closed here"
OPEN_TEXT = "a text on this line is not closed"
IN_QUOTES = 'text stands in quotes: name = "..."'


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        # headings
        ('[pools]\nname = "a"\n[pools]\nname = "b"\n', 3, TWICE),
        ('[pools]\nname = "a"\n[[pools]]\nname = "b"\n', 3, TWICE),
        ('[[pools]]\nname = "a"\n[pools]\n', 3, TWICE),
        ("pools = []\n[[pools]]\n", 2, TWICE),
        ("[admin]\n[admin]\n", 2, "admin stands on line 1 already: put both in one table"),
        ("\n[[pools]\nname = 1\n", 2, "the heading is not closed: write [[pools]]"),
        ("[admin\npath = 1\n", 1, "the heading is not closed: write [admin]"),
        ("[pools]]\n", 1, "a ] too many: write [pools] or [[pools]]"),
        # quotation marks and blanks of word processors
        ("a = 1\nname = \u201cprimary\u201d\n", 2, QUOTES),
        ("name = \u2018primary\u2019\n", 1, QUOTES),
        ("\u201cname\u201d = 1\n", 1, QUOTES),
        ('name = "primary\u201d\n', 1, QUOTES),
        ("name = `primary`\n", 1, QUOTES),
        ("name =\u00a0'primary'\n", 1, BLANK),
        ("\u200bname = 'primary'\n", 1, BLANK),
        ("name = 'a'\n\x00\n", 2, BLANK),
        # text
        ("name = primary\n", 1, IN_QUOTES),
        ("\tname = a.acme.io:80\n", 1, IN_QUOTES),
        ("name = 10.0.0.1\n", 1, IN_QUOTES),
        ("steering_policy = off\n", 1, "text stands in quotes: steering_policy"),
        ('a = 1\nname = "primary\nb = 2\n', 2, OPEN_TEXT),
        ("a = 1\nname = 'primary\nb = 2\n", 2, OPEN_TEXT),
        ('name = """primary\nb = 2\n', 1, OPEN_TEXT),
        ('path = "C:\\path"\n', 1, "begins an escape"),
        # other values
        ("enabled = True\n", 1, "write true, in small letters"),
        ("enabled = no\n", 1, "write false, in small letters"),
        ("monitor = null\n", 1, "leave the key out"),
        ("a = 1\nname = # later\n", 2, "name has no value"),
        ("interval = 30s\n", 1, "a number has neither a unit"),
        ("interval = 030\n", 1, "a number has neither a unit nor a 0 in front"),
        ("interval = 30,\n", 1, "no comma at the end"),
        ("pools = 'a', 'b'\n", 1, "put several in [ ]"),
        ("interval = 30 // seconds\n", 1, "a comment begins with #"),
        ("name = 'a' name = 'b'\n", 1, "there is more after the value"),
        ("a = 1\na = 2\n", 2, "a is given twice in this table"),
        ("o = { a = 1, a = 2 }\n", 1, "given twice in this table"),
        (f"a = 1\nb = {'9' * 5000}\n", 2, "too many digits"),
        # lists and tables
        ("pools = ['a', 'b'\nname = 'c'\n", 2, OPEN_LIST),
        ("pools = ['a',\nname = 'c'\n", 2, OPEN_LIST),
        ("pools = ['a',\n[[pools]]\n", 2, OPEN_LIST),
        ("pools = [\n  'a'\n  'b'\n]\n", 3, OPEN_LIST),
        ("pools = [ # [\n  'a', # ]\n", 3, OPEN_LIST),
        ("o = [{ a = 1, }]\n", 1, "no comma behind its last value"),
        ("o = { a = 1,\n  b = 2 }\n", 1, "must end with } on the same line"),
        ("o = { a = 1\n", 1, "must end with } on the same line"),
        ("o = { a = 1 b = 2 }\n", 1, "a comma between its values"),
        # other languages
        ("name: 'a'\n", 1, "write = in place of :"),
        ("session affinity = 'a'\n", 1, "a key has no blanks"),
        ("name\n", 1, "write key = value"),
        ("// a comment\n", 1, "a comment begins with #"),
        ('{ "pools": [] }\n', 1, "not JSON"),
        ("= 1\n", 1, "a line is key = value"),
    ],
)
def test_a_syntax_error_says_what_to_write(text: str, line: int, words: str) -> None:
    """The parser said "Cannot declare ('pools',) twice", or "Invalid value", for all of these."""
    found = explained(text)

    assert found[0] == line
    assert words in found[1]


@pytest.mark.parametrize("text", ["\tname\t=\t'a'\r\n", '[[pools]]\r\nname = "a"\r\n'])
def test_tabs_and_line_ends_of_windows_are_fine(text: str) -> None:
    """Both are TOML."""
    assert tomllib.loads(text)


@given(st.text(alphabet="[]{}=\"'.,#\n\r\t :/ab1\u00e9\u201c\u00a0\\", max_size=60))
def test_any_broken_text_has_a_line_and_words(text: str) -> None:
    """A place outside of the text, or no words, would help nobody."""
    try:
        tomllib.loads(text)
    except ValueError as error:
        line, words = plain_syntax(text, f"is not TOML: {error}")
        assert 1 <= line <= text.replace("\r\n", "\n").count("\n") + 1
        assert words
