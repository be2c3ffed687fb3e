"""10,000 bodies for Cloudflare's API, most of them bad."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as some

from support.api_calls import hold_for_bodies


@settings(max_examples=400, deadline=None)
@given(seed=some.integers(0, 1 << 32))
def test_ten_thousand_bodies_are_carried_out_or_refused(seed: int) -> None:
    """Bodies in batches of 25: none raises, none is answered with 500 or more."""
    hold_for_bodies(seed, 25)
