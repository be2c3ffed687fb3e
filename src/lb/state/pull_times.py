"""When an isolate asks the Durable Object again."""

from __future__ import annotations

from math import ceil, inf
from typing import TYPE_CHECKING

from lb.health.rounds import PROBES_IN_AN_ALARM
from lb.model.watched import monitored, used_pools

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lb.health.next_change import NextChange
    from lb.model import Config, Monitor, Origin

USUAL = 30.0
"""Seconds between two pulls where no monitor needs a shorter time."""

SHORTEST = 10.0
"""Seconds between two pulls at least, unless the configuration gives a shorter time."""

ISOLATES = 5
"""Isolates with traffic around the clock, assumed for the free plan."""

REQUESTS = 90_000
"""Requests a day that rounds and pulls may use: the free plan has 100,000 for Durable Objects
(https://developers.cloudflare.com/durable-objects/platform/pricing/)."""

DAY = 86_400

SETTLED = 1.0
"""Seconds from the expected end of a probe to the pull that learns of its verdict: alarms are late
by some of a second."""

NEARLY = 0.95
"""Part of `refresh` after which a further pull is no extra one."""

TOGETHER = 1.0
"""Seconds within which the ends of several probes share a pull."""


def refresh_of(config: Config) -> float:
    """Return the seconds between two pulls of an isolate while all is well.

    An explicit `refresh` counts as given. Else it is the shortest time in which probes take an
    origin out of traffic (the shortest product of `consecutive_down` and `interval`), within the
    limits of the free plan.
    """
    if config.state.refresh is not None:
        return config.state.refresh
    needed = min(
        (
            max(monitor.consecutive_down, 1) * interval
            for interval, probed in probed_together(config).items()
            for _, monitor in probed
        ),
        default=inf,
    )
    left = REQUESTS - requests_of_rounds(config)
    affordable = ISOLATES * DAY / left if left > 0 else inf
    return min(max(needed, affordable, SHORTEST), USUAL)


def requests_of_rounds(config: Config) -> float:
    """Return the requests a day of the alarms, and of the regions that they ask."""
    regions = {name: pool.check_regions for name, pool in used_pools(config).items()}
    requests = 0.0
    for interval, probed in probed_together(config).items():
        rounds = DAY / interval * ceil(len(probed) / PROBES_IN_AN_ALARM)
        requests += rounds * (
            1 + len({region for one, _ in probed for region in regions[one.pool]})
        )
    return requests


def probed_together(config: Config) -> dict[int, list[tuple[Origin, Monitor]]]:
    """Return origins and their monitors by interval: those of one interval share their rounds."""
    pools = used_pools(config)
    found: dict[int, list[tuple[Origin, Monitor]]] = {}
    for origin, _ in monitored(config):
        for monitor in pools[origin.pool].monitors:
            found.setdefault(monitor.interval, []).append((origin, monitor))
    return found


def next_pull(changes: Sequence[NextChange], refresh: float, now: float, *, fixed: bool) -> float:
    """Return the seconds after which an isolate asks again.

    That is right after the earliest verdict that can change an origin's health, and `refresh` at
    most. `fixed`: an operator has chosen `refresh`, so only an origin whose verdicts count towards
    a change shortens it.
    """
    urgent = [one for one in changes if one.counting or (one.shortest >= refresh and not fixed)]
    if not urgent:
        return refresh
    waits = [one.at + SETTLED - now for one in urgent]
    wait = max(one for one in waits if one <= min(waits) + TOGETHER)
    if wait <= refresh:
        return wait
    # One pull a little later instead of two: the times of most rounds are no multiples of refresh.
    following = min(one.after(now + refresh) + SETTLED - now - refresh for one in urgent)
    later = wait < 2 * refresh and following < NEARLY * refresh and not fixed
    return wait if later else refresh
