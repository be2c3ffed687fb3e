"""The origin's own name in the headers of its answers, and the public name in its place."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.model import HeaderEdits
from lb.proxy.forwarding import Forwarding
from lb.proxy.own_name import DEFAULT_PORTS, REWRITES, OwnName, without_own_domain
from support.make import balancer_of, facts, origin, pool

PUBLIC = "service.example.com"
ASKED = facts()
NOTHING = dict.fromkeys(REWRITES, "")


def own(
    url: str = "https://a.example.com", *, renames: bool = True, drops: bool = False
) -> OwnName:
    """The name of an origin at this URL."""
    return OwnName(origin("a", url=url), renames=renames, drops_access=drops)


def renamed(name: str, value: str, at: str = "https://a.example.com") -> str:
    """A header of the answer, as the client of https://service.example.com gets it."""
    return dict(own(at).headers({**NOTHING, name: value}, ASKED)).get(name, value)


@pytest.mark.parametrize(
    ("at", "location", "expected"),
    [
        ("https://a.test", "https://a.test/x?y#z", "https://service.example.com/x?y#z"),
        ("https://a.test", "https://a.test", "https://service.example.com"),
        ("https://a.test", "https://a.test?y", "https://service.example.com?y"),
        ("https://a.test", "https://a.test#z", "https://service.example.com#z"),
        # An origin behind a tunnel takes itself for http.
        ("https://a.test", "http://a.test/x", "https://service.example.com/x"),
        ("https://a.test", "http://a.test:80/x", "https://service.example.com/x"),
        ("https://a.test", "http://a.test:443/x", "https://service.example.com/x"),
        ("https://a.test", "https://a.test:443/x", "https://service.example.com/x"),
        ("https://a.test", "https://a.test:/x", "https://service.example.com/x"),
        ("https://a.test:443", "https://a.test/x", "https://service.example.com/x"),
        ("http://a.test", "https://a.test/x", "https://service.example.com/x"),
        ("http://a.test:80", "http://a.test/x", "https://service.example.com/x"),
        ("https://a.test", "//a.test/x", "//service.example.com/x"),
        ("https://a.test", "//a.test:443/x", "//service.example.com/x"),
        ("https://a.test", "HTTPS://A.Test/X", "https://service.example.com/X"),
        ("https://a.test:8443", "https://a.test:8443/x", "https://service.example.com/x"),
        ("https://a.test:8443", "http://a.test:8443/x", "https://service.example.com/x"),
        ("http://[2001:db8::1]:81", "http://[2001:DB8::1]:81/x", "https://service.example.com/x"),
        ("http://[2001:db8::1]", "http://[2001:db8::1]/x", "https://service.example.com/x"),
    ],
)
def test_the_origins_authority_becomes_the_public_one(
    at: str, location: str, expected: str
) -> None:
    """Scheme, case and default ports do not count; path, query and fragment stay."""
    assert renamed("location", location, at) == expected
    assert renamed("content-location", location, at) == expected


