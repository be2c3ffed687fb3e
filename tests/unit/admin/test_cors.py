"""Pages of other origins that may read answers."""

from __future__ import annotations

import pytest

from lb.admin.auth.cors import allowed_origin, preflight
from support.gate import facts

PAGE = "https://ops.example.com"


def test_pages_of_a_configured_origin_may_ask() -> None:
    """They show a token; a cookie of theirs is never used."""
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
    """Origins are compared byte for byte; without configured ones none is allowed."""
    assert preflight(facts("OPTIONS", headers), (PAGE,)) is None
    assert preflight(facts("OPTIONS", headers), ()) is None
    expected = headers.get("origin") == PAGE
    assert bool(allowed_origin(facts(headers=headers), (PAGE,))) is expected
    assert allowed_origin(facts(headers=headers), ()) == ()
