"""Stored state of an earlier version (tests/data), prepared for tests."""

from __future__ import annotations

import json
import re
import sqlite3
import tomllib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data"

OBJECT = "2eb500e1ce2296471110ac4666c80129db58c1524d57ff0b881571b6c8d57752"
"""The runtime's id of the object `main` of the class `State` of a Worker called `evenkeel`."""

DATABASES = Path("v3/do/evenkeel-State")
"""The runtime's folder of this class's databases within the stored state."""

MADE_LATER = (
    ("events", "at"),
    ("previews", "at"),
    ("ended_sessions", "until"),
)
"""Columns of the times at which rows are deleted by age."""


@dataclass(frozen=True)
class Stored:
    """One folder of tests/data; its README says what is in it."""

    folder: Path

    @cached_property
    def known(self) -> dict[str, Any]:
        """The values that a test needs to query what is stored."""
        found: dict[str, Any] = json.loads(self.text("known.json"))
        return found

    @property
    def at(self) -> float:
        """The time when it was written."""
        return float(self.known["at"])

    @property
    def secrets(self) -> dict[str, str]:
        """The secrets of the Worker that wrote it."""
        found: dict[str, str] = self.known["secrets"]
        return found

    def text(self, name: str, moved: Mapping[str, str] | None = None) -> str:
        """Return a file's text with new addresses of the origins and the sink, by name."""
        text = (self.folder / name).read_text()
        if not moved:
            return text
        to = {url: moved[name] for name, url in self.known["addresses"].items()}
        return re.sub("|".join(map(re.escape, to)), lambda found: to[found[0]], text)

    def document(self, name: str) -> dict[str, Any]:
        """Return the content of a TOML file."""
        return tomllib.loads(self.text(name))

    def lay_out(self, state: Path, moved: Mapping[str, str], now: float) -> None:
        """Copy it to where the runtime looks for it, as if written just before `now`."""
        folder = state / DATABASES
        folder.mkdir(parents=True)
        with closing(sqlite3.connect(folder / f"{OBJECT}.sqlite")) as database:
            database.executescript(self.text("object.sql", moved))
            for table, column in MADE_LATER:
                # All names are constants.
                database.execute(f"UPDATE {table} SET {column} = {column} + ?", [now - self.at])
            database.commit()
        with closing(sqlite3.connect(folder / "metadata.sqlite")) as database:
            database.executescript(self.text("alarms.sql"))


STATE_0_1 = Stored(DATA / "state_0_1")
