"""What the commands want of the machine they run on; tests put their own in its place."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


def _is_terminal() -> bool:
    return sys.stdin.isatty()


@dataclass(slots=True)
class World:
    """Time, the environment, and whether there is a person to ask."""

    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time
    """Seconds since the epoch."""
    monotonic: Callable[[], float] = time.monotonic
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    has_person: Callable[[], bool] = _is_terminal
