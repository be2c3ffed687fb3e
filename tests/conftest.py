"""Settings of all tests: effort of properties, signals of child processes, unclosed resources."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import psutil
import pytest
from hypothesis import settings

from support import interrupts

interrupts.give_children_the_default()

# `make fuzz` tries more inputs. There is no deadline because the machine may be busy.
settings.register_profile("quick", max_examples=100, deadline=None)
settings.load_profile("quick")

THIS = psutil.Process()


@pytest.fixture(autouse=True)
def _nothing_left_open() -> Iterator[None]:
    """Report files, pipes and sockets that a test left open in that test, not in a later one.

    Collecting an unclosed one raises ResourceWarning, which is an error (filterwarnings).
    Collection is slow, so it runs only if more is open after the test than before.
    """
    before = THIS.num_fds()
    yield
    if THIS.num_fds() > before:
        gc.collect()
