"""Blame for a failed attempt: the origin's, or the request's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from lb.request.outcomes import Evidence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Proof(Enum):
    """What became of a request whose attempt failed (docs/decisions/ejection.md)."""

    PROVEN = "another origin answered the same request well"
    UNPROVEN = "no other origin got the request, or one failed it in another way"
    SHARED = "another origin failed the same request in the same way"


class Count(Enum):
    """How a failure counts against its origin."""

    FAILURE = "as one of consecutive_failures"
    STATUS = "as one of consecutive_statuses"
    DOUBT = "as a doubt: one more than consecutive_failures eject, each of another path"
    STATUS_ONCE = "as one of consecutive_statuses, once for its path"
    NOTHING = "not at all"


# Envoy splits its thresholds in the same way: consecutive_local_origin_failure for connections and
# time-outs, consecutive_5xx and consecutive_gateway_failure for statuses
# (https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier).
# A time-out that no other origin beats is the price of the request, not a fault of the origin.
COUNTS: Mapping[tuple[Evidence, Proof], Count] = {
    (Evidence.NONE, Proof.PROVEN): Count.NOTHING,
    (Evidence.NONE, Proof.UNPROVEN): Count.NOTHING,
    (Evidence.NONE, Proof.SHARED): Count.NOTHING,
    (Evidence.GOOD, Proof.PROVEN): Count.NOTHING,
    (Evidence.GOOD, Proof.UNPROVEN): Count.NOTHING,
    (Evidence.GOOD, Proof.SHARED): Count.NOTHING,
    (Evidence.CONNECTION, Proof.PROVEN): Count.FAILURE,
    (Evidence.CONNECTION, Proof.UNPROVEN): Count.DOUBT,
    (Evidence.CONNECTION, Proof.SHARED): Count.NOTHING,
    (Evidence.TIMEOUT, Proof.PROVEN): Count.FAILURE,
    (Evidence.TIMEOUT, Proof.UNPROVEN): Count.NOTHING,
    (Evidence.TIMEOUT, Proof.SHARED): Count.NOTHING,
    (Evidence.STATUS, Proof.PROVEN): Count.STATUS,
    (Evidence.STATUS, Proof.UNPROVEN): Count.STATUS_ONCE,
    (Evidence.STATUS, Proof.SHARED): Count.NOTHING,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure of an attempt, as it counts against its origin."""

    evidence: Evidence
    cause: str
    """The reason as text, for the log."""
    proof: Proof = Proof.PROVEN
    path: str = ""
    """The path of the request, without its query."""

    @property
    def count(self) -> Count:
        return COUNTS[self.evidence, self.proof]


def proofs(failures: Sequence[Evidence], last: Evidence, *, in_time: bool) -> list[Proof]:
    """Return the proof of each failed attempt of a request that has come to its end.

    `last`: what the answer that the client gets says of its origin; NONE or that of a failure = no
    origin answered well. `in_time`: whether that answer came within first_byte_timeout. An answer
    that took longer proves nothing against an origin that was not waited for so long.
    """
    if last is Evidence.GOOD:
        return [
            Proof.SHARED if one is Evidence.TIMEOUT and not in_time else Proof.PROVEN
            for one in failures
        ]
    return [Proof.SHARED if failures.count(one) > 1 else Proof.UNPROVEN for one in failures]


BLAMED_FOR = 10.0
"""Seconds for which failures of a path count for nothing after the path was to blame."""

MOST_BLAMED = 256
"""Most paths that are kept as to blame; the oldest go first."""


class BlamedPaths:
    """The paths that were to blame for failures, in one isolate."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def add(self, path: str, now: float) -> None:
        """Blame a path from now on."""
        self._until.pop(path, None)
        if len(self._until) >= MOST_BLAMED:
            del self._until[next(iter(self._until))]
        self._until[path] = now + BLAMED_FOR

    def has(self, path: str, now: float) -> bool:
        """Whether a path was to blame a short time ago."""
        return now < self._until.get(path, 0.0)
