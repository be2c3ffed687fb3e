"""The cookie of the status page's session: its content, its signature and its attributes."""

from __future__ import annotations

import base64
import json

import pytest

from lb.admin.auth.sessions import COOKIE, Session, Sessions, cookie, csrf_fits
from lb.admin.auth.signed_in import Operator, Role, SignIn

NOW = 1_800_000_000.0
SESSIONS = Sessions(b"k" * 32)
MINE = Session(role=Role.READ, author="ann@example.com", until=int(NOW) + 100, id="x")
VALUE = SESSIONS.value(MINE)


def who(header: str, now: float = NOW, sessions: Sessions = SESSIONS) -> Operator | None:
    """Return the operator of a Cookie header."""
    return sessions.operator(header, now)


def test_a_session_names_its_operator_until_it_expires() -> None:
    """It expires to the second."""
    found = who(f"a=b; {COOKIE}={VALUE}; c=d")
    assert found is not None
    assert (found.role, found.author, found.sign_in) == (
        Role.READ,
        "ann@example.com",
        SignIn.SESSION,
    )
    assert found.until == NOW + 100
    assert who(f"{COOKIE}={VALUE}", NOW + 99.9) is not None
    assert who(f"{COOKIE}={VALUE}", NOW + 100) is None


def test_the_first_of_a_few_that_is_good_counts() -> None:
    """An old cookie of another path may be first; hundreds are ignored."""
    assert who(f"{COOKIE}=old; {COOKIE}={VALUE}") is not None
    assert who(f"{COOKIE}=old; " * 100 + f"{COOKIE}={VALUE}") is None


@pytest.mark.parametrize("joint", ["; ", ";", ", ", ","])
def test_two_cookie_lines_keep_the_session(joint: str) -> None:
    """A session in the first of two Cookie lines was over where they are joined by a comma."""
    assert who(f"{COOKIE}={VALUE}{joint}a=1") is not None
    assert who(f"a=1{joint}{COOKIE}={VALUE}") is not None


def test_another_key_makes_it_worthless() -> None:
    """A changed token changes the key."""
    assert who(f"{COOKIE}={VALUE}", sessions=Sessions(b"K" * 32)) is None


def forged(**changed: object) -> str:
    """Return the cookie with other content and the old signature."""
    text, _, mac = VALUE.partition(".")
    said = dict(zip(("role", "author", "until", "id"), json.loads(_decoded(text)), strict=True))
    said.update(changed)
    other = base64.urlsafe_b64encode(json.dumps(list(said.values())).encode()).decode()
    return f"{other.rstrip('=')}.{mac}"


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize(
    "value",
    [
        forged(role="admin"),
        forged(until=NOW * 2),
        forged(author="root"),
        VALUE + "x",
        VALUE[:-1],
        VALUE.upper(),
        VALUE.partition(".")[0],
        VALUE.partition(".")[0] + ".",
        "." + VALUE.partition(".")[2],
        SESSIONS.csrf_of(VALUE),
        "",
        ".",
        "\ud800.\xff",
        "x" * 100_000,
        f'"{VALUE}"',
    ],
)
def test_a_forged_one_is_ignored(value: str) -> None:
    """One wrong part is enough."""
    assert who(f"{COOKIE}={value}") is None
    assert who(f"{COOKIE.upper()}={VALUE}") is None
    assert who(f"x{COOKIE}={VALUE}") is None


@pytest.mark.parametrize(
    "said", ["{}", "[1]", '["root","a",1,"x"]', '["admin","a","x","x"]', "\xff"]
)
def test_a_session_of_another_release_is_ignored(said: str) -> None:
    """Signed content that this release cannot read is no session."""
    text = base64.urlsafe_b64encode(said.encode()).rstrip(b"=").decode()
    assert who(f"{COOKIE}={text}.{SESSIONS._mac('session', text)}") is None


def test_each_session_has_a_csrf_token_of_its_own() -> None:
    """It is not a session, and fits no other one."""
    other = SESSIONS.value(
        Session(role=Role.READ, author="ann@example.com", until=MINE.until, id="y")
    )
    mine, theirs = who(f"{COOKIE}={VALUE}"), who(f"{COOKIE}={other}")
    assert mine is not None
    assert theirs is not None
    assert csrf_fits(mine, mine.csrf)
    for wrong in ("", theirs.csrf, mine.csrf + "x", mine.csrf.lower(), "\ud800", VALUE):
        assert not csrf_fits(mine, wrong)
    by_token = Operator(role=Role.ADMIN, sign_in=SignIn.TOKEN, author="a")
    assert not csrf_fits(by_token, "")


def test_the_cookie_is_for_the_admin_path_and_no_script() -> None:
    """It is for https, except on a developer's own machine."""
    assert cookie("v", "/ops", secure=True) == (
        f"{COOKIE}=v; Path=/ops; Max-Age=43200; HttpOnly; SameSite=Strict; Secure"
    )
    assert cookie("", "/ops", secure=False) == (
        f"{COOKIE}=; Path=/ops; Max-Age=0; HttpOnly; SameSite=Strict"
    )
