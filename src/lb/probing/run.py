"""Drives probes: sends them side by side, from here or from several regions."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from lb.health.groups import together
from lb.health.verdict import EVERYWHERE
from lb.model import MonitorGroup
from lb.probing.probe import TIMEOUTS, Answer
from lb.probing.region_votes import ballots, elected
from lb.probing.types import MONITORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from lb.health.verdict import Verdict
    from lb.model import Monitor, Origin, OriginKey, Region, Watch
    from lb.ports import Clock, Log
    from lb.probing.ports import Prober, Regions
    from lb.state.memory import Memory

    Take = Callable[[Origin, Watch, Verdict], None]

PROBES_SIDE_BY_SIDE = 4
"""Probes under way at once, of the six connections that may wait for headers in one request
(https://developers.cloudflare.com/workers/platform/limits/#simultaneous-open-connections);
the response before them may still need the others."""


async def check(
    due: Iterable[tuple[Origin, Watch]],
    memory: Memory,
    prober: Prober,
    clock: Clock,
    log: Log,
) -> None:
    """Log an isolate's news, then probe every due origin for its memory."""
    for event in memory.take_news():
        log(event)

    def take(origin: Origin, monitor: Watch, verdict: Verdict) -> None:
        changed = memory.observe(origin, monitor, verdict, clock())
        if changed is not None:
            log(changed)

    await probe(due, prober, clock, take)


async def probe(
    due: Iterable[tuple[Origin, Watch]], prober: Prober, clock: Clock, take: Take
) -> None:
    """Probe every due origin, a few at a time; pass each verdict on as soon as it is there."""
    waiting = iter([job for origin, watch in due for job in _jobs(origin, watch, take)])
    workers = (_work_off(waiting, prober, clock) for _ in range(PROBES_SIDE_BY_SIDE))
    await asyncio.gather(*workers)


async def verdicts(
    due: Iterable[tuple[Origin, Watch]], prober: Prober, clock: Clock
) -> dict[OriginKey, Verdict]:
    """Probe every due origin; return the verdicts."""
    found: dict[OriginKey, Verdict] = {}

    def take(origin: Origin, _watch: Watch, verdict: Verdict) -> None:
        found[origin.key] = verdict

    await probe(due, prober, clock, take)
    return found


async def probe_from_regions(  # noqa: PLR0913 (what is probed from where, and each port)
    due: Sequence[tuple[Origin, Watch]],
    regions_of: Callable[[Origin], Sequence[Region]],
    *,
    prober: Prober,
    regions: Regions,
    clock: Clock,
    take: Take,
) -> None:
    """Probe every due origin from its regions, or from here if it has none.

    An origin without a single vote is probed from here as well: better than not at all.
    """
    here = [one for one in due if not regions_of(one[0])]
    away = [one for one in due if regions_of(one[0])]
    _, left = await asyncio.gather(
        probe(here, prober, clock, take), _ask_regions(away, regions_of, regions, take)
    )
    await probe(left, prober, clock, take)


async def _ask_regions(
    due: Sequence[tuple[Origin, Watch]],
    regions_of: Callable[[Origin], Sequence[Region]],
    regions: Regions,
    take: Take,
) -> list[tuple[Origin, Watch]]:
    """Have the regions vote; return the origins without a vote."""
    asked = ballots(due, regions_of)
    asking = (regions.ask(region, each) for region, each in asked.items())
    answers = dict(zip(asked, await asyncio.gather(*asking), strict=True))
    left = []
    for origin, watch in due:
        verdict = elected(origin, watch, answers)
        if verdict is None:
            left.append((origin, watch))
        else:
            take(origin, watch, verdict)
    return left


Job = tuple["Origin", "Monitor", "Callable[[Verdict], None]"]


def _jobs(origin: Origin, watch: Watch, take: Take) -> list[Job]:
    """Return a job for each monitor; the last one of a group gives the group's verdict."""
    if not isinstance(watch, MonitorGroup):
        return [(origin, watch, lambda verdict: take(origin, watch, verdict))]
    asked = [one for one in watch.monitors if not watch.asked or one.name in watch.asked]
    found: dict[str, Verdict] = {}

    def note(name: str, verdict: Verdict) -> None:
        found[name] = verdict
        if len(found) == len(asked) and (of_group := together(found)) is not None:
            take(origin, watch, of_group)

    return [(origin, one, partial(note, one.name)) for one in asked]


async def _work_off(waiting: Iterator[Job], prober: Prober, clock: Clock) -> None:
    for origin, monitor, note in waiting:
        note(await _verdict(origin, monitor, prober, clock))


async def _verdict(origin: Origin, monitor: Monitor, prober: Prober, clock: Clock) -> Verdict:
    """Probe once, and again at once after a time-out, up to `retries` times: Cloudflare's rule.

    https://developers.cloudflare.com/api/resources/load_balancers/subresources/monitors/ (retries)
    """
    kind = MONITORS[monitor.type]
    probe, attempt = kind.probe(monitor, origin), 1
    began = sent = clock()
    reply = await prober.send(probe)
    while reply in TIMEOUTS and attempt <= monitor.retries:
        sent = clock()
        reply, attempt = await prober.send(probe), attempt + 1
    verdict, now = kind.judge(monitor, reply), clock()
    latencies = ((EVERYWHERE, now - sent),) if verdict.passed else ()
    status = reply.status if isinstance(reply, Answer) else 0
    return replace(
        verdict, attempt=attempt, duration=now - began, latencies=latencies, status=status
    )
