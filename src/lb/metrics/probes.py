"""Counts and durations of probes for each origin, stored with the health."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lb.base.stored_json import as_amounts, as_text, each, parsed
from lb.health.verdict import latency_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from lb.health.verdict import Verdict
    from lb.model import OriginKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """Rounds of probes of an origin."""

    passed: int = 0
    failed: int = 0
    seconds: float = 0.0
    """Sum of the durations of passed probes."""
    latest: float = 0.0
    """Duration of the latest passed probe."""

    def after(self, verdict: Verdict) -> Probed:
        """Return the counts with one more round, unless it was inconclusive."""
        if not verdict.conclusive:
            return self
        if not verdict.passed:
            return replace(self, failed=self.failed + 1)
        took = probe_seconds(verdict)
        if took is None:
            took = self.latest  # so that the mean stays what it is
        return replace(self, passed=self.passed + 1, seconds=self.seconds + took, latest=took)


def probe_seconds(verdict: Verdict) -> float | None:
    """Return the seconds that a passed round's quickest probe took; None if no probe passed.

    A monitor group may pass by the results of monitors that this round did not ask.
    """
    latency = latency_of(verdict)
    return verdict.duration if latency is None and not verdict.members else latency


def probed_to_json(probed: Mapping[OriginKey, Probed]) -> str:
    """Return the JSON that `probed_from_json` reads."""
    found = [
        [*key, one.passed, one.failed, round(one.seconds, 4), round(one.latest, 4)]
        for key, one in probed.items()
    ]
    return json.dumps(found, separators=(",", ":"))


def probed_from_json(text: str, keys: Collection[OriginKey]) -> dict[OriginKey, Probed]:
    """Return the counts of these origins, without what is damaged."""
    return {key: one for key, one in each(parsed(text), _probed) if key in keys}


def _probed(row: list[Any]) -> tuple[OriginKey, Probed]:
    pool, origin, *numbers = row
    passed, failed, seconds, latest = as_amounts(numbers)
    return (as_text(pool), as_text(origin)), Probed(
        passed=int(passed), failed=int(failed), seconds=seconds, latest=latest
    )
