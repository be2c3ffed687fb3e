"""Messages about mistakes in expressions: plain words, each with its place, all at once."""

from __future__ import annotations

import pytest

from lb.expressions import LONGEST, Wrong, condition
from lb.expressions.fields import REFUSED
from lb.expressions.functions import REFUSED as REFUSED_FUNCTIONS


def wrong(text: str) -> tuple[Wrong, ...]:
    """Return all problems of an expression."""
    found = condition(text)
    assert isinstance(found, tuple), text
    return found


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        (
            'http.request.uri.pth eq "/"',
            1,
            "there is no field http.request.uri.pth; did you mean http.request.uri.path?",
        ),
        ('lowr(http.host) eq "a"', 1, "there is no function lowr; did you mean lower?"),
        ("sl", 1, "there is no field sl; did you mean ssl?"),
        ("http.host", 1, "this is of type String, not a condition: compare it"),
        ("ssl and http.host", 9, "this is of type String, not a condition: compare it"),
        ("not http.host", 5, "this is of type String, not a condition: compare it"),
        ("(http.host)", 2, "this is of type String, not a condition: compare it"),
        ("http.host eq 5", 14, "a text in double quotes should stand here"),
        (
            "http.host eq 'a'",
            14,
            "a text in double quotes should stand here; text stands in double quotes",
        ),
        ('ip.src.asnum eq "5"', 17, "a whole number should stand here"),
        ("ip.src eq 10.0.0", 11, "this is not an IP address"),
        ("ip.src eq 10.0.0.0/8", 11, "a network is compared with in { }"),
        ("ip.src lt 10.0.0.1", 8, "lt cannot compare a value of type IP address"),
        ("ip.src in {10.0.0.0/40}", 12, "this is not a network"),
        ("ip.src in {10.0.0.9..10.0.0.1}", 20, "this range ends before it begins"),
        ("ip.src.asnum in {9..1}", 19, "this range ends before it begins"),
        ('http.host in {"a", "b"}', 18, "entries of a list are separated by spaces"),
        ("http.host in {}", 15, "this list is empty, so nothing could be in it"),
        (
            "ip.src in $office",
            11,
            (
                "a list in { } should stand here; lists by name are not supported, as in "
                "Cloudflare's load balancing rules: write the values into { }"
            ),
        ),
        ("ssl eq true", 5, "this is true or false already: it stands alone, or after not"),
        ("ssl and true", 9, "there is no true and no false: a Boolean stands alone"),
        ("(ssl", 1, "this parenthesis has no end"),
        ("ssl)", 4, '"and", "or", "xor" or the end should stand here'),
        ("ssl AND ssl", 5, "operators are written in lower case"),
        ('http.host EQ "a"', 11, "operators are written in lower case"),
        ('http.host equals "a"', 11, "this is not an operator"),
        ('http.host contain "a"', 11, "this is not an operator; did you mean contains?"),
        (
            'http.request.uri.path ends_with ".html"',
            23,
            "this is a function: write ends_with(field, ...)",
        ),
        (
            'http.host = "a"',
            11,
            (
                "an operator that compares a value of type String should stand here; "
                'equality is written "eq" or "=="'
            ),
        ),
        (
            "ssl & ssl",
            5,
            (
                '"and", "or", "xor" or the end should stand here; '
                'both are asked for with "and" or "&&"'
            ),
        ),
        (
            "ssl # why",
            5,
            '"and", "or", "xor" or the end should stand here; an expression has no comments',
        ),
        (
            "ssl and",
            8,
            "the expression ends where a field, a function or a parenthesis should follow",
        ),
        ('"a" eq http.host', 1, "a comparison begins with a field or a function"),
        ('http.host eq "a', 14, "this string has no end"),
        ('http.host eq r#"a"', 14, 'this string has no end: it should be "#'),
        (
            r'http.host eq "a\d"',
            16,
            r"there is no such escape: there are \" \\ \xHH and \OOO, and r\"...\" has none",
        ),
        (r'http.host eq "\xff"', 15, "these bytes are not UTF-8, and a Worker sees text"),
        (
            'http.host wildcard "a**b"',
            22,
            "two * in a row are not allowed: one stands for any text",
        ),
        (r'http.host wildcard r"a\b"', 23, r"a wildcard pattern knows two escapes: \* and \\"),
        ('http.host matches "a(b"', 21, "this group has no end"),
        (r'http.host matches r"(a)\1"', 24, "references to groups are not supported, as in Rust"),
        (
            'http.request.headers eq "a"',
            22,
            (
                "eq cannot compare a value of type Map<Array<String>>: take one element with [0] "
                'or an entry with ["name"], or each with [*]'
            ),
        ),
        ("http.request.headers[0]", 22, 'a map is asked by name: ["name"]'),
        ('http.request.uri.args.names["a"]', 29, "an array is asked by number: [0]"),
        ('http.request.uri.args.names[-1] eq "a"', 29, "an index is 0 or more"),
        ('http.host[0] eq "a"', 11, "a value of type String has no elements"),
        (
            'http.request.uri.args.names[*] == "a"',
            1,
            "this is true or false for each element: say any(...) or all(...)",
        ),
        (
            'any(http.request.uri.args.names[*] == "a" and ssl)',
            47,
            "one side is true or false for each element, and the other is not",
        ),
        (
            "any(http.host)",
            5,
            (
                "any takes something that is true or false for each element, such as "
                'http.request.headers["accept"][*] contains "json"'
            ),
        ),
        ("starts_with(http.host) or ssl", 1, "starts_with takes 2 arguments, not 1"),
        ('substring(http.host) eq "a"', 1, "substring takes 2 or 3 arguments, not 1"),
        ('concat() eq "a"', 1, "concat takes 1 or more arguments, not 0"),
        (
            'lower(ip.src) eq "a"',
            7,
            "lower takes a value of type String here, not IP address",
        ),
        (
            'lower(http.request.uri.args.names) eq "a"',
            7,
            "lower takes a value of type String here, not Array<String>: add [*]",
        ),
        ('starts_with("a", "b")', 13, "starts_with takes a field here"),
        (
            "starts_with(http.host, http.request.uri.args.names[*])",
            24,
            "[*] may only stand in a function's first argument",
        ),
        ("cidr(ip.src, 33, 24) eq ::1", 14, "this must be from 1 to 32"),
        ('len(split(http.host, "", 5)) eq 1', 22, "the separator must not be empty"),
        ("ip.src.asnum eq 99999999999999999999", 17, "this number is too large: it has 64 bits"),
        ("(" * 60 + "ssl", 42, "this is nested more than 40 deep"),
        (
            "x" * (LONGEST + 1),
            LONGEST + 1,
            f"an expression has at most 4096 characters, not {LONGEST + 1}",
        ),
    ],
)
def test_one_mistake_is_one_message_at_its_column(text: str, column: int, message: str) -> None:
    """One mistake is one message, with its column and what to write instead."""
    (only,) = wrong(text)

    assert (only.at + 1, only.message) == (column, message)
    assert only.where(text) == f"column {column}"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("http.request.body.raw", REFUSED["http.request.body"]),
        ("http.response.code", REFUSED["http.response"]),
        ("cf.waf.score", REFUSED["cf.waf"]),
        ("cf.threat_score", REFUSED["cf.threat_score"]),
        ("dns.qry.name", REFUSED["dns."]),
        ("dns.rr.opt.client.addr", REFUSED["dns."]),
        ("tcp.dstport", REFUSED["tcp."]),
    ],
)
def test_a_field_that_a_worker_cannot_know_is_refused_with_the_reason(
    name: str, reason: str
) -> None:
    """Cloudflare: a field that a Worker does not know, such as one for DNS, has its reason."""
    (only,) = wrong(f'{name} eq "a"')

    assert only.message == f"{name} is not possible: {reason}"