@pytest.mark.parametrize(
    ("at", "location"),
    [
        ("https://a.test", "/a.test/"),
        ("https://a.test", "a.test"),
        ("https://a.test", "x//a.test/"),
        ("https://a.test", "ftp://a.test/"),
        ("https://a.test", "https:/a.test/"),
        ("https://a.test", "https:a.test/"),
        ("https://a.test", "javascript://a.test/%0aalert(1)"),
        ("https://a.test", "https://b.a.test/"),
        ("https://a.test", "https://a.test.evil.test/"),
        ("https://a.test", "https://a.test@evil.test/"),
        ("https://a.test", "https://user@a.test/"),
        ("https://a.test", "https://a.test\\@evil.test/"),
        ("https://a.test", "https://a.test./"),
        ("https://a.test", "https://evil.test/?https://a.test/"),
        ("https://a.test", "https://a.test:8443/"),
        ("https://a.test", "https://a.test:80/"),
        ("https://a.test:8443", "https://a.test/"),
        ("https://a.test:8443", "//a.test/"),
        ("http://a.test:8080", "http://a.test:80/"),
        ("https://a.test", "https:///a.test/"),
        ("https://a.test", " https://a.test /"),
    ],
)
def test_any_other_location_stays(at: str, location: str) -> None:
    """Another authority, even if it has the origin's in it, and a path are left alone."""
    assert renamed("location", location, at) == location


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0; url=http://a.example.com/x", "0; url=https://service.example.com/x"),
        ("0;URL='http://a.example.com/x' y", "0;URL='https://service.example.com/x' y"),
        ('3.5 , Url = "//a.example.com"', '3.5 , Url = "//service.example.com"'),
        ("1; http://a.example.com/", "1; https://service.example.com/"),
        ("1 url=http://a.example.com/", "1 url=https://service.example.com/"),
        ("0; url='http://a.example.com/x", "0; url='https://service.example.com/x"),
        ("0; url=/a.example.com/", "0; url=/a.example.com/"),
        ("5", "5"),
        ("0; x=http://a.example.com/", "0; x=http://a.example.com/"),
    ],
)
def test_the_url_of_a_refresh_is_renamed(value: str, expected: str) -> None:
    """In each form that browsers read."""
    assert renamed("refresh", value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            '<http://a.example.com/1>; rel="next", </2>; rel=x,<//a.example.com>',
            '<https://service.example.com/1>; rel="next", </2>; rel=x,<//service.example.com>',
        ),
        (
            '</1>; title="see <http://a.example.com/> \\" <http://a.example.com/>", <http://a.example.com>',
            '</1>; title="see <http://a.example.com/> \\" <http://a.example.com/>", <https://service.example.com>',
        ),
        ("<http://a.example.com/1", "<https://service.example.com/1"),
        ('</1>; title="http://a.example.com <http://a.example.com/', None),
        ("http://a.example.com/", None),
        ("<https://else.test/http://a.example.com/>", None),
    ],
)
def test_the_targets_of_links_are_renamed(value: str, expected: str | None) -> None:
    """Several in one header; not what stands in quoted parameters."""
    assert renamed("link", value) == (value if expected is None else expected)


@pytest.mark.parametrize("value", ["<" * 60_000, '"\\' * 60_000, '<"' * 60_000, " ;" * 60_000])
def test_a_hostile_origin_takes_no_time(value: str) -> None:
    """No value takes quadratic time."""
    began = time.perf_counter()
    for name in REWRITES:
        renamed(name, f"{value}a.example.com")
    assert time.perf_counter() - began < 1.0


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        ("a=1; Domain=a.test; Path=/; Secure", "a=1; Path=/; Secure"),
        ("a=1;domain = .A.Test ;Path=/", "a=1;Path=/"),
        ("a=1; Path=/; DOMAIN=a.test", "a=1; Path=/"),
        ("a=1; Domain=a.test; Domain=test", "a=1; Domain=test"),
        ("a=1; Domain=test", None),
        ("a=1; Domain=b.a.test", None),
        ("a=1; Domain=a.test.", None),
        ("a=1; Domain=..a.test", None),
        ("a=1; Domain", None),
        ("domain=a.test; Path=/", None),
        ("a=a.test; Path=/a.test; X=domain=a.test", None),
        ("", None),
    ],
)
def test_a_domain_of_the_origins_host_is_dropped(cookie: str, expected: str | None) -> None:
    """Any other Domain stays, and every other attribute."""
    assert without_own_domain(cookie, "a.test") == (cookie if expected is None else expected)


def test_cookies_stay_separate_and_in_order() -> None:
    """One changed cookie leaves the others as they are; without a change there is nothing to do."""
    given = ["a=1; Domain=a.example.com", "b=2, c=3", "d=4; domain=example.com"]
    assert own().cookies(given) == ["a=1", "b=2, c=3", "d=4; domain=example.com"]
    assert own().cookies(given[1:]) is None
    assert own(renames=False).cookies(given) is None


