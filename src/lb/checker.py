"""Probes the origins that are due and lets memory draw the conclusions."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from lb.health import EVERYWHERE
from lb.monitors import MONITORS
from lb.monitors.words import TIMEOUTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lb.health import Verdict
    from lb.memory import Memory
    from lb.model import Monitor, Origin
    from lb.ports import Clock, Log, Prober

PROBES_SIDE_BY_SIDE = 4
"""Of the six connections that one request may have waiting for headers
(https://developers.cloudflare.com/workers/platform/limits/#simultaneous-open-connections);
the response in front of the probes may still need the others."""


async def check(
    due: Iterable[tuple[Origin, Monitor]], memory: Memory, prober: Prober, clock: Clock, log: Log
) -> None:
    """Log what time has brought about, then probe every due origin for an isolate's own memory."""
    for event in memory.take_news():
        log(event)

    def take(origin: Origin, monitor: Monitor, verdict: Verdict) -> None:
        changed = memory.observe(origin, monitor, verdict, clock())
        if changed is not None:
            log(changed)

    await probe(due, prober, clock, take)


async def probe(
    due: Iterable[tuple[Origin, Monitor]],
    prober: Prober,
    clock: Clock,
    take: Callable[[Origin, Monitor, Verdict], None],
) -> None:
    """Probe every due origin, a few at a time; each verdict is taken as soon as it is there."""
    waiting = iter(due)
    workers = (_work_off(waiting, prober, clock, take) for _ in range(PROBES_SIDE_BY_SIDE))
    await asyncio.gather(*workers)


async def _work_off(
    waiting: Iterator[tuple[Origin, Monitor]],
    prober: Prober,
    clock: Clock,
    take: Callable[[Origin, Monitor, Verdict], None],
) -> None:
    for origin, monitor in waiting:
        take(origin, monitor, await _verdict(origin, monitor, prober, clock))


async def _verdict(origin: Origin, monitor: Monitor, prober: Prober, clock: Clock) -> Verdict:
    """Probe once, and again at once after a time-out, `retries` times: Cloudflare's rule.

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
    return replace(verdict, attempt=attempt, duration=now - began, latencies=latencies)
