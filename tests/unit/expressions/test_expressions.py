"""Cloudflare's rules language: the meaning of expressions.

Tests quote Cloudflare's documentation (of load balancing rules and of the
rules language).
"""

from __future__ import annotations

from typing import Any

import pytest

from lb.expressions import condition
from lb.expressions.fields import FIELDS
from lb.request.facts import RequestFacts
from support.make import facts


def met(text: str, asked: RequestFacts) -> bool:
    """Return whether a request meets a condition."""
    prepared = condition(text)
    assert callable(prepared), prepared
    return bool(prepared(asked))


REQUEST = facts(
    "POST",
    "https://www.example.org:8443/articles/Index.HTML?section=5&expand=a+b&expand=c%20d&flag",
    cookie="session=8521F; background=light; %61pp=test",
    referer="https://developer.example.org/",
    accept="application/json",
    accept_language="fr-CH, fr;q=0.8, en;q=0.9, de;q=0.7, *;q=0.5",
    user_agent="Mozilla/5.0",
    x_list="groceries,,electronics",
    x_json='{"company": "cloudflare", "ids": [12, {"deep": 7}], "half": 0.5, "yes": true}',
    x_base64="MTIzYWJj",
    cf_connecting_ip="198.51.100.7",
    cf_ray="230b030023ae2822-SJC",
    cf={
        "asn": 64500,
        "asOrganization": "Example",
        "botManagement.score": 30,
        "city": "Berlin",
        "continent": "EU",
        "country": "DE",
        "httpProtocol": "HTTP/2",
        "isEUCountry": "1",
        "latitude": "52.5",
        "regionCode": "BE",
        "tlsClientAuth.certPresented": "1",
        "tlsClientAuth.certVerified": "SUCCESS",
        "tlsVersion": "TLSv1.3",
    },
)
REQUEST.received, REQUEST.load_balancer = 1_484_063_137.857, "lb.example.com"
NOBODY = facts(url="http://a.example.com/")


@pytest.mark.parametrize(
    "text",
    [
        'http.cookie contains "session=8521F"',
        'http.host eq "www.example.org"',
        'http.referer eq "https://developer.example.org/"',
        'http.request.cookies["background"][0] eq "light"',
        'any(http.request.cookies["app"][*] == "test")',
        'http.request.full_uri wildcard "https://www.example.org/articles/*"',
        'http.request.headers["accept"][0] eq "application/json"',
        'http.request.method eq "POST"',
        "http.request.timestamp.sec eq 1484063137",
        "http.request.timestamp.msec eq 857",
        'http.request.uri eq "/articles/Index.HTML?section=5&expand=a+b&expand=c%20d&flag"',
        'http.request.uri.args["expand"][1] eq "c%20d"',
        'http.request.uri.args.names[3] eq "flag" and http.request.uri.args.values[3] eq ""',
        'http.request.uri.path eq "/articles/Index.HTML"',
        'http.request.uri.path.extension eq "html"',
        'http.request.uri.query eq "section=5&expand=a+b&expand=c%20d&flag"',
        'http.request.version eq "HTTP/2"',
        'http.user_agent eq "Mozilla/5.0"',
        'http.request.accepted_languages[1] eq "en" and len(http.request.accepted_languages) == 4',
        'any(http.request.headers.names[*] == "accept")',
        'any(http.request.headers.values[*] contains "MTIz")',
        "ip.src eq 198.51.100.7",
        'ip.src.country eq "DE" and ip.geoip.country eq "DE"',
        'ip.src.continent eq "EU" and ip.src.is_in_european_union',
        "ip.src.asnum eq 64500 and ip.geoip.asnum eq 64500",
        'ip.src.city eq "Berlin" and ip.src.lat eq "52.5"',
        'ip.src.subdivision_1_iso_code eq "DE-BE" and ip.src.region_code eq "BE"',
        'cf.load_balancer.name eq "lb.example.com"',
        'cf.load_balancer.region eq "WEU"',
        'cf.ray_id eq "230b030023ae2822"',
        "cf.edge.server_port eq 8443",
        'cf.tls_version eq "TLSv1.3"',
        "cf.tls_client_auth.cert_verified and cf.tls_client_auth.cert_presented",
        "cf.bot_management.score lt 50",
        "ssl",
        'raw.http.request.uri.path eq "/articles/Index.HTML"',
    ],
)
def test_a_field_is_what_the_request_says(text: str) -> None:
    """Cloudflare, fields: always, proxied; and those of the rules language that a Worker knows."""
    assert met(text, REQUEST)
    assert not met(f"not ({text})", REQUEST)


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_can_be_read_of_a_request_that_says_nothing(name: str) -> None:
    """Every field is documented, and is empty or missing in a request without its value."""
    field = FIELDS[name]

    assert field.get(NOBODY) in ("", None, False, [], {}, 0) or name in {
        *("http.host", "http.request.method", "cf.edge.server_port"),
        *(f"{raw}http.request.{part}" for raw in ("", "raw.") for part in ("full_uri", "uri")),
        *(f"{raw}http.request.uri.path" for raw in ("", "raw.")),
    }
    assert field.doc.endswith(".")


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/%68ello//pa\\th", "/hello/pa/th"),
        ("/%61dmin", "/admin"),
        ("//admin", "/admin"),
        ("/a/./b/../c", "/a/c"),
        ("/a/%2e%2E/b", "/b"),
        ("/../..", "/"),
        ("/a/..", "/"),
        ("/a/b/.", "/a/b/"),
        ("/a%2fb%zz", "/a%2Fb%zz"),
        ("/.well-known/x", "/.well-known/x"),
    ],
)
def test_a_path_is_normal_before_rules_see_it(path: str, seen: str) -> None:
    """Cloudflare, URL normalization: rules see normalized paths, so no spelling evades them."""
    asked = facts(url=f"https://a.example.com{path}")
    escaped = seen.replace("\\", "\\\\")

    assert met(f'http.request.uri.path eq "{escaped}"', asked)
    assert met(f'raw.http.request.uri.path eq r"{path}"', asked)


