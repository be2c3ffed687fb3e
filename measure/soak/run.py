"""Runs a soak: load, an origin that flaps, and samples of the runtime."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from evenkeel.dev import checkout
from evenkeel.dev.runtime import READY_PATH
from measure.common.breaking_origin import Mode, Origin
from measure.common.open_loop import NO_ANSWER, OK, Visitors, load, until
from measure.common.peers import run_folder
from measure.soak.model import FAULTS, Sample, Seen, Settings
from measure.soak.serve import Served

FOLDER = checkout.CACHE / "soak"
ANSWER_SECONDS = 30.0

Show = Callable[[Sample], None]


async def soak(settings: Settings, show: Show) -> Seen:
    """Serve for the set time; `show` is called with every sample."""
    seen = Seen()
    origins = [Origin(name, settings.timeout) for name in ("flapping", "steady")]
    for origin in origins:
        await origin.start()
    with run_folder(FOLDER) as (family, folder):
        ports = [origin.port for origin in origins]
        served = await asyncio.to_thread(Served, family, folder, settings, ports, seen)
        started, requests = time.monotonic(), round(settings.rate * settings.seconds)
        visitors = Visitors(served.port, started)
        flapping = asyncio.create_task(flap(origins[0], settings, started))
        try:
            seen.late, _, _ = await asyncio.gather(
                load(visitors, settings.rate, requests, seen.records.append),
                ticks(served.port, settings, started, seen),
                take_samples(served, settings, started, seen, show),
            )
        finally:
            flapping.cancel()
            await asyncio.to_thread(served.stop)
            for origin in origins:
                origin.stop()
    seen.probes = [at - started for at in origins[1].probed]
    posts = origins[0].posts + origins[1].posts
    seen.replayed = sum(count > 1 for count in posts.values())
    return seen


async def ticks(port: int, settings: Settings, started: float, seen: Seen) -> None:
    """Send tiny requests that no origin gets, and record how late each answer is."""
    request = f"GET {READY_PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()

    async def one(at: float) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(request)
                await reader.readuntil(b"\r\n\r\n")
                writer.close()
        except (OSError, EOFError, TimeoutError):
            seen.errors.append(f"{NO_ANSWER} to a tiny request at {at:.1f} s")
        seen.stalls.append((at, time.monotonic() - started - at))

    asking = []
    for number in range(round(settings.seconds / settings.tick)):
        at = number * settings.tick
        await until(started + at)
        asking.append(asyncio.create_task(one(at)))
        asking = [task for task in asking if not task.done()]
    await asyncio.gather(*asking)


async def flap(origin: Origin, settings: Settings, started: float) -> None:
    """Fail at the end of each period, each time in another mode."""
    number = 0
    while True:
        end = started + (number + 1) * settings.period
        await until(end - settings.down)
        await origin.behave(FAULTS[number % len(FAULTS)])
        await until(end)
        for connection in tuple(origin.connections):
            if origin.mode is Mode.HANG:
                connection.drop()
        await origin.heal()
        number += 1


async def take_samples(
    served: Served, settings: Settings, started: float, seen: Seen, show: Show
) -> None:
    """Take a sample every few seconds."""
    at, stalls = 0.0, 0
    while at < settings.seconds:
        at = min(at + settings.sample, settings.seconds)
        await until(started + at)
        new, stalls = seen.stalls[stalls:], len(seen.stalls)
        sample = Sample(
            at=at,
            memory=served.memory,
            files=served.files,
            requests=len(seen.records),
            lost=sum(one.outcome != OK for one in seen.records),
            stall=max((stall for _, stall in new), default=0.0),
            errors=len(seen.errors),
        )
        seen.samples.append(sample)
        show(sample)
