"""Regular expressions: their matches, unsupported patterns, and the bound of their run time."""

from __future__ import annotations

import re
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lb.expressions.regex.automaton import Regex
from lb.expressions.regex.nodes import MOST_POSITIONS
from lb.expressions.syntax_errors import Fault

LONG = 16_000


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("", "", True),
        ("b", "abc", True),
        ("^b", "abc", False),
        ("^/articles/200[7-8]/$", "/articles/2007/", True),
        ("^/articles/200[7-8]/$", "/articles/2009/", False),
        (r"/autodiscover\.(xml|src)$", "/autodiscover.src", True),
        (r"/autodiscover\.(xml|src)$", "/autodiscoverxsrc", False),
        (r"\d{2,3}x", "12x", True),
        (r"^\d{2,3}x", "1234x", False),
        (r"^\d{2,}$", "12345", True),
        (r"^a{2}$", "aaa", False),
        (r"(?i)googlebot|bingbot", "Mozilla BingBot", True),
        (r"(?i:a)b", "Ab", True),
        (r"(?i:a)b", "AB", False),
        (r"(?i)[^a]", "A", False),
        (r"a.c", "a\nc", False),
        (r"(?s)a.c", "a\nc", True),
        (r"\bcat\b", "a cat.", True),
        (r"\bcat\b", "concat", False),
        (r"\Bcat", "concat", True),
        (r"\w+@\w+", "me@here", True),
        (r"^[\w.-]+$", "a-b.c_d", True),
        (r"^[^/]+$", "a/b", False),
        (r"^[]a]+$", "]a]", True),
        (r"[[:digit:]]", "a1", True),
        (r"^[[:^digit:]]+$", "a1", False),
        (r"\x41\x{42}\u0043", "ABC", True),
        (r"^(?P<name>a)(?<other>b)$", "ab", True),
        (r"\Aab?\z", "a", True),
        (r"x*?y+?", "y", True),
        (r"^(a|)b$", "b", True),
        (r"^(|a)+$", "aaa", True),
        (r"(a*)*b", "aaab", True),
        (r"é", "caf\u00e9", True),
        (r"\d", "\u0663", False),
        (r"^$", "", True),
        (r"$^", "", True),
        (r"a$b", "ab", False),
        (r"a-z[a-]", "a-z-", True),
        (r"\.\*\+\?\(\)\[\]\{\}\|\^\$\\/", ".*+?()[]{}|^$\\/", True),
    ],
)
def test_a_pattern_matches_as_in_rust(pattern: str, text: str, found: bool) -> None:
    """Cloudflare, operators: `matches` searches anywhere in a text, with Rust's syntax."""
    assert Regex(pattern).search(text) is found


PIECES = st.sampled_from(
    [
        *("a", "b", "ab", ".", "[ab]", "[^a]", r"\d", r"\w", r"\s", "^", "$", r"\b", r"[a-c1]"),
        *("(a|b)", "(?:ab)*", "a{2}", "b{1,2}", "(a+)+", "(|a)", "c?", "(a*)*", "(?i:A)", "|"),
    ]
)
MARKS = st.sampled_from(["", "", "", "*", "+", "?", "{0,2}", "*?"])
PATTERNS = st.lists(st.tuples(PIECES, MARKS), max_size=6).map(
    lambda pieces: "".join(f"(?:{piece}){mark}" if mark else piece for piece, mark in pieces)
)


@settings(max_examples=250, deadline=None)
@given(PATTERNS, st.lists(st.text("abcA1 -\n", max_size=8), min_size=1, max_size=4))
def test_a_pattern_matches_what_pythons_engine_matches(pattern: str, texts: list[str]) -> None:
    """Matches equal Python's for the common syntax, with Rust's `$` as Python's end of text."""
    regex, reference = Regex(pattern), re.compile(pattern.replace("$", r"\Z"), re.ASCII)
    for text in texts:
        assert regex.search(text) is bool(reference.search(text)), (pattern, text)


