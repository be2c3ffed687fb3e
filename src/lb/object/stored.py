"""The row that survives an eviction: health, when each origin was asked, what was disabled."""

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
    """What was known when the row was written."""

    shared: SharedHealth | None = None
    asked: Mapping[tuple[str, str, str], float] = field(default_factory=dict)
    """When a probe was last sent to an origin (pool, name, URL: elsewhere, it is another one)."""
    noted: float = 0.0
    """When changes were last looked for."""
    disabled: frozenset[tuple[str, ...]] = frozenset()
    """Pools (name) and origins (pool, name) that were disabled then."""
    told: str = ""
    """What the notifications must remember."""
    probed: str = ""
    """What probes came to, for the metrics."""


def row_to_json(kept: StoredRow) -> str:
    """Return the row's text."""
    return json.dumps(
        {
            "shared": to_json(kept.shared) if kept.shared else "",
            "asked": [[*key, at] for key, at in kept.asked.items()],
            "noted": kept.noted,
            "disabled": sorted(kept.disabled),
            "told": kept.told,
            "probed": kept.probed,
        },
        separators=(",", ":"),
    )


def row_from_json(text: str) -> StoredRow:
    """Return what a row's text says; what cannot be read is as if it were not there."""
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
        told=str(row.get("told") or ""),
        probed=str(row.get("probed") or ""),
    )
