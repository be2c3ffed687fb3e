"""The origin without a peer: the limit of the origin and the load generator."""

from __future__ import annotations

from dataclasses import dataclass

from measure.bench.model import Ground
from measure.common.peers import Running


@dataclass(frozen=True, slots=True)
class OriginAlone:
    """The first origin of the ground."""

    name: str
    served_by: tuple[str, ...] = ()

    def missing(self) -> str:
        """Nothing: it is part of the measurement."""
        return ""

    def start(self, ground: Ground) -> Running:
        """Return the origin, which is running already."""
        return Running(ground.origins[0], ground.origin_process)
