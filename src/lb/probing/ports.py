"""Ports that send probes, from here and from other regions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lb.health.verdict import Verdict
    from lb.model import Origin, OriginKey, Region, Watch
    from lb.probing.probe import Probe, Reply


class Prober(Protocol):
    """Sends probes."""

    async def send(self, probe: Probe) -> Reply:
        """Send one probe. Never raises: a failure is the reply."""


class Regions(Protocol):
    """Probers in other regions."""

    async def ask(
        self, region: Region, asked: Sequence[tuple[Origin, Watch]]
    ) -> Mapping[OriginKey, Verdict]:
        """Have origins probed from a region. Never raises: without a verdict it is absent."""