EVIL = [
    ("(a+)+$", "a" * LONG + "b"),
    ("(a|aa)+$", "a" * LONG + "b"),
    ("(a|a?)+$", "a" * LONG + "b"),
    ("([a-zA-Z]+)*$", "a" * LONG + "1"),
    ("(.*a){20}", "b" * LONG),
    ("^(.*a){20}$", "ab" * (LONG // 2) + "c"),
    ("(.*)(.*)(.*)(.*)(.*)(.*)x", "y" * LONG),
    ("(x+x+)+y", "x" * LONG),
    (r"^(([a-z])+.)+[A-Z]([a-z])+$", "a" * LONG),
    (r"(\w+\s?)*!$", "ab " * (LONG // 3)),
    ("(a?){250}a{250}$", "a" * LONG + "b"),
    ("[ab]*a[ab]{20}$", "abbabaab" * (LONG // 8) + "c"),
    ("(((((a*)*)*)*)*)*$", "a" * LONG + "b"),
]


@pytest.mark.parametrize(("pattern", "text"), EVIL)
def test_an_evil_pattern_takes_no_more_steps_than_its_length_times_the_texts(
    pattern: str, text: str
) -> None:
    """A search costs one table step for each character and each eight places of the pattern."""
    regex = Regex(pattern)
    regex.search(text)
    places = regex.size
    preparation = 20 * (places + 8) ** 2

    assert regex.steps <= len(text) * (1 + ceil((places + 1) / 8)) + preparation


@settings(max_examples=60, deadline=None)
@given(PATTERNS, st.integers(0, 2**32 - 1))
def test_no_text_is_worse_than_the_bound(pattern: str, seed: int) -> None:
    """No pattern exceeds the bound on texts without repetition either."""
    regex = Regex(pattern)
    text = "".join("ab1 "[seed >> (at % 31) & 3] for at in range(2000))
    regex.search(text)

    bound = len(text) * (1 + ceil((regex.size + 1) / 8)) + 20 * (regex.size + 8) ** 2
    assert regex.steps <= bound


def test_what_an_engine_remembers_is_bounded() -> None:
    """A pattern with a million states discards cached states, and its searches stay correct.

    A cached state costs one step for each character; a discarded one is computed again.
    """
    pattern = "[ab]*a[ab]{20}$"
    state = 1
    chars = []
    for _ in range(60_000):
        state = state * 48_271 % 2_147_483_647
        chars.append("ab"[state & 1])
    text = "".join(chars)

    assert Regex(pattern).search(text) is (text[-21] == "a")
    assert steps_again(pattern, text[:4_000]) < 4_010
    assert steps_again(pattern, text[:5_000]) > 2 * 5_000


def steps_again(pattern: str, text: str) -> int:
    """Return the steps of a second search of the same text."""
    regex = Regex(pattern)
    regex.search(text)
    before = regex.steps
    regex.search(text)
    return regex.steps - before


@pytest.mark.parametrize(
    ("pattern", "at", "message"),
    [
        ("a(b", 1, "this group has no end"),
        ("ab)", 2, "this parenthesis closes nothing"),
        ("*a", 0, "there is nothing here to be repeated"),
        ("a{2", 2, "this count has no end"),
        ("a{x}", 1, "a count is {2}, {2,} or {2,5}"),
        ("a{3,2}", 1, "the second number is less than the first"),
        ("[a", 0, "this class has no end"),
        ("[z-a]", 1, "this is not a range of characters"),
        ("[a[b]]", 2, "classes inside of classes are not supported"),
        ("[a&&b]", 2, "classes inside of classes are not supported"),
        ("[[:colour:]]", 1, "there is no class of this name"),
        ("x(?=a)", 1, "look-around is not supported, as in Rust"),
        ("x(?<!a)", 1, "look-around is not supported, as in Rust"),
        (r"(a)\1", 3, "references to groups are not supported, as in Rust"),
        (r"\p{Greek}", 0, "Unicode classes are not supported: classes are those of ASCII"),
        (r"\q", 0, "there is no such escape"),
        ("a\\", 1, "a backslash at the end escapes nothing"),
        (r"\xZZ", 0, "this is not the number of a character"),
        ("(?u)a", 2, "the flag u is not supported: classes are those of ASCII"),
        ("(?y)a", 2, "this is not a flag"),
        ("(?P<1>a)", 0, "this is not a name for a group"),
        (
            "(a{100}){100}",
            0,
            f"this pattern is too large: written out, it has more than {MOST_POSITIONS} parts",
        ),
        ("(" * 50 + ")" * 50, 41, "groups are nested more than 40 deep"),
        ("a" + "?*" * 50, 80, "repetitions are nested more than 40 deep"),
    ],
)
def test_what_is_not_supported_is_refused_with_its_place(
    pattern: str, at: int, message: str
) -> None:
    """An unsupported pattern is refused with its place, never interpreted differently."""
    with pytest.raises(Fault) as fault:
        Regex(pattern)

    assert (fault.value.at, fault.value.message) == (at, message)


@settings(max_examples=250, deadline=None)
@given(st.text("ab(){}[]|*+?^$.\\-,0129xdwsbBpiPu<>=!:&~", max_size=40), st.text(max_size=20))
def test_any_text_is_a_pattern_or_is_refused(pattern: str, text: str) -> None:
    """Any text is a pattern within the bounds, or is refused."""
    try:
        Regex(pattern).search(text)
    except Fault as fault:
        at = fault.at
    else:
        at = 0
    assert 0 <= at <= len(pattern)
