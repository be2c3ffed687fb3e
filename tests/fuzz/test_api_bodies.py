"""Whatever is sent to Cloudflare's API is carried out or refused: no exception, no 5xx."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from support.api_bodies import ACCOUNT
from support.api_calls import hold_for_bodies, sent
from support.hostile import text
from support.office import Office


@given(seed=some.integers(0, 1 << 32))
def test_any_body_is_carried_out_or_refused(seed: int) -> None:
    """And what is accepted goes on being good."""
    hold_for_bodies(seed, 5)


@given(path=text, query=text, method=some.sampled_from(["GET", "PUT", "DELETE", "X", ""]))
def test_any_path_is_answered(path: str, query: str, method: str) -> None:
    """Below the accounts, and above them."""
    office = Office()
    for each in (f"/{path}", f"{ACCOUNT}/{path}", f"{ACCOUNT}/search"):
        sent(office, method, f"{each.replace('?', '')}?{query}", "")
