"""Verdicts of probes, and an origin's health."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lb.model import Health

if TYPE_CHECKING:
    from lb.model import Region


NO_FAILURES = "No failures"
"""Cloudflare's cause of a healthy origin."""


EVERYWHERE = ""
"""In place of a region's code, where probes come from no region."""

MOVED = 0.2
SLIGHT = 0.002
"""A latency has changed when it moved by more than a fifth and two milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of one round of probes to an origin."""

    passed: bool
    cause: str = NO_FAILURES
    attempt: int = 1
    """Number of the probe that decided; those before it timed out."""
    duration: float = 0.0
    """Seconds from the round's first probe to its last reply."""
    status: int = 0
    """Status code of the HTTP answer; 0 without one."""
    latencies: tuple[tuple[str, float], ...] = ()
    """Seconds that the passed probe took, by region, as in OriginHealth."""
    members: tuple[tuple[str, Verdict], ...] = ()
    """Verdicts of a group's monitors that were asked, by name."""
    conclusive: bool = True
    """False: the origin was not asked, and the round neither passed nor failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginHealth:
    """An origin's health, as its monitor has found it.

    `streak` counts verdicts in a row: passes above zero, failures below. Times are in seconds since
    the Unix epoch.
    """

    health: Health = Health.UNKNOWN
    streak: int = 0
    since: float = 0.0
    checked: float = 0.0
    cause: str = ""
    recovered: float = 0.0
    """Time of the latest change from UNHEALTHY to HEALTHY; 0: never."""
    latencies: tuple[tuple[str, float], ...] = ()
    """Mean seconds of passed probes, by the code of the region they come from; "" is no region."""
    members: tuple[tuple[str, OriginHealth], ...] = ()
    """Health as each monitor of a group has found it, by name."""

    def latency_from(self, region: Region | None) -> float | None:
        """Return a probe's seconds from a region, else from no region; None: unknown."""
        known = dict(self.latencies)
        found = None if region is None else known.get(region.value)
        return known.get(EVERYWHERE) if found is None else found


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureReport:
    """A failure of real traffic, reported to the Durable Object."""

    pool: str
    origin: str
    cause: str
    at: float
    until: float = 0.0
    """When the ejection ends that it led to or prolonged; 0 = none."""


def differ(shared: tuple[tuple[str, float], ...], known: tuple[tuple[str, float], ...]) -> bool:
    """Whether latencies have changed so much that they must be shared again."""
    before = dict(shared)
    return any(
        region not in before or abs(seconds - before[region]) > MOVED * before[region] + SLIGHT
        for region, seconds in known
    )


def latency_of(verdict: Verdict) -> float | None:
    """Return the seconds of a round's quickest passed probe; None if none passed."""
    own = [seconds for _, seconds in verdict.latencies]
    of_members = [latency_of(one) for _, one in verdict.members]
    return min([*own, *(one for one in of_members if one is not None)], default=None)


def code_of(verdict: Verdict) -> int:
    """Return a round's status code, the first one of a group; 0 without one."""
    codes = (verdict.status, *(code_of(one) for _, one in verdict.members))
    return next((code for code in codes if code), 0)


def untimed(verdict: Verdict) -> Verdict:
    """Return a verdict without latencies, for pools that are not steered by them."""
    members = tuple((name, untimed(one)) for name, one in verdict.members)
    return replace(verdict, latencies=(), members=members)
