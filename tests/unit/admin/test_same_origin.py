"""Whether a browser sends a request from our own page."""

from __future__ import annotations

import pytest

from lb.admin.auth.same_origin import cross_site, secure_cookie
from support.gate import facts


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
    """A browser drops a Secure cookie that came over http, so login would fail there."""
    assert secure_cookie(facts(url=url)) is secure


def test_a_page_is_ours_by_scheme_host_and_port() -> None:
    """They are those of the request's URL, in any letter case."""
    request = facts("POST", {"origin": "HTTP://LOCALHOST:8787"}, "http://localhost:8787/_lb")
    assert cross_site(request) is None
    assert cross_site(facts("POST"), must_say=False) is None