@pytest.mark.parametrize(
    ("path", "extension"),
    [
        ("/foo", ""),
        ("/foo.mp3", "mp3"),
        ("/.mp3", ""),
        ("/.foo.mp3", "mp3"),
        ("/foo.tar.bz2", "bz2"),
        ("/foo.", ""),
        ("/foo.MP3", "mp3"),
    ],
)
def test_an_extension_is_what_cloudflares_table_says(path: str, extension: str) -> None:
    """Cloudflare, http.request.uri.path.extension: the examples of its documentation."""
    asked = facts(url=f"https://a.example.com{path}")

    assert met(f'http.request.uri.path.extension eq "{extension}"', asked)


@pytest.mark.parametrize(
    ("english", "like_c"),
    [
        ('http.host eq "a"', 'http.host == "a"'),
        ('http.host ne "a"', 'http.host != "a"'),
        ("ip.src.asnum lt 5", "ip.src.asnum < 5"),
        ("ip.src.asnum le 5", "ip.src.asnum <= 5"),
        ("ip.src.asnum gt 5", "ip.src.asnum > 5"),
        ("ip.src.asnum ge 5", "ip.src.asnum >= 5"),
        ('http.host matches "^w"', 'http.host ~ "^w"'),
        ("not ssl", "!ssl"),
        ("ssl and not ssl", "ssl&&!ssl"),
        ("ssl xor ssl", "ssl ^^ ssl"),
        ("ssl or ssl", "ssl||ssl"),
    ],
)
def test_both_notations_mean_the_same(english: str, like_c: str) -> None:
    """Cloudflare: `eq ==, ne !=, lt <, ...`, `not !, and &&, xor ^^, or ||`."""
    for asked in (REQUEST, NOBODY):
        assert met(english, asked) is met(like_c, asked)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ssl or ssl and !ssl", True),
        ("(ssl or ssl) and !ssl", False),
        ("ssl or ssl xor ssl", True),
        ("ssl xor ssl and !ssl", True),
        ("not ssl or ssl", True),
        ("not (ssl or ssl)", False),
        ("not not ssl", True),
        ("not !not ssl", False),
        ('not http.host eq "x" and ssl', True),
        ("ssl xor ssl xor ssl", True),
    ],
)
def test_operators_bind_as_cloudflare_says(text: str, *, expected: bool) -> None:
    """Cloudflare: logic, high to low: not, and, xor, or; parentheses."""
    assert met(text, REQUEST) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('http.host in {"a" "www.example.org"}', True),
        ('http.host in {"a" "b"}', False),
        ("ip.src.asnum in {1..5 64500}", True),
        ("ip.src.asnum in {1..5 64000..64499}", False),
        ("ip.src.asnum in {-5..64500}", True),
        ("ip.src in {198.51.100.1 198.51.100.3..198.51.100.7 192.0.2.0/24 2001:db8::/32}", True),
        ("ip.src in {198.51.100.3..198.51.100.6}", False),
        ("ip.src in {198.51.100.99/24}", True),
        ("ip.src in {::/0}", False),
        ("ip.src in {0.0.0.0/0}", True),
        ("ip.src ne 198.51.100.8", True),
        ('http.host < "x"', True),
        ('http.host contains "EXAMPLE"', False),
        ('lower(http.request.uri.path) contains "/index"', True),
        ('http.request.uri.path wildcard "/ARTICLES/*"', True),
        ('http.request.uri.path strict wildcard "/ARTICLES/*"', False),
        ('http.request.uri.path strict wildcard "/articles/*.HTML"', True),
        ('http.request.uri.path wildcard "articles/*"', False),
        (r'http.request.uri.path wildcard r"*\**"', False),
        ('http.request.uri.path wildcard "*"', True),
        ('http.request.uri.path wildcard "/articles/index.html"', True),
        ('http.request.uri.path wildcard "*/*/*"', True),
        ('http.request.uri.path wildcard "/articles/I*I*"', False),
        (r'http.request.uri.path matches "^/articles/[A-Z]\w+\.HTML$"', True),
        (r'http.request.uri.path ~ r"\.(php|aspx)$"', False),
    ],
)
def test_comparisons_compare(text: str, *, expected: bool) -> None:
    """Cloudflare: `in {...} (values, ranges, CIDR)`, contains, matches, wildcard."""
    assert met(text, REQUEST) is expected