@pytest.mark.parametrize(
    ("cookie", "dropped"),
    [
        ("CF_Authorization=jwt; Path=/", True),
        ("CF_AppSession=n1", True),
        # An application that logs its user out of Access.
        ("CF_Authorization=; Max-Age=0", False),
        ("CF_Authorization", False),
        ("cf_authorization=1", False),
        ("x=CF_Authorization=1", False),
    ],
)
def test_cookies_of_access_are_dropped_with_a_service_token(cookie: str, dropped: bool) -> None:
    """A cookie for the origin's hostname never reaches a client; without a token, all pass."""
    mine = own(drops=True, renames=False)
    assert mine.may_change_cookies(cookie) is ("CF_Auth" in cookie or "CF_App" in cookie)
    assert mine.cookies([cookie, "a=1"]) == (["a=1"] if dropped else None)
    assert own().cookies([cookie]) is None


def test_what_a_load_balancer_says() -> None:
    """proxy_redirect decides on names, and a service token on the cookies of Access."""
    there = pool("p", "a")
    token = HeaderEdits(set=(("cf-Access-client-ID", "id"),))
    given = ["a=1; Domain=a.example.com", "CF_Authorization=1"]

    def cookies(**fields: Any) -> list[str] | None:
        made = Forwarding(balancer_of(there, **fields), "id")
        return made.own_name(there.origins[0]).cookies(given) if made.renames else None

    assert cookies() == ["a=1", "CF_Authorization=1"]
    assert cookies(proxy_redirect=False) is None
    assert cookies(request_headers=token) == ["a=1"]
    assert cookies(request_headers=token, proxy_redirect=False) == ["a=1; Domain=a.example.com"]


AUTHORITIES = st.sampled_from(
    [
        "a.example.com",
        "A.example.com:443",
        "b.example.com",
        "",
        "x@a.example.com",
        "a.example.com:1",
    ]
)
TEXTS = st.text(st.sampled_from("/?#:@<>\"'\\;,= \tahtps.urldomain0é"), max_size=12)


# Port 80 of http is not among the inputs.
OWN = re.compile(
    r"(?:(https?:)//a\.example\.com(?::(?:443)?)?|//a\.example\.com(?::(?:443)?)?)(?=[/?#]|\Z)",
    re.IGNORECASE,
)


@given(st.lists(st.one_of(AUTHORITIES, TEXTS, st.sampled_from(["//", "https://", "http://"]))))
def test_a_location_changes_at_its_start_or_not_at_all(parts: list[str]) -> None:
    """The rest of the value stays, byte for byte."""
    value = "".join(parts)
    found = OWN.match(value)
    start = "" if found is None else f"{'https:' if found[1] else ''}//{PUBLIC}"
    assert renamed("location", value) == start + value[found.end() if found else 0 :]


@given(st.sampled_from(list(REWRITES)), st.lists(st.one_of(AUTHORITIES, TEXTS, st.just("//"))))
def test_nothing_else_changes(name: str, parts: list[str]) -> None:
    """Without the public names, what is left is in the value, in its order."""
    value = "".join(parts)
    new = renamed(name, value)
    for scheme in (*DEFAULT_PORTS, ""):
        new = new.replace(f"{scheme}//{PUBLIC}", "//")
    left = iter(value)
    assert all(char in left for char in new)


ATTRIBUTES = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0;")).filter(
        lambda text: "domain" not in text.lower()
    )
)


@given(ATTRIBUTES, ATTRIBUTES, st.sampled_from([" Domain=a.example.com", "domain=.A.example.com "]))
def test_of_a_cookie_only_its_domain_goes(before: list[str], after: list[str], own: str) -> None:
    """All other attributes stay, byte for byte."""
    cookie = ";".join(["a=1", *before, own, *after])
    assert without_own_domain(cookie, "a.example.com") == ";".join(["a=1", *before, *after])
