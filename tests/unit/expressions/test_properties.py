"""Properties of any text as an expression, and of generated expressions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from lb.expressions import condition
from lb.expressions.fields import FIELDS
from lb.expressions.functions import FUNCTIONS
from lb.expressions.parser import MOST_NESTED
from support.make import facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.request.facts import RequestFacts

REQUEST = facts(
    "GET",
    "https://www.example.org/a/b.html?x=1&y=2&x=3",
    cookie="a=1",
    accept="text/html",
    cf_connecting_ip="198.51.100.7",
    cf={"asn": 64500, "country": "DE"},
)
BARE = facts(url="http://a.example.com/")


@dataclass(frozen=True)
class Made:
    """A generated expression, and its value computed without the parser."""

    text: str
    meaning: Callable[[RequestFacts], bool]
    binds: int
    """Precedence: 4 an atom, 3 not, 2 and, 1 xor, 0 or."""


ATOMS = [
    Made("ssl", lambda f: f.https, 4),
    Made('http.host eq "www.example.org"', lambda f: f.host == "www.example.org", 4),
    Made('http.host != "a"', lambda f: f.host != "a", 4),
    Made('http.request.uri.path contains ".h"', lambda f: ".h" in f.path, 4),
    Made("ip.src.asnum >= 64500", lambda f: f.asn is not None and f.asn >= 64500, 4),
    Made("ip.src.asnum in {1..9 64500}", lambda f: f.asn in {*range(1, 10), 64500}, 4),
    Made('ip.src.country in {"DE" "FR"}', lambda f: f.country in {"DE", "FR"}, 4),
    Made("ip.src in {198.51.100.0/24}", lambda f: f.client_ip.startswith("198.51.100."), 4),
    Made('any(http.request.uri.args["x"][*] == "3")', lambda f: "x=3" in f.query, 4),
    Made('starts_with(http.cookie, "a")', lambda f: f.header("cookie")[:1] == "a", 4),
    Made('http.request.headers["accept"][0] ~ "^t"', lambda f: f.header("accept")[:1] == "t", 4),
]
JOINS: list[tuple[int, tuple[str, str], Callable[[bool, bool], bool]]] = [
    (2, (" and ", "&&"), lambda a, b: a and b),
    (1, (" xor ", "^^"), lambda a, b: a is not b),
    (0, (" or ", "||"), lambda a, b: a or b),
]


def joined(left: Made, right: Made, join: int, spelling: int) -> Made:
    """Join two expressions, with parentheses only where precedence requires them."""
    binds, spellings, both = JOINS[join]
    # On the right of an operator of the same kind, parentheses can be left out too, because all
    # three are associative.
    sides = [side.text if side.binds >= binds else f"({side.text})" for side in (left, right)]
    return Made(
        spellings[spelling].join(sides), lambda f: both(left.meaning(f), right.meaning(f)), binds
    )


def negated(made: Made, spelling: str) -> Made:
    """Negate an expression, with parentheses only where they are needed."""
    inner = made.text if made.binds >= 3 else f"({made.text})"
    return Made(spelling + inner, lambda f: not made.meaning(f), 3)


MADE = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: (
        st.builds(joined, inner, inner, st.integers(0, 2), st.integers(0, 1))
        | st.builds(negated, inner, st.sampled_from(["not ", "!", "! "]))
    ),
    max_leaves=20,
)


def answer(text: str, asked: RequestFacts) -> bool:
    """Return whether a request meets a valid condition."""
    prepared = condition(text)
    assert callable(prepared), (text, prepared)
    return bool(prepared(asked))


@settings(max_examples=200, deadline=None)
@given(MADE)
def test_an_expression_means_what_it_was_made_to_mean(made: Made) -> None:
    """A generated expression with minimal parentheses has its computed value, in both notations."""
    for asked in (REQUEST, BARE):
        assert answer(made.text, asked) is made.meaning(asked), made.text


@settings(max_examples=200, deadline=None)
@given(MADE, MADE)
def test_the_laws_of_logic_hold(one: Made, two: Made) -> None:
    """De Morgan's laws, double negation, and xor in terms of the other operators hold."""
    a, b = f"({one.text})", f"({two.text})"
    for asked in (REQUEST, BARE):
        assert answer(f"not ({a} and {b})", asked) is answer(f"not {a} or not {b}", asked)
        assert answer(f"not ({a} or {b})", asked) is answer(f"not {a} and not {b}", asked)
        assert answer(f"not not {a}", asked) is answer(a, asked)
        either = f"({a} or {b}) and not ({a} and {b})"
        assert answer(f"{a} xor {b}", asked) is answer(either, asked)


TOKENS = st.sampled_from(
    [
        *sorted(FIELDS),
        *sorted(FUNCTIONS),
        *("and", "or", "xor", "not", "&&", "||", "^^", "!", "(", ")", "[", "]", "{", "}", ",", "*"),
        *("eq", "ne", "lt", "==", "!=", "<", ">=", "~", "in", "contains", "matches", "wildcard"),
        *("strict", "strict wildcard", "..", '"a"', 'r"a*"', 'r#"("#', '"', "'", "5", "-1", "1..5"),
        *("10.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32", "[0]", "[*]", '["a"]', "$x", "=", "#"),
        *("nope", "http.request.body.raw", "true", "\\", "\n", "0x1F", "é", "\x00"),
    ]
)


def check(text: str) -> None:
    """Assert that any text gets a value, or all of its mistakes."""
    prepared = condition(text)
    if callable(prepared):
        for asked in (REQUEST, BARE):
            assert bool(prepared(asked)) in (True, False)
        return
    assert prepared
    assert list(prepared) == sorted(prepared, key=lambda each: each.at)
    for each in prepared:
        assert 0 <= each.at <= len(text)
        assert each.message.isprintable()
        assert each.where(text)
        assert each.excerpt(text).endswith("^")


@settings(max_examples=400, deadline=None)
@given(st.lists(TOKENS, max_size=25), st.sampled_from([" ", "", "  "]))
def test_any_row_of_words_is_answered_or_explained(tokens: list[str], space: str) -> None:
    """Any sequence of words gets a value, or problems with their places."""
    check(space.join(tokens))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_answered_or_explained(text: str) -> None:
    """Any text gets a value, or problems with their places."""
    check(text)


@settings(max_examples=250, deadline=None)
@given(MADE, st.data())
def test_a_good_expression_that_is_damaged_is_answered_or_explained(
    made: Made, data: st.DataObject
) -> None:
    """An expression with removed, inserted or doubled characters gets a value or its problems."""
    text = made.text
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 3))
        text = text[:at] + data.draw(TOKENS | st.just("")) + text[at + cut :]
    check(text)


def test_nesting_is_bounded() -> None:
    """Deep nesting is a problem, not a RecursionError; long chains have no limit."""
    for opening, closing in (
        ("(", ")"),
        ("not (", ")"),
        ("lower(", ")"),
        ("any(", ")"),
        ("!(", ")"),
    ):
        for depth in (MOST_NESTED - 1, MOST_NESTED + 2, 300):
            check(opening * depth + "ssl" + closing * depth)
            check(opening * depth)
    check("[" * 4000)
    assert answer("!" * 4001 + "ssl", BARE)
    assert answer(" or ".join(["ssl"] * 500) + " or not ssl", BARE)
    assert answer("(" * MOST_NESTED + "ssl" + ")" * MOST_NESTED, REQUEST)
