"""The fingerprint of a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.base.hashing import hash64

if TYPE_CHECKING:
    from lb.model import Config


def identity_of(config: Config) -> str:
    """Return the same fingerprint in all isolates with the same load balancers, in 16 hex digits."""
    return f"{hash64(repr(config.load_balancers)):016x}"
