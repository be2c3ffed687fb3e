"""A configuration's daily use of Cloudflare's free plan, computed with stated assumptions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import ceil
from typing import TYPE_CHECKING

from lb.health.rounds import PROBES_IN_AN_ALARM
from lb.metrics.object_totals import stored_every
from lb.probing.types.http import MOST_REDIRECTS
from lb.state.kv import KV_REFRESH, KV_WRITES_A_DAY
from lb.state.memory import MOST_PROBES_AT_ONCE as PROBES_BEHIND_A_REQUEST
from lb.state.pull_times import DAY, ISOLATES, probed_together, refresh_of, requests_of_rounds
from lb.state.refresh import Home

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lb.model import Config, LoadBalancer, Monitor, Origin

MEMORY_OF_AN_OBJECT = 0.128
"""GB for which each second of an object is billed, whatever it uses."""


class Resource(Enum):
    """Resources that the free plan limits."""

    OBJECT_REQUESTS = "Durable Object requests"
    ROWS_WRITTEN = "rows written"
    ROWS_READ = "rows read"
    DURATION = "Durable Object GB-s"
    KV_READS = "KV reads"
    KV_WRITES = "KV writes"
    WORKER_REQUESTS = "Worker requests besides yours"
    OF_A_REQUEST = "subrequests of one request, at most"
    OF_AN_ALARM = "subrequests of one alarm, at most"


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of the free plan, per day unless the resource says otherwise."""

    most: int
    page: str
    """Cloudflare's page with the limit."""


_OBJECTS = "https://developers.cloudflare.com/durable-objects/platform/pricing/"
_KV = "https://developers.cloudflare.com/kv/platform/limits/"
_WORKERS = "https://developers.cloudflare.com/workers/platform/limits/"

