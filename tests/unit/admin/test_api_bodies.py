"""10,000 bodies for Cloudflare's API, most of them bad."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from support.api_calls import hold_for_bodies

PARTS = 10


@pytest.mark.parametrize("part", range(PARTS))
def test_ten_thousand_bodies_are_carried_out_or_refused(part: int) -> None:
    """Each part has 1,000 bodies, 25 at a time: none raises, no status is 500 or more."""

    @settings(max_examples=40, deadline=None)
    @given(seed=some.integers(0, 1 << 32))
    def hold(seed: int) -> None:
        hold_for_bodies(seed * PARTS + part, 25)

    hold()
