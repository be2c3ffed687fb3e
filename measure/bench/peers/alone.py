"""The origin without anything before it: what the origin and the load generator can do."""

from __future__ import annotations

from dataclasses import dataclass

from measure.bench.model import Ground
from measure.common.peers import Running


@dataclass(frozen=True, slots=True)
class OriginAlone:
    """The ground's own first origin."""

    name: str
    served_by: tuple[str, ...] = ()

    def missing(self) -> str:
        """Nothing."""
        return ""

    def start(self, ground: Ground) -> Running:
        """It runs already."""
        return Running(ground.origins[0], ground.origin_process)
