"""Login to and logout from the status page."""

from __future__ import annotations

import pytest

from lb.admin.auth.gate import Denial, Gate
from lb.admin.auth.logins import description, login, logout, with_cookie
from lb.admin.auth.sessions import COOKIE, LASTS
from lb.admin.auth.signed_in import Operator, Role
from lb.admin.calls import Refusal
from support.gate import (
    ADMIN,
    NOW,
    OWN,
    READ,
    admitted,
    denied,
    facts,
    named,
    new_gate,
    session_of,
)

JSON = {"content-type": "application/json; charset=utf-8"}


@pytest.fixture
def gate() -> Gate:
    """Return the gate of a new isolate."""
    return new_gate()


def begin(gate: Gate, body: str | Refusal = "", **headers: str) -> Operator | Denial:
    """Send POST to the session."""
    request = facts(
        "POST", {**JSON, **{name.replace("_", "-"): it for name, it in headers.items()}}
    )
    return login(gate, request, gate.authenticate(request, None, NOW), body, NOW)


def test_a_token_in_the_body_begins_a_session(gate: Gate) -> None:
    """The page is our own, or none; the session has the role of the token."""
    for origin in ("https://lb.example.com", ""):
        who = named(begin(gate, f'{{"token": "{READ}"}}', origin=origin))
        assert (who.role, who.author) == (Role.READ, "read token")
    assert named(begin(gate, "", authorization=f"Bearer {ADMIN}")).role is Role.ADMIN
    again = named(gate.authenticate(facts(headers=session_of(gate)), None, NOW + LASTS - 1))
    assert description(again).status == 200
    assert gate.authenticate(facts(headers=session_of(gate)), None, NOW + LASTS) is None


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        ('{"token": "x"}', {}, 401),
        ("{}", {}, 401),
        ("", {}, 401),
        ('{"token": ""}', {}, 401),
        ('{"token": 1}', {}, 400),
        ('{"token": null}', {}, 400),
        ("[]", {}, 400),
        ("{", {}, 400),
        (f'{{"token": "{ADMIN}"}}', {"content_type": "text/plain"}, 415),
        (f'{{"token": "{ADMIN}"}}', {"content_type": "application/x-www-form-urlencoded"}, 415),
        (f'{{"token": "{ADMIN}"}}', {"origin": "https://evil.test"}, 403),
        (f'{{"token": "{ADMIN}"}}', {"sec_fetch_site": "cross-site"}, 403),
        (f'{{"token": "{ADMIN}"}}', {"authorization": "Bearer x"}, 401),
    ],
)
def test_nothing_else_begins_one(
    body: str, headers: dict[str, str], expected: int, gate: Gate
) -> None:
    """Above all no page of another site, whose visitor would act under its name."""
    assert denied(begin(gate, body, **headers))[0] == expected


def test_a_session_cannot_be_extended(gate: Gate) -> None:
    """A new session needs a token or Access."""
    page = session_of(gate)
    csrf = named(admitted(gate, facts(headers=page))).csrf
    request = facts("POST", {**page, "x-csrf-token": csrf})
    assert denied(login(gate, request, gate.authenticate(request, None, NOW), "", NOW))[0] == 400


def test_a_session_ends_by_its_own_page_alone(gate: Gate) -> None:
    """Without a session there is nothing to end, and no error."""
    page = session_of(gate)
    who = named(admitted(gate, facts(headers=page)))
    for headers, expected in (
        (page, 403),
        ({**page, "x-csrf-token": who.csrf, "origin": "https://evil.test"}, 403),
        ({"origin": "https://evil.test"}, 403),
    ):
        request = facts("DELETE", headers)
        found = logout(gate, request, gate.authenticate(request, None, NOW), NOW)
        assert denied(found)[0] == expected
    request = facts("DELETE", {**page, "x-csrf-token": who.csrf})
    assert logout(gate, request, gate.authenticate(request, None, NOW), NOW) == who
    assert logout(gate, facts("DELETE", OWN), None, NOW) is None
    (header,) = with_cookie(facts(), "", "/_lb").headers
    assert header[1].startswith(f"{COOKIE}=; Path=/_lb; Max-Age=0;")