@pytest.mark.parametrize(
    ("network", "address", "inside"),
    [
        ("2001:db8::/32", "2001:db8:ffff::1", True),
        ("2001:db8::/32", "2001:db9::1", False),
        ("2001:0DB8:0:0::/64", "2001:db8::1", True),
        ("fe80::1..fe80::9", "fe80::5", True),
        ("fe80::1..fe80::9", "fe80::a", False),
        ("::1", "0:0:0:0:0:0:0:1", True),
        ("10.0.0.0/8", "2001:db8::1", False),
        ("10.0.0.0/8", "10.255.255.255", True),
    ],
)
def test_ipv6_is_compared_like_ipv4(network: str, address: str, *, inside: bool) -> None:
    """Cloudflare, inline lists: addresses, explicit ranges and CIDR ranges of either family."""
    asked = facts(cf_connecting_ip=address)

    assert met(f"ip.src in {{{network}}}", asked) is inside


def test_strings_are_written_in_two_ways() -> None:
    """Cloudflare, values: quoted with escapes, or raw; a quoted pattern keeps its escapes."""
    asked = facts(url="https://a.example.com/", x='a"#b\\.é')

    for written in (r'"a\"#b\\.é"', 'r##"a"#b\\.é"##', r'"a\x22#b\134.\xc3\xa9"'):
        assert met(f'http.request.headers["x"][0] eq {written}', asked)
    for pattern in (r'"a\"#b\\\."', r'r##"a"#b\\\."##', r'"[a-z\"]+#"', r'"b["\\\\]\."'):
        assert met(f'http.request.headers["x"][0] matches {pattern}', asked), pattern


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('any(http.request.headers["accept"][*] == "application/json")', True),
        ('any(http.request.headers["accept"][*] == "text/plain")', False),
        ('any(lower(http.request.uri.args["expand"][*])[*] contains "c%20")', True),
        ('any(url_decode(http.request.uri.args["expand"][*])[*] == "c d")', True),
        ('any(starts_with(http.request.uri.args["expand"][*], "c"))', True),
        ('all(len(http.request.uri.args["expand"][*])[*] in {3 5})', True),
        ('all(not len(http.request.uri.args["expand"][*])[*] in {3 5})', False),
        ('len(http.request.uri.args["expand"]) == 2', True),
        ('len(http.request.uri.args["none"]) >= 0', False),
        ('any(http.request.uri.args[*][0] == "5")', True),
        ('any(http.request.uri.args[*][*] == "c%20d")', True),
        (
            'any(http.request.uri.args.names[*] == "x" or http.request.uri.args.values[*] == "5")',
            True,
        ),
        ('all(http.request.uri.args["none"][*] == "x")', True),
        ('any(http.request.uri.args["none"][*] == "x")', False),
        ('has_key(http.request.uri.args, "flag")', True),
        ('has_key(http.request.headers, "x-none")', False),
        ('has_value(http.request.uri.args, "5")', True),
        ('has_value(http.request.uri.args.names, "5")', False),
    ],
)
def test_arrays_and_maps_are_unpacked(text: str, *, expected: bool) -> None:
    """Cloudflare, values: `[0]`, `["key"]`, and `[*]` inside of a function."""
    assert met(text, REQUEST) is expected


