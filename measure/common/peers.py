"""The place where peers run, and a running peer."""

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
    """Make a folder and a process family for one run; both end with it."""
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=parent))
    with Family(folder) as family:
        yield family, folder


@dataclass(frozen=True, slots=True)
class Place:
    """The process family, folder and origins of peers; processes and files end together."""

    family: Family
    folder: Path
    origins: Sequence[int]
    """Ports of the origins, on this machine."""
    heap: int = field(default=0, kw_only=True)
    """Limit of a Worker's heap in megabytes; 0 = none."""

    def new_folder(self) -> Path:
        """Make an empty folder for one peer's files."""
        return Path(tempfile.mkdtemp(dir=self.folder))


@dataclass(frozen=True, slots=True)
class Running:
    """A running peer on 127.0.0.1."""

    port: int
    process: Started

    def stop(self) -> None:
        """Stop it."""
        self.process.stop()
