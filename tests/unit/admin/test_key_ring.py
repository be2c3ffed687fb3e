"""Keys of Cloudflare Access: which are accepted, and when they are fetched."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lb.admin.auth.cloudflare_access import BadJwt, NoKeys
from lb.admin.auth.key_ring import FETCH_EVERY, FIRST_FETCHES, KEEP, KeyRing, keys_in
from support.access import text_of

NOW = 1_800_000_000.0
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
    """The team's address may answer anything."""
    assert set(keys_in(json.dumps({"keys": keys})) or ()) == known


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "<html>", "[" * 10_000])
def test_what_is_no_set_of_keys_has_none(text: str) -> None:
    """None keeps the keys that are known."""
    assert keys_in(text) is None


def test_an_unknown_key_is_fetched_once_a_minute() -> None:
    """Made-up ids do not change that."""
    ring = KeyRing()
    assert ring.should_fetch("k", NOW)
    ring.fetching(NOW)
    ring.take({"k": ("n", "e")}, NOW)
    assert not ring.should_fetch("k", NOW + 1)
    assert not ring.should_fetch("l", NOW + FETCH_EVERY - 1)
    assert ring.should_fetch("l", NOW + FETCH_EVERY)
    ring.fetching(NOW + FETCH_EVERY)
    assert not ring.should_fetch("m", NOW + FETCH_EVERY + 1)


def test_without_keys_a_few_requests_may_fetch_at_once() -> None:
    """Requests of a new isolate arrive together and cannot wait for each other."""
    ring = KeyRing()
    for _ in range(FIRST_FETCHES):
        assert ring.should_fetch("k", NOW)
        ring.fetching(NOW)
    assert not ring.should_fetch("k", NOW)
    ring.take(None, NOW)
    assert not ring.should_fetch("k", NOW + FETCH_EVERY - 1)
    assert ring.should_fetch("k", NOW + FETCH_EVERY)


def test_keys_are_fetched_again_after_an_hour_and_kept_if_that_fails() -> None:
    """A withdrawn key is accepted for an hour at most."""
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


def test_a_missing_key_has_a_reason() -> None:
    """Without any key no JWT can be checked; with others, this one is bad."""
    ring = KeyRing()
    assert ring.key("k") == NoKeys()
    ring.take({"k": ("n", "e")}, NOW)
    assert ring.key("k") == ("n", "e")
    assert ring.key("l") == BadJwt("its key is not known")
