"""Waiting for what happens soon, no longer than it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

SECONDS = 10.0
PAUSE_SECONDS = 0.02

T = TypeVar("T")


def until(condition: Callable[[], T], seconds: float = SECONDS) -> T:
    """Ask again and again until the answer is true; gives it."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not true after {seconds} s"
        time.sleep(PAUSE_SECONDS)
    return found