@pytest.mark.parametrize("name", REFUSED_FUNCTIONS)
def test_a_function_of_other_products_is_refused_with_the_reason(name: str) -> None:
    """A function of other products is refused with the reason, not as a typo."""
    (only,) = wrong(f'{name}(http.host, "a") eq "b"')

    assert only.message == f"{name} is not possible: {REFUSED_FUNCTIONS[name]}"


def test_all_mistakes_are_told_at_once() -> None:
    """All mistakes are reported in the order of their places, without follow-up errors."""
    text = (
        'http.hst eq "a" and lower(ssl) eq "b" or http.request.body.raw contains "c" and http.host'
    )

    assert [found.at + 1 for found in wrong(text)] == [1, 27, 42, 81]


def test_a_mistake_of_one_name_is_told_once() -> None:
    """A comparison with an unknown field is one mistake."""
    for text in (
        "nope in {1 2 3}",
        'nope[0]["a"] matches "x("',
        'nope("a", 5)',
        "any(nope[*] eq 5)",
    ):
        assert len(wrong(text)) == 1, text


def test_a_caret_stands_under_the_place() -> None:
    """The caret points to the place in its line; distant text before the place is left out."""
    text = 'ssl and\n  http.hst eq "a"\n'
    (only,) = wrong(text)

    assert only.where(text) == "line 2, column 3"
    assert only.excerpt(text) == '  http.hst eq "a"\n  ^'
    far = "ssl and " * 20 + "nope"
    line, caret = wrong(far)[0].excerpt(far).split("\n")
    assert len(line) < 110
    assert line[caret.index("^") :] == "nope"