@pytest.mark.parametrize(
    "text",
    [
        'upper(http.host) eq "WWW.EXAMPLE.ORG"',
        'starts_with(http.request.uri.path, "/articles")',
        'ends_with(http.request.uri.path, ".HTML")',
        "len(http.host) eq 15",
        'concat("a", http.request.method, "-", 5) eq "aPOST-5"',
        'concat("/", http.request.headers["none"][0], http.host) eq "/www.example.org"',
        'url_decode("John%20Doe+x%E4%BD%A0") eq "John Doe x你"',
        'url_decode("%2520", "r") eq " " and url_decode("%u2601", "u") eq "☁"',
        'substring(http.host, 0, 3) eq "www" and substring(http.host, -3) eq "org"',
        'to_string(ip.src.asnum) eq "64500" and to_string(ssl) eq "true"',
        'to_string(ip.src) eq "198.51.100.7"',
        'to_string(cidr(ip.src, 24, 24)) eq "198.51.100.0"',
        'split(http.request.headers["x-list"][0], ",", 64)[2] eq "electronics"',
        'split(http.request.headers["x-list"][0], ",", 2)[1] eq ",electronics"',
        'join(http.request.uri.args.names, "+") eq "section+expand+expand+flag"',
        r'remove_bytes(http.host, "\x2e\x77") eq "exampleorg"',
        'remove_query_args(http.request.uri.query, "expand", "flag") eq "section=5"',
        'decode_base64(http.request.headers["x-base64"][0]) eq "123abc"',
        'lookup_json_string(http.request.headers["x-json"][0], "company") == "cloudflare"',
        'lookup_json_integer(http.request.headers["x-json"][0], "ids", 1, "deep") == 7',
        'not lookup_json_integer(http.request.headers["x-json"][0], "half") >= 0',
        'not lookup_json_integer(http.request.headers["x-json"][0], "yes") >= 0',
    ],
)
def test_functions_do_what_cloudflares_examples_show(text: str) -> None:
    """Cloudflare, functions: `any, all, lower, starts_with, ends_with, ...` of the language."""
    assert met(text, REQUEST)


def test_networks_of_ipv6_are_cut_as_in_cloudflares_examples() -> None:
    """`cidr6(ip.src, 24)` of 2001:0000:130F:... is 2001::, and leaves IPv4 unchanged."""
    asked = facts(cf_connecting_ip="2001:0000:130F:0000:0000:09C0:876A:130B")

    assert met("cidr6(ip.src, 24) eq 2001::", asked)
    assert met("cidr6(ip.src, 24) eq 198.51.100.7", REQUEST)


@pytest.mark.parametrize(
    "text",
    [
        'http.request.headers["none"][0] eq ""',
        'http.request.headers["none"][0] ne "x"',
        'http.request.headers["accept"][1] ne "x"',
        'http.request.headers["none"][0] contains ""',
        'http.request.headers["none"][0] in {"" "x"}',
        'http.request.headers["none"][0] matches ""',
        'http.request.headers["none"][0] wildcard "*"',
        'http.request.uri.args["none"][0] < "z"',
        'lower(http.request.headers["none"][0]) ne "x"',
        'starts_with(http.request.headers["none"][0], "")',
        "cf.bot_management.score ge 0",
        "ip.src ne 198.51.100.8",
        "ip.src.asnum ne 5",
    ],
)
def test_a_comparison_with_a_missing_value_is_false(text: str) -> None:
    """Cloudflare, values, missing values: "will evaluate to false", `ne` too."""
    assert not met(text, NOBODY)
    assert met(f"not ({text})", NOBODY)


def test_a_standard_field_without_a_value_is_empty_and_not_missing() -> None:
    """A standard field without a value is empty, so `http.user_agent eq ""` finds its absence."""
    for name in ("http.cookie", "http.referer", "http.user_agent", "ip.src.country"):
        assert met(f'{name} eq "" and {name} ne "x"', NOBODY)


def test_an_empty_condition_is_always_met() -> None:
    """Cloudflare: `condition` string (empty = always)."""
    assert met("", NOBODY)
    assert met(" \n", NOBODY)


def test_what_decides_is_asked_and_nothing_else() -> None:
    """A header is read only if it decides a condition, and at most once."""
    asked: list[str] = []

    def header(name: str) -> str:
        asked.append(name)
        return "x"

    def whole() -> Any:
        raise AssertionError("all headers were read")

    lazy = RequestFacts("GET", "https://a.example.com/", header, headers=whole)

    assert met('ssl or http.request.headers["a"][0] eq "x"', lazy)
    assert not met('not ssl and http.request.headers["a"][0] eq "x"', lazy)
    assert asked == []
    text = 'http.request.headers["b"][0] eq "y" or has_key(http.request.headers, "b")'
    assert met(f'{text} and http.request.headers["b"][0] eq "x"', lazy)
    assert asked == ["b"]


def test_json_that_is_nested_to_do_harm_is_missing() -> None:
    """JSON with ten thousand nested brackets in a header is a missing value."""
    asked = facts(x="[" * 10_000)

    assert not met('lookup_json_string(http.request.headers["x"][0], 0) eq "a"', asked)
