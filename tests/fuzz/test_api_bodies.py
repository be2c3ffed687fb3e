"""Every request to Cloudflare's API succeeds or is refused, without an exception or a 5xx."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from support.api_bodies import ACCOUNT
from support.api_calls import hold_for_bodies, sent
from support.hostile import text
from support.office import Office


@given(seed=some.integers(0, 1 << 32))
def test_any_body_is_carried_out_or_refused(seed: int) -> None:
    """Any body succeeds or is refused, and the accepted configuration stays valid."""
    hold_for_bodies(seed, 5)


@given(path=text, query=text, method=some.sampled_from(["GET", "PUT", "DELETE", "X", ""]))
def test_any_path_is_answered(path: str, query: str, method: str) -> None:
    """Any path gets an API response, below the accounts and elsewhere."""
    office = Office()
    for each in (f"/{path}", f"{ACCOUNT}/{path}", f"{ACCOUNT}/search"):
        sent(office, method, f"{each.replace('?', '')}?{query}", "")
