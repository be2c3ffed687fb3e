"""The fingerprint of a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.base.hashing import hash64

if TYPE_CHECKING:
    from lb.model import Config


def identity_of(config: Config) -> str:
    """Return a name for this balancer that its isolates share and other balancers do not."""
    return f"{hash64(repr(config.load_balancers)):016x}"
