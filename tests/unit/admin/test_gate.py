"""Operator is let in to the admin side, and why others are not."""

from __future__ import annotations

import pytest

from lb.admin.auth.audience import Audience, audience_of, below
from lb.admin.auth.cloudflare_access import AccessIdentity, Assertion, BadJwt, NoKeys
from lb.admin.auth.cors import allowed_origin, preflight
from lb.admin.auth.gate import Cause, Denial, Gate, token_in
from lb.admin.auth.logins import description, login, logout, with_cookie
from lb.admin.auth.same_origin import cross_site, secure_cookie
from lb.admin.auth.sessions import COOKIE, LASTS
from lb.admin.auth.signed_in import Operator, Role, SignIn
from lb.admin.auth.throttle import FREE
from lb.admin.auth.tokens import Tokens, tokens_of
from lb.admin.calls import METHODS, SAFE, Refusal
from lb.admin.responses import headers_of
from lb.request.facts import RequestFacts

ADMIN = "a" * 40
READ = "r" * 40
NOW = 1_800_000_000.0
URL = "https://lb.example.com/_lb/client/v4"
OWN = {"origin": "https://lb.example.com", "sec-fetch-site": "same-origin"}


def facts(
    method: str = "GET", headers: dict[str, str] | None = None, url: str = URL
) -> RequestFacts:
    """A request for the admin side."""
    return RequestFacts(method, url, (headers or {}).get)


@pytest.fixture
def gate() -> Gate:
    """One isolate's."""
    tokens = tokens_of(ADMIN, READ)
    assert isinstance(tokens, Tokens)
    return Gate(tokens)


def admitted(
    gate: Gate, request: RequestFacts, assertion: Assertion | None = None, now: float = NOW
) -> Operator | Denial:
    """Operator may do what a request asks for."""
    return gate.authorize(request, gate.authenticate(request, assertion, now), now)


def denied(found: Operator | Denial | None) -> tuple[int, str]:
    """The status and the words of a refusal."""
    assert isinstance(found, Denial)
    return found.refusal.status, found.refusal.faults[0].message


def named(found: Operator | Denial | None) -> Operator:
    """Somebody who was let in."""
    assert isinstance(found, Operator)
    return found


def session_of(gate: Gate, token: str = ADMIN) -> dict[str, str]:
    """The headers of a page that has a session."""
    who = named(gate.by_token(facts(), token, NOW))
    return {"cookie": f"{COOKIE}={gate.new_session(who, NOW, 'x')}", **OWN}


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
    """Nor does the session or the JWT that comes with it."""
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
    """By token or by session."""
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
    """With the token that only this page can read, and by what the browser says of the page."""
    page = session_of(gate)
    good = {**page, "x-csrf-token": named(admitted(gate, facts(headers=page))).csrf}
    for method in set(METHODS) - SAFE:
        assert isinstance(admitted(gate, facts(method, good)), Operator)
        assert denied(admitted(gate, facts(method, {**good, **changed}))) == (403, words)
        gate = _anew(gate)
    # Nothing is changed by looking.
    assert isinstance(admitted(gate, facts(headers={**page, **changed})), Operator)


def _anew(gate: Gate) -> Gate:
    """The same gate without what it remembers of failures."""
    return Gate(gate._tokens)


@pytest.mark.parametrize("left_out", ["origin", "sec-fetch-site"])
def test_one_of_the_two_is_enough(left_out: str, gate: Gate) -> None:
    """Some browsers send no Sec-Fetch-Site, some no Origin."""
    page = session_of(gate)
    del page[left_out]
    csrf = named(admitted(gate, facts(headers=page))).csrf
    assert isinstance(admitted(gate, facts("POST", {**page, "x-csrf-token": csrf})), Operator)


ANN = AccessIdentity(author="ann@example.com", role=Role.ADMIN, until=NOW + 60)


def test_access_stands_for_a_token_but_not_for_the_csrf_token(gate: Gate) -> None:
    """Its cookie is sent by any page too."""
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
def test_what_access_does_not_vouch_for(
    assertion: Assertion, alone: tuple[int, str], with_token: bool, gate: Gate
) -> None:
    """A bad JWT spoils everything; one that cannot be judged leaves the token what it is."""
    assert denied(admitted(gate, facts(), assertion)) == alone
    for headers in ({"x-auth-key": ADMIN}, session_of(gate)):
        found = admitted(gate, facts(headers=headers), assertion)
        assert isinstance(found, Operator) is with_token


def test_who_fails_often_is_told_to_wait_and_who_is_right_is_not(gate: Gate) -> None:
    """A wait must not be a way to keep the operator out, who may have the same address."""
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


def test_who_has_not_logged_in_has_not_failed(gate: Gate) -> None:
    """A page that was left open must not be told to wait, nor be in the log."""
    for headers in ({}, {"cookie": f"{COOKIE}=old"}):
        for _ in range(3 * FREE):
            found = admitted(gate, facts(headers=headers))
            assert denied(found)[0] == 401
            assert isinstance(found, Denial)
            assert (found.cause, found.failures) == (None, 0)


JSON = {"content-type": "application/json; charset=utf-8"}


def begin(gate: Gate, body: str | Refusal = "", **headers: str) -> Operator | Denial:
    """Send a POST to the session."""
    request = facts(
        "POST", {**JSON, **{name.replace("_", "-"): it for name, it in headers.items()}}
    )
    return login(gate, request, gate.authenticate(request, None, NOW), body, NOW)


