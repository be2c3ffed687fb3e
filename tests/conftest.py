"""What holds for all tests: how properties are tried, what children inherit, what is closed."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import psutil
import pytest
from hypothesis import settings

from support import interrupts

interrupts.give_children_the_default()

# `make fuzz` tries properties for longer. A machine that is busy is no reason to fail.
settings.register_profile("quick", max_examples=100, deadline=None)
settings.load_profile("quick")

THIS = psutil.Process()


@pytest.fixture(autouse=True)
def _nothing_left_open() -> Iterator[None]:
    """Find files, pipes and sockets that a test left open in that test, not in a later one.

    One that is collected unclosed is a ResourceWarning, so an error (filterwarnings). To collect
    takes long, so it is done where more is open after the test than before.
    """
    before = THIS.num_fds()
    yield
    if THIS.num_fds() > before:
        gc.collect()
