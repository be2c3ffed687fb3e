"""Claims of Cloudflare Access's JWTs, and the users that they identify."""

from __future__ import annotations

from typing import Any

import pytest

from lb.admin.auth.cloudflare_access import (
    AccessIdentity,
    BadJwt,
    Jwt,
    claimed_identity,
    decoded,
    jwt_of,
    role_of,
)
from lb.admin.auth.signed_in import Role
from lb.model import Access
from lb.request.facts import RequestFacts
from support.access import text_of, unsigned

NOW = 1_800_000_000.0
TEAM = "https://team.cloudflareaccess.com"
ACCESS = Access(team=TEAM, audience="aud")
CLAIMS = {
    "iss": TEAM,
    "aud": ["aud"],
    "exp": NOW + 600,
    "iat": NOW,
    "nbf": NOW,
    "email": "Ann@Example.com",
}


def identified(access: Access = ACCESS, **changed: Any) -> AccessIdentity | BadJwt:
    """Return the user of a JWT with these claims; None leaves a claim out."""
    claims = {name: value for name, value in {**CLAIMS, **changed}.items() if value is not None}
    return claimed_identity(Jwt(kid="k", claims=claims, signed=b"", signature=b""), access, NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"aud": "aud"},
        {"aud": ["x", "aud"]},
        {"exp": NOW - 59},
        {"nbf": NOW + 60, "iat": NOW + 60},
        {"nbf": None, "iat": None},
        {"exp": int(NOW) + 1},
        {"email": None, "common_name": "Ann@Example.com"},
        {"email": "", "common_name": "ann@example.com"},
    ],
)
def test_valid_claims_identify_a_user(changed: dict[str, Any]) -> None:
    """Clocks may differ by a minute."""
    found = identified(**changed)
    assert isinstance(found, AccessIdentity)
    assert (found.author, found.role) == ("ann@example.com", Role.ADMIN)
    assert found.until == changed.get("exp", NOW + 600)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"iss": TEAM + "/"}, "it is another team's"),
        ({"iss": [TEAM]}, "it is another team's"),
        ({"aud": None}, "it is for another application"),
        ({"aud": []}, "it is for another application"),
        ({"aud": {"aud": 1}}, "it is for another application"),
        ({"aud": "audience"}, "it is for another application"),
        ({"exp": None}, "it has expired"),
        ({"exp": True}, "it has expired"),
        ({"exp": str(NOW + 600)}, "it has expired"),
        ({"exp": NOW - 60}, "it has expired"),
        ({"nbf": NOW + 61}, "it is not valid yet"),
        ({"nbf": "0"}, "it is not valid yet"),
        ({"iat": NOW + 61}, "it is not valid yet"),
        ({"iat": [0]}, "it is not valid yet"),
        ({"email": None}, "it names nobody"),
        ({"email": ["ann@example.com"]}, "it names nobody"),
        ({"email": "ann@example.com\n"}, "it names nobody"),
        ({"email": "\u212a@example.com"}, "it names nobody"),
        ({"email": "a" * 129}, "it names nobody"),
    ],
)
def test_other_claims_identify_nobody(changed: dict[str, Any], reason: str) -> None:
    """Each has its reason; an unexpected type raises nothing."""
    assert identified(**changed) == BadJwt(reason)


@pytest.mark.parametrize(
    ("readers", "writers", "ann", "bob", "eve"),
    [
        ((), (), Role.ADMIN, Role.ADMIN, Role.ADMIN),
        ((), ("ann",), Role.ADMIN, Role.READ, Role.READ),
        (("bob",), (), None, Role.READ, None),
        (("bob",), ("ann",), Role.ADMIN, Role.READ, None),
        (("ann",), ("ann",), Role.ADMIN, None, None),
    ],
)
def test_the_lists_decide_the_role(
    readers: tuple[str, ...],
    writers: tuple[str, ...],
    ann: Role | None,
    bob: Role | None,
    eve: Role | None,
) -> None:
    """`writers` without `readers` lets all others read; without both, Access alone decides."""
    access = Access(team=TEAM, audience="aud", readers=readers, writers=writers)
    assert [role_of(access, each) for each in ("ann", "bob", "eve")] == [ann, bob, eve]


def test_a_jwt_is_decoded() -> None:
    """The signed bytes are those that were sent."""
    signed = unsigned(CLAIMS, {"alg": "RS256", "kid": "k"})
    found = decoded(f"{signed}.{text_of(b'abc')}")
    assert found == Jwt(kid="k", claims=CLAIMS, signed=signed.encode(), signature=b"abc")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "a.b.c",
        "e30.e30.",
        "e30.e30.e30.e30",
        " e30.e30.e30",
        "e30=.e30.e30",
        "e30.e30.\xe9",
    ],
)
def test_malformed_jwts_are_refused(text: str) -> None:
    """Padding and other alphabets are not base64url (RFC 7515, 2)."""
    found = decoded(text)
    assert isinstance(found, BadJwt)


def test_the_header_comes_before_the_cookie() -> None:
    """Access's edge adds the header; a cookie may belong to another application."""
    both = {"cf-access-jwt-assertion": "h", "cookie": "CF_Authorization=c"}
    assert jwt_of(RequestFacts("GET", "https://a/", both.get)) == "h"
    assert jwt_of(RequestFacts("GET", "https://a/", {"cookie": both["cookie"]}.get)) == "c"
    assert jwt_of(RequestFacts("GET", "https://a/", {"cookie": "cf_authorization=c"}.get)) == ""
