"""Small Workers for comparison with Evenkeel, each one file of worker_sources/."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from measure.common.peers import Place, Running
from measure.common.workerd import Worker, origin_urls

SOURCES = Path(__file__).resolve().parent / "worker_sources"


@dataclass(frozen=True, slots=True)
class PlainWorker:
    """A Worker of one file, which reads the origins' URLs from origins.json."""

    name: str
    source: str
    served_by: tuple[str, ...] = ()

    def missing(self) -> str:
        """Nothing: it runs on the runtime of this checkout."""
        return ""

    def start(self, place: Place) -> Running:
        """Start it."""
        files = {
            self.source: (SOURCES / self.source).read_text(),
            "origins.json": json.dumps(origin_urls(place.origins)),
        }
        return Worker(files, python=self.source.endswith(".py")).start(place)
