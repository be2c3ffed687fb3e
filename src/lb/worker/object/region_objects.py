"""Probes from other regions, through Durable Objects there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from lb.log_events import trouble
from lb.probing.region_votes import HINTS, question_to_json, votes_from_json
from lb.worker.runtime import js_object, log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lb.health.verdict import Verdict
    from lb.model import Origin, OriginKey, Region, Watch

LONGEST = 120.0
"""Time-out of a region's probes in seconds: twelve that time out, with retries, four at once."""


class ObjectRegions:
    """The Regions port: one object for each region, made near it at its first call."""

    def __init__(self, env: Any, configuration: str = "") -> None:
        """`configuration` is the operators' (lb.object.delivery), which those objects lack."""
        self._env = env
        self._configuration = configuration

    async def ask(
        self, region: Region, asked: Sequence[tuple[Origin, Watch]]
    ) -> Mapping[OriginKey, Verdict]:
        """Have origins probed from a region."""
        try:
            near = js_object(locationHint=HINTS[region])
            stub = self._env.LB_STATE.getByName(f"region {region.value}", near)
            async with asyncio.timeout(LONGEST):
                return votes_from_json(
                    await stub.probe(question_to_json(asked), self._configuration)
                )
        except Exception as error:  # noqa: BLE001 (a region that fails has no vote)
            log(trouble(f"region {region.value} could not be asked", error))
            return {}
