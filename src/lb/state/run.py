"""Drives refreshes, probes and writes behind responses, and the wait of first requests."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Any

from lb.log_events import trouble
from lb.model.identity import identity_of
from lb.model.watched import monitored
from lb.state.kv import KvWriter
from lb.state.pull import NO_HEALTH, PulledHealth, question, read_answer
from lb.state.pull_times import refresh_of
from lb.state.refresh import DATASET, LOOK_FIRST, Home, Refresh, home_of
from lb.state.served_config import FIRST_WAIT, LOOK_AGAIN
from lb.state.shared_view import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from lb.health.verdict import OriginHealth
    from lb.model import Config, OriginKey
    from lb.ports import Clock, Log
    from lb.state.memory import Memory
    from lb.state.ports import Due, Ports
    from lb.state.pull import Delivered
    from lb.state.served_config import ServedConfig

    Reconfigure = Callable[[Delivered, PulledHealth], bool]
    Work = Coroutine[Any, Any, None]

POINTS_EVERY = 60.0
"""Seconds between two writes of data points: one point for each kind of thing in that time."""


class BackgroundWork:
    """The background work of one configuration; plain data between requests.

    Each piece of work is a coroutine of its own, which the runtime may drop at any await.
    """

    def __init__(
        self, config: Config, version: int, memory: Memory, ports: Ports, reconfigure: Reconfigure
    ) -> None:
        """`reconfigure` takes a delivered configuration; True = it serves, in place of this one."""
        self._watched = [origin for origin, _ in monitored(config)]
        fingerprint, watches = identity_of(config), bool(self._watched)
        home = home_of(ports.bindings, watches=watches)
        self._version = version
        self._memory = memory
        self._ports = ports
        self._reconfigure = reconfigure
        self._refresh = Refresh(fingerprint, home, refresh_of(config), watches=watches)
        self.old_at = self._refresh.old_at
        """When the view is old: a plain attribute, as each request compares it."""
        self._kv_writer = KvWriter(fingerprint)
        self._points_at = 0.0 if DATASET in ports.bindings else inf
        self._run = WAYS[home]

    def work(self, now: float) -> Work | None:
        """Return the work to do behind this response; None costs a few comparisons."""
        memory, refresh = self._memory, self._refresh
        if memory.reports:
            refresh.hurry(now)
        if refresh.due(now):
            return self._run(self)
        if now >= self._points_at:
            return self.write_points()
        # Own probes wait for a refresh that is under way, which may make them unnecessary.
        due = [] if refresh.under_way(now) else memory.due(now)
        return self._probe(due) if due or memory.news else None

    async def with_object(self) -> None:
        """Ask the Durable Object, and report failures; then probe what its view leaves out."""
        if await self.ask():
            await self._probe(self._memory.due(self._ports.clock()))

    async def ask(self) -> bool:
        """Ask the Durable Object; False = another configuration took over."""
        ports, answer = self._ports, None
        reports = self._memory.take_reports()
        counts = ports.counts.offer(ports.clock()) if ports.counts_are_read else None
        asked = question(self._refresh.known, self._version, reports, counts)
        try:
            answer = await ports.state_object.pull(asked)
        except asyncio.CancelledError:
            self._memory.reports.extendleft(reversed(reports))
            raise
        except Exception as error:  # noqa: BLE001 (the isolate goes on alone)
            ports.log(trouble("the state object cannot be reached", error))
        delivered, health = read_answer(answer)
        if delivered is not None and self._reconfigure(delivered, health):
            return False
        self.adopt(health)
        return True

    async def look_first(self) -> None:
        """Ask the Durable Object before a request that cannot be sent again. Never raises.

        Waits `LOOK_FIRST` at most, from the start of the pull, for this request's or for another
        one's. A pull that takes longer is given up, and repeated behind the response: work that
        outlives its request would hide who cut a response off (docs/decisions/cut-off-answers.md).
        """
        refresh, clock = self._refresh, self._ports.clock
        if refresh.due(clock(), LOOK_FIRST):
            with suppress(TimeoutError):
                await asyncio.wait_for(self.ask(), LOOK_FIRST)
            return
        # Requests share no future (docs/decisions/first-request.md).
        while refresh.wait_left(clock()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_AGAIN)

    async def with_kv(self) -> None:
        """Read what other isolates found, probe, and write what is new."""
        ports = self._ports
        self._memory.take_reports()  # KV has no prober to report to
        try:
            there = from_json(await ports.kv.get() or "")
            self.adopt(PulledHealth(view=there))
            await self._probe(self._memory.due(ports.clock()))
            now = ports.clock()
            view = self._kv_writer.view(self._own_health(now), there, now)
            if view is not None:
                await ports.kv.put(to_json(view))
        except Exception as error:  # noqa: BLE001 (the isolate goes on alone)
            ports.log(trouble("KV cannot be reached", error))
            self.adopt(NO_HEALTH)

    async def alone(self) -> None:
        """Do nothing: nothing is shared."""

    async def write_points(self) -> None:
        """Write what was counted to Analytics Engine."""
        ports = self._ports
        self._points_at = ports.clock() + POINTS_EVERY
        try:
            ports.dataset.write(ports.counts.points())
        except Exception as error:  # noqa: BLE001 (numbers are never worth a request)
            ports.log(trouble("data points cannot be written", error))

    def adopt(self, health: PulledHealth) -> None:
        """Take the health in an answer."""
        now = self._ports.clock()
        shared = self._refresh.take(health, now)
        self.old_at = self._refresh.old_at
        self._ports.counts.acknowledged(health.stored)
        if shared is not None:
            self._memory.adopt(shared, now)

    async def _probe(self, due: Due) -> None:
        memory, clock = self._memory, self._ports.clock
        before = memory.snapshot(clock())
        await self._ports.check(due, memory)
        now = clock()
        if memory.snapshot(now) is not before:
            # A change is worth reporting, and others may know more.
            self._refresh.hurry(now)

    def _own_health(self, now: float) -> dict[OriginKey, OriginHealth]:
        snapshot = self._memory.snapshot(now)
        return {origin.key: snapshot.health(origin) for origin in self._watched}


WAYS: Mapping[Home, Callable[[BackgroundWork], Work]] = {
    Home.OBJECT: BackgroundWork.with_object,
    Home.KV: BackgroundWork.with_kv,
    Home.MEMORY: BackgroundWork.alone,
}
"""Refreshes, by the home of the shared view."""


async def until_certain(
    served: ServedConfig, ask: Callable[[], Awaitable[object]], clock: Clock, log: Log
) -> None:
    """Wait until it is known what operators have configured, `FIRST_WAIT` at most. Never raises."""
    try:
        if served.asks(clock()):
            await asyncio.wait_for(ask(), FIRST_WAIT)
            served.settle()
        # An asyncio.Event would belong to the request that made it.
        while served.waits(clock()):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_AGAIN)
    except Exception as error:  # noqa: BLE001 (the deployment's configuration serves)
        log(trouble("the configuration is not known yet", error))
    served.settle()