def test_a_token_in_the_body_begins_a_session(gate: Gate) -> None:
    """From our own page, or from none; what the session says is what the token is good for."""
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
    """Least of all a page of another site, in whose name its victim would act."""
    assert denied(begin(gate, body, **headers))[0] == expected


def test_a_session_cannot_be_drawn_out(gate: Gate) -> None:
    """A new one takes a token, or Access."""
    page = session_of(gate)
    csrf = named(admitted(gate, facts(headers=page))).csrf
    request = facts("POST", {**page, "x-csrf-token": csrf})
    assert denied(login(gate, request, gate.authenticate(request, None, NOW), "", NOW))[0] == 400


def test_a_session_ends_by_its_own_page_alone(gate: Gate) -> None:
    """Without one, there is nothing to end, and nothing wrong."""
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


@pytest.mark.parametrize(
    ("path", "rest"),
    [
        ("/_lb", "/"),
        ("/_lb/", "/"),
        ("/_lb/status", "/status"),
        ("/_lb//status", "//status"),
        ("/_lbx", None),
        ("/_LB/status", None),
        ("//_lb/status", None),
        ("/%5flb/status", None),
        ("/_lb%2fstatus", None),
        ("/_lb;/status", None),
        ("/x/_lb/status", None),
        ("/", None),
    ],
)
def test_the_admin_path_is_matched_byte_for_byte(path: str, rest: str | None) -> None:
    """What does not match is a request like any other."""
    assert below(path, "/_lb") == rest


@pytest.mark.parametrize(
    ("method", "path", "audience"),
    [
        ("GET", "/", Audience.ANYBODY),
        ("HEAD", "/public", Audience.ANYBODY),
        ("POST", "/", Audience.OPERATORS),
        ("POST", "/public", Audience.OPERATORS),
        ("GET", "//", Audience.OPERATORS),
        ("GET", "/public/", Audience.OPERATORS),
        ("GET", "/status", Audience.OPERATORS),
        ("GET", "/metrics", Audience.OPERATORS),
        ("GET", "/session", Audience.SIGNING_IN),
        ("DELETE", "/session", Audience.SIGNING_IN),
        ("GET", "/session/", Audience.OPERATORS),
    ],
)
def test_all_but_the_shell_is_for_operators(method: str, path: str, audience: Audience) -> None:
    """And the public page, which says itself whether it exists."""
    assert audience_of(method, path) is audience


PAGE = "https://ops.example.com"


def test_pages_of_a_configured_origin_may_ask() -> None:
    """With a token: no cookie of theirs ever counts."""
    asked = {"origin": PAGE, "access-control-request-method": "PUT"}
    found = dict(preflight(facts("OPTIONS", asked), (PAGE,)) or ())
    assert found["Access-Control-Allow-Origin"] == PAGE
    assert "Authorization" in found["Access-Control-Allow-Headers"]
    assert "PUT" in found["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Credentials" not in found


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.test", "access-control-request-method": "PUT"},
        {"origin": PAGE + ".evil.test", "access-control-request-method": "PUT"},
        {"origin": PAGE.upper(), "access-control-request-method": "PUT"},
        {"origin": "null", "access-control-request-method": "PUT"},
        {"access-control-request-method": "PUT"},
        {"origin": PAGE},
    ],
)
def test_nobody_else_is_permitted_anything(headers: dict[str, str]) -> None:
    """Byte for byte as browsers write it, and where none is configured, nobody."""
    assert preflight(facts("OPTIONS", headers), (PAGE,)) is None
    assert preflight(facts("OPTIONS", headers), ()) is None
    expected = headers.get("origin") == PAGE
    assert bool(allowed_origin(facts(headers=headers), (PAGE,))) is expected
    assert allowed_origin(facts(headers=headers), ()) == ()


def test_no_answer_is_kept_framed_or_read_by_others() -> None:
    """Whatever the handler says; it may have a policy of its own for its page."""
    own = (
        ("Cache-Control", "public, max-age=60"),
        ("Content-Security-Policy", "default-src 'self'"),
        ("Access-Control-Allow-Origin", "*"),
        ("ETag", '"7"'),
    )
    found = {name.lower(): value for name, value in headers_of("text/html", own, ())}
    assert found["cache-control"] == "no-store"
    assert found["content-security-policy"] == "default-src 'self'"
    assert found["etag"] == '"7"'
    assert "access-control-allow-origin" not in found
    assert found["x-frame-options"] == "DENY"
    assert found["x-content-type-options"] == "nosniff"
    assert "Content-Type" not in dict(headers_of("", (), ()))
    assert dict(headers_of("a/b", (), ()))["Content-Security-Policy"].startswith(
        "default-src 'none'"
    )


@pytest.mark.parametrize(
    ("url", "secure"),
    [
        ("https://lb.example.com/_lb", True),
        ("http://lb.example.com/_lb", True),
        ("http://localhost:8787/_lb", False),
        ("http://127.0.0.1:8787/_lb", False),
        ("http://[::1]:8787/_lb", False),
        ("https://localhost/_lb", True),
        ("http://localhost.example.com/_lb", True),
    ],
)
def test_the_cookie_travels_over_https_but_on_ones_own_machine(url: str, secure: bool) -> None:
    """A browser drops a Secure cookie that came over http, so nobody logs in that way."""
    assert secure_cookie(facts(url=url)) is secure


def test_a_page_is_ours_by_scheme_host_and_port() -> None:
    """As the request's own URL has them, in any case of letters."""
    request = facts("POST", {"origin": "HTTP://LOCALHOST:8787"}, "http://localhost:8787/_lb")
    assert cross_site(request) is None
    assert cross_site(facts("POST"), must_say=False) is None
