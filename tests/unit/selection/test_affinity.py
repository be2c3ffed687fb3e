"""Session cookies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lb.model import SameSite, Secure, SessionAffinity, SessionAffinityAttributes
from lb.selection.affinity import KINDS, TOKEN_LENGTH, CookieAffinity, affinity_of
from support.make import balancer_of, facts, pool

POOL = pool("p", "a", "b")
LB = balancer_of(POOL, session_affinity=SessionAffinity.COOKIE, session_affinity_ttl=3600)
A, B = POOL.origins
KEYED = CookieAffinity(LB, "a secret that nobody knows")


def pair(affinity: CookieAffinity, which: int = 0) -> str:
    """Return `name=value` of an origin's cookie."""
    return affinity.cookie(POOL.origins[which], https=False).partition(";")[0]


def test_a_cookie_brings_the_client_back() -> None:
    """A cookie is found alone, among others, quoted, and without spaces."""
    own = pair(KEYED)
    name, _, value = own.partition("=")

    for header in (own, f"x=1; {own}", f"x=1;{own};y=2", f'{name}="{value}"', f"x{own}; {own}"):
        assert KEYED.pinned(facts(cookie=header)) is A


@pytest.mark.parametrize("joint", ["; ", ";", ", ", ","])
def test_two_cookie_lines_keep_the_pin(joint: str) -> None:
    """A pin in the first of two Cookie lines was lost where the lines are joined by a comma.

    HTTP/2 clients may split the header (RFC 9113, 8.2.3), and not every proxy joins it by `; `.
    """
    name, _, value = pair(KEYED).partition("=")

    assert KEYED.pinned(facts(cookie=f"{name}={value}{joint}a=1")) is A
    assert KEYED.pinned(facts(cookie=f'{name}="{value}"{joint}a=1')) is A
    assert KEYED.pinned(facts(cookie=f"a=1{joint}{name}={value}")) is A
    assert KEYED.pinned(facts(cookie=f"a=1{joint}{name}={value}{joint}b=2")) is A


def test_the_first_cookie_of_ours_that_is_known_counts() -> None:
    """A stale cookie of another path does not hide a valid one."""
    header = f"__evenkeel={'0' * TOKEN_LENGTH}; {pair(KEYED, 1)}; {pair(KEYED)}"

    assert KEYED.pinned(facts(cookie=header)) is B


@pytest.mark.parametrize(
    "header",
    [
        "",
        "__evenkeel",
        "__evenkeel=",
        f"__evenkeel={'0' * TOKEN_LENGTH}",
        pair(KEYED)[:-1],
        pair(KEYED) + "0",
        "x" + pair(KEYED),
        pair(KEYED).upper(),
        "__evenkeel=" + "9" * 15_000,
        "__evenkeel=;" * 5_000,
    ],
)
def test_an_unknown_torn_or_huge_cookie_is_ignored(header: str) -> None:
    """An invalid cookie pins to nothing, and costs no more than a look-up."""
    assert KEYED.pinned(facts(cookie=header)) is None


@given(st.text())
def test_any_cookie_header_can_be_read(header: str) -> None:
    """No Cookie header raises, or pins by accident."""
    assert KEYED.pinned(facts(cookie=header)) is None


def test_a_value_tells_nothing_and_needs_the_key() -> None:
    """A value contains no name or address; another key or load balancer has another value."""
    other_name = balancer_of(
        POOL, name="other.example.com", session_affinity=SessionAffinity.COOKIE
    )
    values = {
        pair(KEYED),
        pair(KEYED, 1),
        pair(CookieAffinity(LB, "another secret")),
        pair(CookieAffinity(LB, "")),
        pair(CookieAffinity(other_name, "a secret that nobody knows")),
    }

    assert len(values) == 5
    assert all(set(value.partition("=")[2]) <= set("0123456789abcdef") for value in values)


def test_a_value_outlives_a_restart() -> None:
    """The same configuration and key make the same cookie in every isolate."""
    assert pair(CookieAffinity(LB, "a secret that nobody knows")) == pair(KEYED)


@pytest.mark.parametrize(
    ("secure", "samesite", "https", "end"),
    [
        (Secure.AUTO, SameSite.AUTO, True, "HttpOnly; Secure; SameSite=None"),
        (Secure.AUTO, SameSite.AUTO, False, "HttpOnly; SameSite=Lax"),
        (Secure.ALWAYS, SameSite.AUTO, False, "HttpOnly; Secure; SameSite=None"),
        (Secure.NEVER, SameSite.AUTO, True, "HttpOnly; SameSite=Lax"),
        (Secure.AUTO, SameSite.STRICT, True, "HttpOnly; Secure; SameSite=Strict"),
        (Secure.NEVER, SameSite.LAX, True, "HttpOnly; SameSite=Lax"),
        (Secure.ALWAYS, SameSite.NONE, True, "HttpOnly; Secure; SameSite=None"),
    ],
)
def test_secure_and_samesite_follow_the_configuration(
    secure: Secure, samesite: SameSite, https: bool, end: str
) -> None:
    """Auto is Secure over HTTPS, and SameSite=None exactly if Secure."""
    attributes = SessionAffinityAttributes(secure=secure, samesite=samesite)
    lb = balancer_of(
        POOL,
        session_affinity=SessionAffinity.IP_COOKIE,
        session_affinity_ttl=90,
        session_affinity_attributes=attributes,
        cookie_name="sid",
    )

    cookie = CookieAffinity(lb, "").cookie(A, https=https)

    assert cookie.startswith("sid=")
    assert cookie.partition("; ")[2] == f"Path=/; Max-Age=90; {end}"


def test_every_kind_is_in_the_table() -> None:
    """`none` reads and sets no cookie, and `header` sets none."""
    attributes = SessionAffinityAttributes(headers=("x-user",))
    kinds = {
        kind: affinity_of(
            balancer_of(POOL, session_affinity=kind, session_affinity_attributes=attributes), ""
        )
        for kind in SessionAffinity
    }

    assert set(KINDS) == set(SessionAffinity)
    assert kinds[SessionAffinity.NONE] is None
    assert {kind for kind, one in kinds.items() if one and one.cookie(A, https=True)} == {
        SessionAffinity.COOKIE,
        SessionAffinity.IP_COOKIE,
    }
