"""All metrics: names, help texts, and sources of the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lb.health.snapshot import Snapshot, load_balancer_health
from lb.metrics.labels import Kind
from lb.metrics.text.openmetrics import Family, Type
from lb.metrics.text.request_families import events_of, of_requests
from lb.metrics.totals import OTHER
from lb.model import Health, PoolHealth
from lb.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lb.health.verdict import OriginHealth
    from lb.metrics.probes import Probed
    from lb.metrics.totals import Totals
    from lb.model import Config, OriginKey


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentState:
    """Present state, shown beside the counts."""

    config: Config
    health: Mapping[OriginKey, OriginHealth]
    now: float
    round_at: float
    """End of the latest round of probes; 0 = there was none."""
    events: int
    """Health events since the balancer was first deployed."""
    version: int = 0
    """Version of the configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """State of the hand-over of counts from isolates."""

    isolates: int
    """Isolates that handed over counts within ACTIVE seconds."""
    stored: float
    """Time at which the totals were last stored; 0 = never."""
    late: float | None
    """Delay of the latest alarm in seconds."""


def families(
    counted: Totals, probed: Mapping[OriginKey, Probed], current: CurrentState, handover: Handover
) -> Iterator[Family]:
    """Yield every metric."""
    yield from of_requests(counted)
    for kind, name, text in COUNTERS:
        yield _counter(counted, kind, name, text)
    yield from _of_probes(probed)
    yield from _of_health(current)
    yield from _of_itself(counted, current, handover)


COUNTERS: tuple[tuple[Kind, str, str], ...] = (
    (
        Kind.FAILOVERS,
        "evenkeel_failovers",
        "Failed attempts at this origin that were followed by one at another origin.",
    ),
    (Kind.HEDGES, "evenkeel_hedges", "Second attempts made while the first one was slow."),
    (Kind.CUT, "evenkeel_answers_cut_off", "Answers that the origin cut off."),
    (Kind.EJECTED, "evenkeel_ejections", "Ejections of the origin by an isolate."),
    (
        Kind.RESTORED,
        "evenkeel_restorations",
        "Times that an origin which an isolate had avoided recovered.",
    ),
    (
        Kind.QUIET,
        "evenkeel_quiet_spells",
        "Times that an isolate avoided the origin because it was silent.",
    ),
    (
        Kind.KEPT,
        "evenkeel_ejections_spared",
        "Ejections avoided because no other origin was available.",
    ),
    (
        Kind.SESSIONS,
        "evenkeel_sessions",
        "Answered requests by session: hit, miss (no session yet), moved (to another origin).",
    ),
    (Kind.SHED, "evenkeel_shed_requests", "Requests that the pool shed by its load_shedding."),
    (Kind.MIRRORED, "evenkeel_mirrored_requests", "Copies of requests sent to the mirror pool."),
    (Kind.MIRRORS_FAILED, "evenkeel_mirror_failures", "Failed copies of requests."),
    (Kind.EVENTS, "evenkeel_events", "Log lines of isolates, by event."),
)
"""Counters of one kind of event each, with the labels of the kind."""


def _counter(counted: Totals, kind: Kind, name: str, text: str) -> Family:
    family = Family(name, Type.COUNTER, text)
    for labels, amount in events_of(counted, kind):
        family.count(amount, **labels)
    return family


def _of_probes(probed: Mapping[OriginKey, Probed]) -> Iterator[Family]:
    probes = Family("evenkeel_probes", Type.COUNTER, "Rounds of probes, by their verdict.")
    times = Family(
        "evenkeel_probe_duration_seconds",
        Type.SUMMARY,
        "Duration of passed probes.",
        "seconds",
    )
    latest = Family(
        "evenkeel_probe_latest_seconds",
        Type.GAUGE,
        "Duration of the latest passed probe.",
        "seconds",
    )
    for (pool, origin), one in probed.items():
        where = {"pool": pool, "origin": origin}
        probes.count(one.passed, **where, result="passed")
        probes.count(one.failed, **where, result="failed")
        times.add(one.passed, "_count", **where)
        times.add(one.seconds, "_sum", **where)
        if one.passed:
            latest.add(one.latest, **where)
    yield from (probes, times, latest)


