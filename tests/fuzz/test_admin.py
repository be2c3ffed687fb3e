"""No request to the admin side raises an exception or gets in without a token."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as some

from lb.admin.auth.client_address import client_of, logged_network
from lb.admin.auth.cloudflare_access import BadJwt, Jwt, claimed_identity, decoded
from lb.admin.auth.gate import Denial, Gate
from lb.admin.auth.key_ring import keys_in
from lb.admin.auth.logins import login
from lb.admin.auth.sessions import COOKIE
from lb.admin.auth.signed_in import author_of
from lb.admin.auth.tokens import Tokens, tokens_of
from lb.model import Access
from lb.request.facts import RequestFacts
from support.access import text_of
from support.hostile import anything, spoiled, text

NAMES = (
    *("authorization", "x-auth-key", "x-auth-user-service-key", "x-auth-email", "cookie"),
    *("origin", "sec-fetch-site", "x-csrf-token", "content-type", "cf-connecting-ip"),
    *("cf-access-jwt-assertion", "access-control-request-method"),
)
TOKENS = tokens_of("a" * 40, "r" * 40)
ACCESS = Access(team="https://team.cloudflareaccess.com", audience="aud")
NOW = 1_800_000_000.0

values = (
    text
    | some.builds("Bearer {}".format, text)
    | some.builds("{}={}.{}".format, some.sampled_from([COOKIE, "CF_Authorization"]), text, text)
)
methods = some.sampled_from(["GET", "POST", "DELETE", "OPTIONS"]) | text
requests = some.builds(
    lambda method, headers: RequestFacts(method, "https://lb.example.com/_lb/x", headers.get),
    methods,
    some.dictionaries(some.sampled_from(NAMES), values),
)
claims = some.fixed_dictionaries(
    {},
    optional={
        "iss": some.just(ACCESS.team) | anything,
        "aud": some.just("aud") | anything,
        "exp": some.just(NOW + 60) | anything,
        "nbf": anything,
        "iat": anything,
        "email": anything,
        "common_name": anything,
    },
)


@given(requests, spoiled(some.just({"token": "x"})))
def test_no_request_without_a_token_is_let_in(request: RequestFacts, body: str) -> None:
    """A request without a token is always refused, both for its action and for a login."""
    assert isinstance(TOKENS, Tokens)
    gate = Gate(TOKENS)
    known = gate.authenticate(request, None, NOW)
    for found in (gate.authorize(request, known, NOW), login(gate, request, known, body, NOW)):
        assert isinstance(found, Denial)
        assert found.refusal.status >= 400


@given(text)
def test_an_author_and_a_client_can_be_shown(claimed: str) -> None:
    """An author and a client are short and printable, so that they fit on one line of a log."""
    author = author_of("admin token", claimed)
    assert author.isprintable()
    assert author.isascii()
    assert len(author) < 200
    for name in (client_of(claimed), logged_network(claimed)):
        assert not name or "/" in name


@given(
    text
    | some.builds(
        lambda header, said, mac: ".".join(
            text_of(part.encode("utf-8", "replace")) for part in (header, said, mac)
        ),
        spoiled(some.just({"alg": "RS256", "kid": "k"})),
        spoiled(some.just({"exp": 1})),
        text,
    )
)
def test_no_jwt_raises(written: str) -> None:
    """Any text is a JWT or is refused as one."""
    found = decoded(written)
    if isinstance(found, Jwt):
        assert found.kid
        claimed_identity(found, ACCESS, NOW)


@given(claims)
@example({"exp": NOW + 60, "nbf": 10**400})
def test_who_is_vouched_for_is_named_by_the_right_team(said: dict[str, object]) -> None:
    """An accepted JWT has the right team and application, and an expiry at most a minute ago."""
    found = claimed_identity(Jwt(kid="k", claims=said, signed=b"", signature=b""), ACCESS, NOW)
    if not isinstance(found, BadJwt):
        assert said["iss"] == ACCESS.team
        assert "aud" in said["aud"]  # type: ignore[operator]
        assert found.until > NOW - 61
        assert found.author.isprintable()


@given(spoiled(some.just({"keys": [{"kid": "k", "kty": "RSA", "n": "x" * 400, "e": "AQAB"}]})))
def test_no_set_of_keys_raises(written: str) -> None:
    """Every key that is read from a JWK set has an id, whatever the set contains."""
    assert all(keys_in(written) or {"k": ("", "")})
