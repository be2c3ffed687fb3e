"""Authentication and authorization of requests to the admin side."""

from __future__ import annotations

import pytest

from lb.admin.auth.cloudflare_access import AccessIdentity, Assertion, BadJwt, NoKeys
from lb.admin.auth.gate import Cause, Denial, Gate, token_in
from lb.admin.auth.sessions import COOKIE
from lb.admin.auth.signed_in import Operator, Role, SignIn
from lb.admin.auth.throttle import FREE
from lb.admin.calls import METHODS, SAFE
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


@pytest.fixture
def gate() -> Gate:
    """Return the gate of a new isolate."""
    return new_gate()


@pytest.mark.parametrize(
    ("headers", "role", "author"),
    [
        ({"authorization": f"Bearer {ADMIN}"}, Role.ADMIN, "admin token"),
        ({"authorization": f"bearer  {READ} "}, Role.READ, "read token"),
        ({"x-auth-key": ADMIN, "x-auth-email": "a@b.c"}, Role.ADMIN, "admin token (a@b.c)"),
        ({"x-auth-user-service-key": READ}, Role.READ, "read token"),
        ({"authorization": "Basic dTpw", "x-auth-key": ADMIN}, Role.ADMIN, "admin token"),
    ],
)
def test_a_token_is_shown_in_one_of_three_headers(
    headers: dict[str, str], role: Role, author: str, gate: Gate
) -> None:
    """It needs nothing else, not even for a change from another page."""
    who = named(admitted(gate, facts(headers={**headers, "origin": "https://evil.test"})))
    assert (who.role, who.author, who.sign_in) == (role, author, SignIn.TOKEN)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer "},
        {"authorization": f"Bearer {ADMIN}x"},
        {"authorization": f"Bearer {ADMIN}, Bearer {ADMIN}"},
        {"authorization": f"Bearer {ADMIN.upper()}"},
        {"x-auth-key": "x"},
        # The first one that is there counts: nobody has two.
        {"authorization": "Bearer x", "x-auth-key": ADMIN},
        {"x-auth-key": "x", "x-auth-user-service-key": ADMIN},
    ],
)
def test_a_wrong_token_opens_nothing(headers: dict[str, str], gate: Gate) -> None:
    """A session or a JWT beside it does not help."""
    found = admitted(gate, facts(headers={**session_of(gate), **headers}))
    assert denied(found) == (401, "Authentication error")
    assert isinstance(found, Denial)
    assert found.cause is Cause.WRONG_TOKEN
    assert dict(found.refusal.headers)["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("value", [f"Token {ADMIN}", ADMIN, "Basic YTpi", f"Bearer{ADMIN}"])
def test_another_scheme_is_for_somebody_else(value: str, gate: Gate) -> None:
    """A browser that knows a password for the host sends it here too."""
    assert token_in(facts(headers={"authorization": value})) is None
    status, _ = denied(admitted(gate, facts(headers={"authorization": value})))
    assert status == 401


def test_who_only_reads_changes_nothing(gate: Gate) -> None:
    """This holds for a token and for a session."""
    for method in METHODS:
        found = admitted(gate, facts(method, {"x-auth-key": READ}))
        assert isinstance(found, Operator) is (method in SAFE)
    page = session_of(gate, READ)
    csrf = named(admitted(gate, facts(headers=page))).csrf
    found = admitted(gate, facts("PUT", {**page, "x-csrf-token": csrf}))
    assert denied(found) == (403, "read token may only read")


CSRF_FAULTS = [
    ({"x-csrf-token": ""}, "the header X-CSRF-Token is missing, or is old"),
    ({"x-csrf-token": "x"}, "the header X-CSRF-Token is missing, or is old"),
    ({"sec-fetch-site": "cross-site"}, "the request comes from another site's page"),
    ({"sec-fetch-site": "same-site"}, "the request comes from another site's page"),
    ({"sec-fetch-site": "none"}, "the request comes from another site's page"),
    ({"origin": "https://evil.test"}, "the request comes from a page of another origin"),
    ({"origin": "null"}, "the request comes from a page of another origin"),
    ({"origin": "http://lb.example.com"}, "the request comes from a page of another origin"),
    ({"origin": "https://lb.example.com:8443"}, "the request comes from a page of another origin"),
    (
        {"origin": "https://lb.example.com.evil.test"},
        "the request comes from a page of another origin",
    ),
    (
        {"origin": "", "sec-fetch-site": ""},
        "the request does not say which page it comes from (Origin, Sec-Fetch-Site)",
    ),
]


@pytest.mark.parametrize(("changed", "words"), CSRF_FAULTS)
def test_a_sessions_change_must_come_from_its_own_page(
    changed: dict[str, str], words: str, gate: Gate
) -> None:
    """It needs the CSRF token, and the browser's headers that name the page."""
    page = session_of(gate)
    good = {**page, "x-csrf-token": named(admitted(gate, facts(headers=page))).csrf}
    for method in set(METHODS) - SAFE:
        assert isinstance(admitted(gate, facts(method, good)), Operator)
        assert denied(admitted(gate, facts(method, {**good, **changed}))) == (403, words)
        gate = _anew(gate)
    # Nothing is changed by looking.
    assert isinstance(admitted(gate, facts(headers={**page, **changed})), Operator)


def _anew(gate: Gate) -> Gate:
    """Return the same gate without its failures."""
    return Gate(gate._tokens)


@pytest.mark.parametrize("left_out", ["origin", "sec-fetch-site"])
def test_one_of_the_two_is_enough(left_out: str, gate: Gate) -> None:
    """Some browsers send no Sec-Fetch-Site, some no Origin."""
    page = session_of(gate)
    del page[left_out]
    csrf = named(admitted(gate, facts(headers=page))).csrf
    assert isinstance(admitted(gate, facts("POST", {**page, "x-csrf-token": csrf})), Operator)


ANN = AccessIdentity(author="ann@example.com", role=Role.ADMIN, until=NOW + 60)


def test_access_replaces_a_token_but_not_the_csrf_token(gate: Gate) -> None:
    """A browser sends the cookie of Access from any page."""
    who = named(admitted(gate, facts(), ANN))
    assert (who.role, who.author, who.sign_in) == (Role.ADMIN, "ann@example.com", SignIn.ACCESS)
    assert denied(admitted(gate, facts("POST", OWN), ANN))[0] == 403
    good = {**OWN, "x-csrf-token": who.csrf}
    assert isinstance(admitted(gate, facts("POST", good), ANN), Operator)
    bob = AccessIdentity(author="bob@example.com", role=Role.ADMIN, until=NOW + 60)
    assert denied(admitted(gate, facts("POST", good), bob))[0] == 403


@pytest.mark.parametrize(
    ("assertion", "alone", "with_token"),
    [
        (BadJwt("it has expired"), (403, "the JWT of Access: it has expired"), False),
        (
            NoKeys(),
            (503, "the keys of Access cannot be fetched: try again, or use a token"),
            True,
        ),
        (
            AccessIdentity(author="eve@x", role=None, until=NOW + 60),
            (403, "[admin] access does not name eve@x"),
            True,
        ),
    ],
)
def test_access_that_identifies_nobody(
    assertion: Assertion, alone: tuple[int, str], with_token: bool, gate: Gate
) -> None:
    """A bad JWT is refused beside a token; one that cannot be checked is ignored there."""
    assert denied(admitted(gate, facts(), assertion)) == alone
    for headers in ({"x-auth-key": ADMIN}, session_of(gate)):
        found = admitted(gate, facts(headers=headers), assertion)
        assert isinstance(found, Operator) is with_token


def test_failures_are_slowed_down_and_the_right_token_is_not(gate: Gate) -> None:
    """A wait must not lock out an operator with the same address."""
    wrong = facts(headers={"x-auth-key": "x", "cf-connecting-ip": "2001:db8::1"})
    neighbour = facts(headers={"x-auth-key": "x", "cf-connecting-ip": "2001:db8::2"})
    other = facts(headers={"x-auth-key": "x", "cf-connecting-ip": "2001:db8:0:1::1"})
    statuses = [denied(admitted(gate, wrong))[0] for _ in range(FREE + 1)]
    assert statuses == [401] * FREE + [429]
    found = admitted(gate, neighbour)
    assert denied(found) == (429, "too many failed attempts: try again in 10 s")
    assert isinstance(found, Denial)
    assert dict(found.refusal.headers)["Retry-After"] == "10"
    assert denied(admitted(gate, other))[0] == 401
    right = facts(headers={"x-auth-key": ADMIN, "cf-connecting-ip": "2001:db8::1"})
    assert isinstance(admitted(gate, right), Operator)
    page = {**session_of(gate), "cf-connecting-ip": "2001:db8::1"}
    assert isinstance(admitted(gate, facts(headers=page)), Operator)
    assert denied(admitted(gate, wrong, now=NOW + 10))[0] == 401


def test_a_request_without_credentials_is_no_failure(gate: Gate) -> None:
    """A page that was left open is neither slowed down nor logged."""
    for headers in ({}, {"cookie": f"{COOKIE}=old"}):
        for _ in range(3 * FREE):
            found = admitted(gate, facts(headers=headers))
            assert denied(found)[0] == 401
            assert isinstance(found, Denial)
            assert (found.cause, found.failures) == (None, 0)
