"""Polling for a condition, no longer than needed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

SECONDS = 10.0
PAUSE_SECONDS = 0.02

T = TypeVar("T")


def until(condition: Callable[[], T], seconds: float = SECONDS) -> T:
    """Poll until the result is true, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not true after {seconds} s"
        time.sleep(PAUSE_SECONDS)
    return found