FREE_PLAN: Mapping[Resource, Limit] = {
    Resource.OBJECT_REQUESTS: Limit(100_000, _OBJECTS),
    Resource.ROWS_WRITTEN: Limit(100_000, _OBJECTS),
    Resource.ROWS_READ: Limit(5_000_000, _OBJECTS),
    Resource.DURATION: Limit(13_000, _OBJECTS),
    Resource.KV_READS: Limit(100_000, _KV),
    Resource.KV_WRITES: Limit(1_000, _KV),
    Resource.WORKER_REQUESTS: Limit(100_000, _WORKERS),
    Resource.OF_A_REQUEST: Limit(50, _WORKERS),
    Resource.OF_AN_ALARM: Limit(50, _WORKERS),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """Assumptions about traffic and failures."""

    isolates: int = ISOLATES
    """Isolates of the Worker with traffic, around the clock."""
    requests: int = 100_000
    """Requests of visitors a day: isolates ask the object behind these, so no more often."""
    incidents: int = 10
    """Outages of an origin a day, each with a beginning and an end."""
    hanging: float = 3600
    """Seconds a day in which probes and all their retries end by time-out."""
    round_seconds: float = 1.0
    """Seconds of an alarm's probes when none hangs. An idle object that may hibernate costs nothing
    (https://developers.cloudflare.com/durable-objects/platform/pricing/#compute-billing)."""
    pull_seconds: float = 0.02
    """Seconds of an object for the answer to an isolate."""
    rows_a_start: int = 10
    """Rows that an object reads when it starts, assumed for each call."""
    crons: int = 288
    """Cron triggers a day: every five minutes, as in wrangler.toml."""


USUAL = Assumptions()


@dataclass(frozen=True, slots=True)
class Use:
    """The use of one resource."""

    resource: Resource
    used: int

    @property
    def limit(self) -> Limit:
        return FREE_PLAN[self.resource]

    @property
    def share(self) -> float:
        return self.used / self.limit.most


def usage(config: Config, home: Home, assumed: Assumptions = USUAL) -> tuple[Use, ...]:
    """Return the use of each resource, with shared health stored in `home`."""
    watched = [one for probed in probed_together(config).values() for one in probed]
    used = {Resource.OF_A_REQUEST: _of_a_request(config, watched, home)}
    # Isolates ask the object for the configuration even if nothing is probed.
    if home is Home.OBJECT:
        used |= _of_objects(config, watched, assumed)
    if watched and home is Home.KV:
        used |= _of_kv(config, assumed)
    return tuple(Use(resource, used[resource]) for resource in Resource if resource in used)


def warnings(config: Config, assumed: Assumptions = USUAL) -> list[str]:
    """Return a sentence for each limit of the free plan that the configuration exceeds."""
    return [
        f"{use.resource.value}: {use.used:,} exceed the {use.limit.most:,} of the free plan"
        for use in usage(config, Home.OBJECT, assumed)
        if use.used > use.limit.most
    ]


Watched = list[tuple["Origin", "Monitor"]]


def _of_objects(config: Config, watched: Watched, assumed: Assumptions) -> dict[Resource, int]:
    regions = {pool.name: pool.check_regions for pool in config.pools}
    alarms = seconds = 0.0
    for interval, probed in probed_together(config).items():
        # An alarm probes a limited number of origins; the next one follows at once.
        rounds = DAY / interval * ceil(len(probed) / PROBES_IN_AN_ALARM)
        elsewhere = len({region for origin, _ in probed for region in regions[origin.pool]})
        slowest = max(monitor.timeout * (1 + monitor.retries) for _, monitor in probed)
        hanging = rounds * assumed.hanging / DAY
        alarms += rounds
        # The object waits for the regions' objects, so these count as long as itself.
        busy = (rounds - hanging) * assumed.round_seconds + hanging * slowest
        seconds += busy * (1 + elsewhere)
    pulls = min(pulls_of(config, assumed), assumed.requests)
    # Isolates report a failure at once. An event is a row written and an old one deleted.
    incidents = assumed.incidents if watched else 0
    changes = 2 * incidents
    # Behind each change there is an early pull of each isolate.
    reports = (incidents + changes) * assumed.isolates
    # Isolates hand over metrics when they ask; these are stored at intervals.
    counted = min(DAY / stored_every(config.state), alarms + pulls)
    seconds += (pulls + reports) * assumed.pull_seconds
    requests = requests_of_rounds(config) + pulls + reports + assumed.crons
    return {
        Resource.OBJECT_REQUESTS: ceil(requests),
        # Health and the next alarm; events; metrics.
        Resource.ROWS_WRITTEN: ceil(2 * alarms + 2 * changes + counted),
        Resource.ROWS_READ: ceil(requests * assumed.rows_a_start),
        Resource.DURATION: ceil(seconds * MEMORY_OF_AN_OBJECT),
        Resource.WORKER_REQUESTS: assumed.crons,
        Resource.OF_AN_ALARM: _of_an_alarm(config, watched),
    }


def pulls_of(config: Config, assumed: Assumptions = USUAL) -> float:
    """Return the requests a day of isolates that ask the Durable Object while all is well."""
    return assumed.isolates * DAY / refresh_of(config)


def _of_kv(config: Config, assumed: Assumptions) -> dict[Resource, int]:
    refresh = max(refresh_of(config), KV_REFRESH)
    reads = min(assumed.isolates * DAY / refresh, assumed.requests)
    # Each isolate may detect the change by itself.
    writes = min(2 * assumed.incidents, KV_WRITES_A_DAY) * assumed.isolates
    return {Resource.KV_READS: ceil(reads), Resource.KV_WRITES: writes}


def _of_a_request(config: Config, watched: Watched, home: Home) -> int:
    """Subrequests of a request: attempts, a copy, shared health, and the probes of an isolate."""
    attempts = max(
        (_attempts(lb) + (lb.mirror is not None) for lb in config.load_balancers), default=0
    )
    asking = {Home.OBJECT: 1, Home.KV: 2 if watched else 0, Home.MEMORY: 0}[home]
    return attempts + asking + _most(watched, PROBES_BEHIND_A_REQUEST)


def _attempts(lb: LoadBalancer) -> int:
    return min(lb.failover.tries, sum(len(pool.origins) for pool in lb.reachable))


def _of_an_alarm(config: Config, watched: Watched) -> int:
    """Subrequests of an alarm: probes, regions and notifications."""
    regions = {region for pool in config.pools for region in pool.check_regions}
    messages = len(config.notifications)
    return _most(watched, PROBES_IN_AN_ALARM) + len(regions) + messages


def _most(watched: Watched, at_once: int) -> int:
    """Most fetches of `at_once` probes, with retries and redirects."""
    each = sorted(
        (
            (1 + monitor.retries) * (1 + MOST_REDIRECTS * monitor.follow_redirects)
            for _, monitor in watched
        ),
        reverse=True,
    )
    return sum(each[:at_once])


def rows(uses: Iterable[Use]) -> list[tuple[str, str, str, str]]:
    """Return rows of a table: resource, use, limit, share."""
    return [
        (use.resource.value, f"{use.used:,}", f"{use.limit.most:,}", f"{use.share:.1%}")
        for use in uses
    ]
