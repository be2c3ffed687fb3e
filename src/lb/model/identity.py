"""The fingerprint of a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.base.hashing import hash64

if TYPE_CHECKING:
    from lb.model import Config


def identity_of(config: Config) -> str:
    """Return 16 hex digits that are equal for equal load balancers, in any isolate."""
    return f"{hash64(repr(config.load_balancers)):016x}"
