"""The row that survives an eviction, and its text."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lb.base.stored_json import document, is_time, rows, texts
from lb.state.shared_view import SharedHealth, from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping


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
    notifications: str = ""
    """State of the notifications, as text."""
    probed: str = ""
    """Counts of probes, as text."""


def row_to_json(kept: StoredRow) -> str:
    """Return the row's text."""
    return json.dumps(
        {
            "shared": to_json(kept.shared) if kept.shared else "",
            "asked": [[*key, at] for key, at in kept.asked.items()],
            "noted": kept.noted,
            "disabled": sorted(kept.disabled),
            "told": kept.notifications,
            "probed": kept.probed,
        },
        separators=(",", ":"),
    )


def row_from_json(text: str) -> StoredRow:
    """Return the row of a text; malformed parts are left out."""
    row = document(text)
    return StoredRow(
        shared=from_json(str(row.get("shared"))),
        asked={
            (one[0], one[1], one[2]): float(one[3])
            for one in rows(row.get("asked"))
            if len(one) == 4 and texts(one[:3]) and is_time(one[3])
        },
        noted=row["noted"] if is_time(row.get("noted")) else 0.0,
        disabled=frozenset(tuple(one) for one in rows(row.get("disabled")) if texts(one)),
        notifications=str(row.get("told") or ""),
        probed=str(row.get("probed") or ""),
    )
