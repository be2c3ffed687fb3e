"""Runs lines of the schedule, each with its own two origins and balancer."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from evenkeel.dev import checkout
from measure.common.breaking_origin import Origin
from measure.common.errors import MeasurementError
from measure.common.open_loop import OK, Clients, Record, Visitors, ask, load, until
from measure.common.peers import Place, Running, run_folder
from measure.faults.account import Account, Observed, account
from measure.faults.bounds import untrustworthy
from measure.faults.model import Effort, Layout, Timing
from measure.faults.peers import Peer
from measure.faults.schedule import ONE, TWO, Fault

FOLDER = checkout.CACHE / "faults"
START_SECONDS = 60.0
WARM_REQUESTS = 40
"""Requests answered before a line begins: code is compiled, connections are open."""
PROBE_ID = -1
SESSIONS = 31
"""Clients that keep their cookies. No multiple of POST_EVERY, so that each sends GETs and POSTs."""


@dataclass(frozen=True, slots=True)
class Line:
    """One fault on one peer in one layout."""

    peer: Peer
    layout: Layout
    fault: Fault

    @property
    def name(self) -> str:
        """Name in messages."""
        return f"{self.peer.name}, {self.layout.value}: {self.fault.name}"


@dataclass(frozen=True, slots=True)
class Result:
    """The account of one run of a line."""

    line: Line
    run: int
    account: Account


async def run(
    lines: Sequence[Line], timing: Timing, effort: Effort, done: Callable[[Result], None]
) -> list[Result]:
    """Run every line; one in which the load generator was late is run again."""
    todo = deque(
        (line, number, effort.repeats) for number in range(1, effort.runs + 1) for line in lines
    )
    results: list[Result] = []
    with run_folder(FOLDER) as (family, folder):
        place = Place(family, folder, ())
        while todo:
            batch = [todo.popleft() for _ in range(min(effort.at_once, len(todo)))]
            # Lines begin together: the start of a balancer would disturb the others.
            ready = asyncio.Barrier(len(batch))
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(measured(line, timing, place, ready)) for line, _, _ in batch
                ]
            for (line, number, left), task in zip(batch, tasks, strict=True):
                if untrustworthy(task.result()) and left:
                    todo.append((line, number, left - 1))
                    continue
                results.append(Result(line, number, task.result()))
                done(results[-1])
    return results


async def measured(line: Line, timing: Timing, place: Place, ready: asyncio.Barrier) -> Account:
    """Run one line as soon as all others are ready too; `place` has no origins yet."""
    origins = [Origin(name, timing.first_byte_timeout) for name in ("one", "two")]
    for origin in origins:
        await origin.start()
    place = replace(place, origins=[origin.port for origin in origins])
    running = await asyncio.to_thread(line.peer.start, place, line.layout, timing, line.fault.needs)
    try:
        await until_ready(line, running)
        await ready.wait()
        for origin in origins:
            origin.posts.clear()
        started = time.monotonic() + 0.1
        clients = Clients(sessions=SESSIONS if line.fault.needs.sessions else 0)
        visitors = Visitors(running.port, started, clients)
        records: list[Record] = []
        async with asyncio.TaskGroup() as group:
            group.create_task(break_origins(line.fault, origins, timing, started))
            beside = group.create_task(disturb(line.fault, running.port, timing, started))
            late = await load(visitors, timing.rate, timing.requests, records.append)
        observed = Observed(
            records=sorted(records, key=lambda one: one.at),
            posts=[origin.posts for origin in origins],
            beside=beside.result(),
            late=late,
        )
        return account(observed, timing, origins[TWO].name)
    finally:
        await asyncio.to_thread(running.stop)
        for origin in origins:
            origin.stop()


async def until_ready(line: Line, running: Running) -> None:
    """Wait until a peer has answered a number of requests in a row."""
    deadline, answered = time.monotonic() + START_SECONDS, 0
    while answered < WARM_REQUESTS:
        record = await ask(Visitors(running.port, time.monotonic()), PROBE_ID, 0.0)
        if record.outcome == OK:
            answered += 1
            continue
        if time.monotonic() > deadline or not running.process.runs():
            raise MeasurementError(
                f"{line.peer.name} does not serve ({record.outcome}):\n{running.process.output()}"
            )
        await asyncio.sleep(0.05)


async def break_origins(
    fault: Fault, origins: Sequence[Origin], timing: Timing, started: float
) -> None:
    """Carry out a fault, and let the origins recover at its end."""
    begin = started + timing.before
    await until(begin)
    for origin in origins:
        origin.paths = fault.paths
    for step in fault.steps(timing.fault):
        await until(begin + step.at)
        await origins[step.origin].behave(step.mode)
    # Slightly before the first request that must be answered again.
    await until(begin + timing.fault - 0.5 / timing.rate)
    for origin in (origins[ONE], origins[TWO]):
        await origin.heal()


async def disturb(fault: Fault, port: int, timing: Timing, started: float) -> list[Record]:
    """Send the requests of a fault's disturbance, if it has one; returns their records."""
    records: list[Record] = []
    if (beside := fault.beside) is not None:
        visitors = Visitors(port, started + beside.begin(timing), beside.clients)
        await load(visitors, beside.rate, beside.requests(timing), records.append)
    return records