def _of_health(current: CurrentState) -> Iterator[Family]:
    snapshot = Snapshot(current.health, {}, current.now)
    states = [state.value for state in PoolHealth]
    balancers = Family(
        "evenkeel_load_balancer_health",
        Type.STATESET,
        "Health of the load balancer, from that of its pools; critical: no default pool takes"
        " traffic.",
    )
    for lb in current.config.load_balancers:
        balancers.state(load_balancer_health(lb, snapshot).value, states, load_balancer=lb.name)
    pools = Family("evenkeel_pool_health", Type.STATESET, "Health of the pool by its monitor.")
    pools_on = Family(
        "evenkeel_pool_enabled", Type.GAUGE, "1 while the pool is enabled, and not in maintenance."
    )
    origins = Family(
        "evenkeel_origin_health", Type.STATESET, "Health of the origin by its monitor."
    )
    origins_on = Family(
        "evenkeel_origin_enabled",
        Type.GAUGE,
        "1 while the origin and its pool are enabled, and not in maintenance.",
    )
    weights = Family("evenkeel_origin_weight", Type.GAUGE, "The origin's configured weight.")
    known = [state.value for state in Health]
    for pool in current.config.pools:
        view = snapshot.view(pool)
        pools.state(view.health.value, states, pool=pool.name)
        pools_on.add(view.off is None, pool=pool.name)
        for origin in pool.origins:
            where = {"pool": pool.name, "origin": origin.name}
            origins.state(snapshot.health(origin).health.value, known, **where)
            origins_on.add(snapshot.is_on(pool, origin), **where)
            weights.add(origin.weight, **where)
    yield from (balancers, pools, pools_on, origins, origins_on, weights)


def _of_itself(counted: Totals, current: CurrentState, handover: Handover) -> Iterator[Family]:
    events = Family("evenkeel_health_events", Type.COUNTER, "Changes of health in the event log.")
    events.count(current.events)
    yield events
    age = Family(
        "evenkeel_snapshot_age_seconds",
        Type.GAUGE,
        "Time since the latest round of probes ended, whose results all isolates use.",
        "seconds",
    )
    if current.round_at:
        age.add(max(current.now - current.round_at, 0.0))
    yield age
    for name, text, value in (
        ("evenkeel_configuration_version", "Version of the configuration.", current.version),
        (
            "evenkeel_isolates",
            "Isolates that handed over counts within the last five minutes.",
            handover.isolates,
        ),
        (
            "evenkeel_folded_series",
            f"Series with the label {OTHER}, which stands for all series beyond the limit.",
            _folded(counted),
        ),
    ):
        family = Family(name, Type.GAUGE, text)
        family.add(value)
        yield family
    late = Family(
        "evenkeel_alarm_lateness_seconds",
        Type.GAUGE,
        "Delay of the latest alarm of the Durable Object.",
        "seconds",
    )
    if handover.late is not None:
        late.add(handover.late)
    yield late
    stored = Family(
        "evenkeel_counts_age_seconds",
        Type.GAUGE,
        "Time since counts of isolates were last added to the counters here.",
        "seconds",
    )
    if handover.stored:
        stored.add(max(current.now - handover.stored, 0.0))
    yield stored
    build = Family("evenkeel_build", Type.INFO, "The deployed version of Evenkeel.")
    build.add(1, "_info", version=VERSION)
    yield build


def _folded(counted: Totals) -> int:
    """Return the number of series with the label OTHER."""
    answers = sum(labels[1:3] == (OTHER, OTHER) for labels in counted.answers)
    return answers + sum(labels[1:] == (OTHER,) for labels in counted.events)
