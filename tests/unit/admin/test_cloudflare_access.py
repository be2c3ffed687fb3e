"""What a JWT of Cloudflare Access must say, whose keys are taken, and when they are asked for."""

from __future__ import annotations

import json
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
from lb.admin.auth.key_ring import FETCH_EVERY, FIRST_FETCHES, KEEP, KeyRing, keys_in
from lb.admin.auth.signed_in import Role
from lb.model import Access
from lb.request.facts import RequestFacts
from support.access import text_of, unsigned

NOW = 1_800_000_000.0
TEAM = "https://team.cloudflareaccess.com"
ACCESS = Access(team=TEAM, audience="aud")
SAID = {
    "iss": TEAM,
    "aud": ["aud"],
    "exp": NOW + 600,
    "iat": NOW,
    "nbf": NOW,
    "email": "Ann@Example.com",
}


def vouched(access: Access = ACCESS, **changed: Any) -> AccessIdentity | BadJwt:
    """Operator a JWT with these claims stands for; None leaves one out."""
    said = {name: value for name, value in {**SAID, **changed}.items() if value is not None}
    return claimed_identity(Jwt(kid="k", claims=said, signed=b"", signature=b""), access, NOW)


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
def test_good_claims_stand_for_somebody(changed: dict[str, Any]) -> None:
    """With a minute of difference between two clocks."""
    found = vouched(**changed)
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
def test_other_claims_stand_for_nobody(changed: dict[str, Any], reason: str) -> None:
    """Each with its reason, and none of them by being of an odd kind."""
    assert vouched(**changed) == BadJwt(reason)


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
def test_the_lists_say_who_may_do_what(
    readers: tuple[str, ...],
    writers: tuple[str, ...],
    ann: Role | None,
    bob: Role | None,
    eve: Role | None,
) -> None:
    """Without one it is for the rest, and without both Access alone decides."""
    access = Access(team=TEAM, audience="aud", readers=readers, writers=writers)
    assert [role_of(access, each) for each in ("ann", "bob", "eve")] == [ann, bob, eve]


def test_a_jwt_is_taken_apart_as_it_was_put_together() -> None:
    """What is signed are the bytes that were sent."""
    signed = unsigned(SAID, {"alg": "RS256", "kid": "k"})
    found = decoded(f"{signed}.{text_of(b'abc')}")
    assert found == Jwt(kid="k", claims=SAID, signed=signed.encode(), signature=b"abc")


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
def test_what_is_no_jwt_is_none(text: str) -> None:
    """Padding and other alphabets are not base64url (RFC 7515, 2)."""
    found = decoded(text)
    assert isinstance(found, BadJwt)


def test_the_header_comes_before_the_cookie() -> None:
    """The one that Access's own edge adds; a cookie may be of another application."""
    both = {"cf-access-jwt-assertion": "h", "cookie": "CF_Authorization=c"}
    assert jwt_of(RequestFacts("GET", "https://a/", both.get)) == "h"
    assert jwt_of(RequestFacts("GET", "https://a/", {"cookie": both["cookie"]}.get)) == "c"
    assert jwt_of(RequestFacts("GET", "https://a/", {"cookie": "cf_authorization=c"}.get)) == ""


KEY = {"kid": "k", "kty": "RSA", "n": text_of(b"\xff" * 256), "e": "AQAB", "alg": "RS256"}


@pytest.mark.parametrize(
    ("keys", "known"),
    [
        ([KEY], {"k"}),
        ([KEY, {**KEY, "kid": "l"}, 7, None, {}], {"k", "l"}),
        ([{**KEY, "alg": None}], set()),
        ([{name: value for name, value in KEY.items() if name != "alg"}], {"k"}),
        ([{**KEY, "kty": "oct", "k": "c2VjcmV0"}], set()),
        ([{**KEY, "alg": "HS256"}], set()),
        ([{**KEY, "n": text_of(b"\xff" * 128)}], set()),
        ([{**KEY, "n": "not base64"}], set()),
        ([{**KEY, "n": 5}], set()),
        ([{**KEY, "kid": None}], set()),
        ([{**KEY, "e": "=?"}], set()),
        ([], set()),
        ({"k": KEY}, set()),
        (None, set()),
    ],
)
def test_only_rsa_keys_of_a_good_length_are_taken(keys: Any, known: set[str]) -> None:
    """Whatever else the team's address answers."""
    assert set(keys_in(json.dumps({"keys": keys})) or ()) == known


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "<html>", "[" * 10_000])
def test_what_is_no_set_of_keys_has_none(text: str) -> None:
    """None, so that the keys that are known serve on."""
    assert keys_in(text) is None


def test_an_unknown_key_is_asked_for_once_a_minute() -> None:
    """However many ids somebody makes up."""
    ring = KeyRing()
    assert ring.should_fetch("k", NOW)
    ring.fetching(NOW)
    ring.take({"k": ("n", "e")}, NOW)
    assert not ring.should_fetch("k", NOW + 1)
    assert not ring.should_fetch("l", NOW + FETCH_EVERY - 1)
    assert ring.should_fetch("l", NOW + FETCH_EVERY)
    ring.fetching(NOW + FETCH_EVERY)
    assert not ring.should_fetch("m", NOW + FETCH_EVERY + 1)


def test_before_there_is_a_key_a_few_requests_may_ask_at_once() -> None:
    """They come together to a new isolate, and cannot wait for each other."""
    ring = KeyRing()
    for _ in range(FIRST_FETCHES):
        assert ring.should_fetch("k", NOW)
        ring.fetching(NOW)
    assert not ring.should_fetch("k", NOW)
    ring.take(None, NOW)
    assert not ring.should_fetch("k", NOW + FETCH_EVERY - 1)
    assert ring.should_fetch("k", NOW + FETCH_EVERY)


def test_keys_are_asked_for_anew_after_an_hour_and_kept_if_that_fails() -> None:
    """One that was withdrawn is known no longer than that."""
    ring = KeyRing()
    ring.fetching(NOW)
    ring.take({"k": ("n", "e")}, NOW)
    assert not ring.should_fetch("k", NOW + KEEP - 1)
    assert ring.should_fetch("k", NOW + KEEP)
    ring.fetching(NOW + KEEP)
    ring.take(None, NOW + KEEP)
    assert set(ring.keys) == {"k"}
    assert not ring.should_fetch("k", NOW + KEEP + 1)
    ring.take({"l": ("n", "e")}, NOW + KEEP + 2)
    assert set(ring.keys) == {"l"}
