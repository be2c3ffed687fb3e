"""Problems of a configuration with their places; they are collected, never raised."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST_SHOWN = 40
_LONGEST_KEY = 64
_LONGEST_NUMBER = 10**20
_MOST_COMPARED = 200
_OF_THE_API = ("$.monitors[", "$.monitor_groups[", "$.pools[", "$.load_balancers[")
"""Top-level keys that Cloudflare's API has; the others exist in files alone."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that the operator has to change."""

    path: str
    """Place in the style of JSONPath: `$.pools[1].origins[0].weight`."""
    message: str
    excerpt: str = ""
    """For long text values: the line, with a mark under the place."""

    def __str__(self) -> str:
        return f"{self.message} @ {self.path}"


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a value in a document: `Place() / "pools" / 1`."""

    text: str = "$"
    parent: Place | None = None

    def __truediv__(self, step: str | int) -> Place:
        return Place(self.text + _step(step), self)

    def __str__(self) -> str:
        return self.text


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if _PLAIN_KEY.fullmatch(step):
        return f".{step}"
    return f"[{json.dumps(step[:_LONGEST_KEY])}]"


class Bad(Enum):
    """Stands for a refused value."""

    BAD = "bad"


BAD = Bad.BAD


@dataclass(slots=True)
class Reader:
    """Problems and notes of one document while it is read."""

    problems: list[Problem] = field(default_factory=list)
    kept: dict[str, object] = field(default_factory=dict)
    short_sessions: bool = False
    """Whether sessions may be shorter than Cloudflare's minimum (configuration by variables)."""
    lenient: bool = False
    """Whether fields that a Worker cannot support are noted instead of refused."""
    unheeded: dict[str, str] = field(default_factory=dict)
    """Notes for the operator, by path."""
    given: set[str] = field(default_factory=set)
    """Given keys whose default would depend on other keys."""
    _doubtful: set[str] = field(default_factory=set)
    """Every place with a problem at it or below it."""

    def refuse(self, at: Place, message: str, excerpt: str = "") -> Bad:
        """Note a problem; the result stands for the value."""
        self.problems.append(Problem(at.text, message, excerpt))
        here: Place | None = at
        while here is not None:
            self._doubtful.add(here.text)
            here = here.parent
        return BAD

    def overlook(self, at: Place, message: str, noted: str = "") -> Bad:
        """Refuse a value; a lenient reading notes why it is ignored."""
        if not self.lenient or not at.text.startswith(_OF_THE_API):
            return self.refuse(at, message)
        return self.note(at, noted or f"kept without effect: {message}")

    def note(self, at: Place, reason: str) -> Bad:
        """Note why a value is ignored."""
        self.unheeded.setdefault(at.text, reason)
        return BAD

    def fine(self, at: Place, *keys: str) -> bool:
        """Whether these keys could be read, so that a rule about all of them can be judged."""
        return not any((at / key).text in self._doubtful for key in keys)


_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (str, "text"),
    (Mapping, "a table"),
    ((list, tuple), "a list"),
    (type(None), "nothing"),
)


def kind_of(value: object) -> str:
    """Numbers and booleans as they are; anything else as the name of its kind."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) > _LONGEST_NUMBER:
        # Python refuses to print very long integers (ValueError).
        return "a number of many digits"
    if isinstance(value, int | float):
        return str(value)
    if hasattr(value, "isoformat"):
        return "a date or time"
    return next((word for kind, word in _KINDS if isinstance(value, kind)), "something else")


def key_text(key: object) -> str:
    """A key as shown in a place; foreign documents may have keys that are not text."""
    return key if isinstance(key, str) else f"({kind_of(key)})"


def shown(text: str) -> str:
    """Text as a message shows it: quoted, on one line, not too long."""
    clipped = text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "..."
    return json.dumps(clipped)


def nearest(word: str, words: Iterable[str]) -> str:
    """`; did you mean "weight"?` when something like it exists, else nothing."""
    candidates: Sequence[str] = [known for known in words if known][:_MOST_COMPARED]
    found = difflib.get_close_matches(word[:_LONGEST_KEY].lower(), candidates, n=1)
    return f"; did you mean {shown(found[0])}?" if found else ""
