"""What an earlier version has stored (tests/data), as a test wants to have it."""

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
"""Where the runtime looks for them in a folder of stored state."""

MADE_LATER = (
    ("events", "at"),
    ("previews", "at"),
    ("ended_sessions", "until"),
)
"""The columns of times by which rows go when they are old."""


@dataclass(frozen=True)
class Stored:
    """One folder of tests/data; its README says what is in it."""

    folder: Path

    @cached_property
    def known(self) -> dict[str, Any]:
        """What a test has to know to ask for what is stored."""
        found: dict[str, Any] = json.loads(self.text("known.json"))
        return found

    @property
    def at(self) -> float:
        """When it was written."""
        return float(self.known["at"])

    @property
    def secrets(self) -> dict[str, str]:
        """The secrets of the Worker that wrote it."""
        found: dict[str, str] = self.known["secrets"]
        return found

    def text(self, name: str, moved: Mapping[str, str] | None = None) -> str:
        """Return a file, with the origins and the sink at these addresses, by their names."""
        text = (self.folder / name).read_text()
        if not moved:
            return text
        to = {url: moved[name] for name, url in self.known["addresses"].items()}
        return re.sub("|".join(map(re.escape, to)), lambda found: to[found[0]], text)

    def document(self, name: str) -> dict[str, Any]:
        """Return a file in TOML."""
        return tomllib.loads(self.text(name))

    def lay_out(self, state: Path, moved: Mapping[str, str], now: float) -> None:
        """Put it where the runtime finds it, as if it had been written just before `now`."""
        folder = state / DATABASES
        folder.mkdir(parents=True)
        with closing(sqlite3.connect(folder / f"{OBJECT}.sqlite")) as database:
            database.executescript(self.text("object.sql", moved))
            for table, column in MADE_LATER:
                # No name here comes from outside.
                database.execute(f"UPDATE {table} SET {column} = {column} + ?", [now - self.at])
            database.commit()
        with closing(sqlite3.connect(folder / "metadata.sqlite")) as database:
            database.executescript(self.text("alarms.sql"))


STATE_0_1 = Stored(DATA / "state_0_1")
