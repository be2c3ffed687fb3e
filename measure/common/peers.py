"""Where a peer runs, and what a running one is."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from evenkeel.dev.process_group import Family
from measure.common.process import Started


@contextmanager
def run_folder(parent: Path) -> Iterator[tuple[Family, Path]]:
    """Make a folder for one run, and a family of processes; both go at the end."""
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=parent))
    with Family(folder) as family:
        yield family, folder


@dataclass(frozen=True, slots=True)
class Place:
    """Where peers run: their processes end together, and their files go with them."""

    family: Family
    folder: Path
    origins: Sequence[int]
    """Ports of origins, alike, on this machine."""
    heap: int = field(default=0, kw_only=True)
    """Megabytes that a Worker's heap may have; 0 for as many as it likes."""

    def new_folder(self) -> Path:
        """An empty folder for one peer's files."""
        return Path(tempfile.mkdtemp(dir=self.folder))


@dataclass(frozen=True, slots=True)
class Running:
    """A peer at work on 127.0.0.1."""

    port: int
    process: Started

    def stop(self) -> None:
        """End it."""
        self.process.stop()
