"""What one probe said, and what is known of an origin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lb.model import Health

if TYPE_CHECKING:
    from lb.model import Region


NO_FAILURES = "No failures"
"""What Cloudflare says as the cause while all is well."""


EVERYWHERE = ""
"""Stands for the place of whoever probes, where probes come from no region."""

MOVED = 0.2
SLIGHT = 0.002
"""Latencies that moved by less than a fifth and two milliseconds are no news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one probe said."""

    passed: bool
    cause: str = NO_FAILURES
    attempt: int = 1
    """Of a round's probes; one that timed out is followed by another."""
    duration: float = 0.0
    """Seconds that the round took."""
    status: int = 0
    """Of the HTTP answer; 0 where there was none."""
    latencies: tuple[tuple[str, float], ...] = ()
    """Seconds that the probe took which passed, by region, as in OriginHealth."""
    members: tuple[tuple[str, Verdict], ...] = ()
    """Of a group: what each monitor said that was asked, by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginHealth:
    """What is known of an origin. `streak` counts passes above zero, failures below."""

    health: Health = Health.UNKNOWN
    streak: int = 0
    since: float = 0.0
    checked: float = 0.0
    cause: str = ""
    recovered: float = 0.0
    """When it last turned from UNHEALTHY to HEALTHY; 0 when it never did."""
    latencies: tuple[tuple[str, float], ...] = ()
    """Seconds that probes take, by the code of the region that they come from; "" is no region."""

    members: tuple[tuple[str, OriginHealth], ...] = ()
    """What each monitor of a group knows, by its name."""

    def latency_from(self, region: Region | None) -> float | None:
        """Return the seconds that a probe takes from a region; of no other, from no region."""
        known = dict(self.latencies)
        found = None if region is None else known.get(region.value)
        return known.get(EVERYWHERE) if found is None else found


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureReport:
    """A failure of real traffic, for the place that health is shared from."""

    pool: str
    origin: str
    cause: str
    at: float


def differ(told: tuple[tuple[str, float], ...], known: tuple[tuple[str, float], ...]) -> bool:
    """Whether latencies have moved so far that those who were told need to know."""
    before = dict(told)
    return any(
        region not in before or abs(seconds - before[region]) > MOVED * before[region] + SLIGHT
        for region, seconds in known
    )


def latency_of(verdict: Verdict) -> float | None:
    """Return the seconds that a round's quickest probe took which passed; None if none did."""
    own = [seconds for _, seconds in verdict.latencies]
    of_members = [latency_of(one) for _, one in verdict.members]
    return min([*own, *(one for one in of_members if one is not None)], default=None)


def code_of(verdict: Verdict) -> int:
    """Return the status code that a round met, of a group the first one; 0 where there was none."""
    codes = (verdict.status, *(code_of(one) for _, one in verdict.members))
    return next((code for code in codes if code), 0)


def untimed(verdict: Verdict) -> Verdict:
    """Return a verdict without latencies, where nobody goes by them."""
    members = tuple((name, untimed(one)) for name, one in verdict.members)
    return replace(verdict, latencies=(), members=members)
