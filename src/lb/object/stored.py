"""The row that survives an eviction, and its text."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lb.base.stored_json import as_text, as_texts, as_time, document, each, or_else
from lb.state.shared_view import SharedHealth, from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.health.slow_start import InService


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRow:
    """State of the object when the row was written."""

    shared: SharedHealth | None = None
    asked: Mapping[tuple[str, str, str], float] = field(default_factory=dict)
    """Time of an origin's latest probe, by pool, name and URL: another URL is another origin."""
    noted: float = 0.0
    """Time of the latest comparison for changes."""
    disabled: frozenset[tuple[str, ...]] = frozenset()
    """Disabled pools (name) and origins (pool, name) at that time."""
    in_service: InService = field(default_factory=dict)
    """Origins that the configuration lets take traffic, of pools with slow start."""
    notifications: str = ""
    """State of the notifications, as text."""
    probed: str = ""
    """Counts of probes, as text."""


def row_to_json(kept: StoredRow) -> str:
    """Return the row's text."""
    serving = [[*key, since] for key, since in kept.in_service.items()]
    return json.dumps(
        {
            "shared": to_json(kept.shared) if kept.shared else "",
            "asked": [[*key, at] for key, at in kept.asked.items()],
            "noted": kept.noted,
            "disabled": sorted(kept.disabled),
            **({"serving": serving} if serving else {}),
            "told": kept.notifications,
            "probed": kept.probed,
        },
        separators=(",", ":"),
    )


def row_from_json(text: str) -> StoredRow:
    """Return the row of a text; malformed parts are left out."""
    row = document(text)
    return StoredRow(
        shared=from_json(or_else(as_text, row.get("shared"), "")),
        asked=dict(each(row.get("asked"), _timed)),
        noted=or_else(as_time, row.get("noted"), 0.0),
        disabled=frozenset(each(row.get("disabled"), as_texts)),
        in_service=dict(each(row.get("serving"), _timed)),
        notifications=or_else(as_text, row.get("told"), ""),
        probed=or_else(as_text, row.get("probed"), ""),
    )


def _timed(row: list[Any]) -> tuple[tuple[str, str, str], float]:
    pool, origin, url, at = row
    return (as_text(pool), as_text(origin), as_text(url)), as_time(at)
