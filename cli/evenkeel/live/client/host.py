"""The commands' access to clock, environment and terminal; tests replace it."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


def _is_terminal() -> bool:
    return sys.stdin.isatty()


@dataclass(slots=True)
class Host:
    """Clock, environment, and whether a user can be asked."""

    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time
    """Seconds since the epoch."""
    monotonic: Callable[[], float] = time.monotonic
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    has_user: Callable[[], bool] = _is_terminal
