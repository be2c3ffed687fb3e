"""What happens behind responses: the shared view is brought up to date, and probes are sent."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

import js

from lb.log_events import trouble
from lb.metrics.points import WRITTEN_EVERY
from lb.model.identity import identity_of
from lb.model.watched import monitored
from lb.probing.run import check
from lb.state.kv import KV_REFRESH, KvWriter
from lb.state.pull import taken_apart
from lb.state.refresh import Home, Refresh, home_of
from lb.state.shared_view import from_json, to_json
from lb.worker.runtime import clock, js_object

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from lb.health.verdict import OriginHealth
    from lb.metrics.isolate_totals import IsolateTotals
    from lb.model import Config, Origin, OriginKey, Watch
    from lb.ports import Log
    from lb.probing.ports import Prober
    from lb.state.memory import Memory
    from lb.state.pull import Delivered

    Reconfigure = Callable[[Delivered, str | None], bool]
    Work = Coroutine[Any, Any, None]
    Due = list[tuple[Origin, Watch]]

MAIN = "main"
"""The name of the object that all isolates ask; every region that probes has one of its own."""

ANALYTICS = "LB_ANALYTICS"
"""The binding of a dataset of Analytics Engine, if there is one."""

KEY = "health"
"""Of the text in KV."""


class Behind:
    """One isolate's background work: plain data between requests, one coroutine for each run."""

    def __init__(  # noqa: PLR0913, PLR0917 (one for each thing that it works with)
        self,
        config: Config,
        version: int,
        memory: Memory,
        prober: Prober,
        env: Any,
        reconfigure: Reconfigure,
        log: Log,
        counts: IsolateTotals,
        *,
        handed: bool,
    ) -> None:
        """`reconfigure` is told of another configuration; where it takes it, this one is done.

        `handed`: whether anybody asks the Durable Object for the counts.
        """
        watched = [origin for origin, _ in monitored(config)]
        home = home_of(js.Object.keys(env).to_py())
        if not watched and home is Home.KV:
            home = Home.MEMORY  # KV holds health alone, the object also what operators configure
        self._env = env
        self._version = version
        self._reconfigure = reconfigure
        self._memory = memory
        self._prober = prober
        self._watched = watched
        self._log = log
        self._counts = counts
        self._handed = handed
        self._write_at = 0.0 if getattr(env, ANALYTICS, None) else inf
        self._sharing = Refresh(
            identity_of(config), home, config.state.refresh, watches=bool(watched)
        )
        self._publishing = KvWriter(identity_of(config))
        self._run = WAYS[home]

    def work(self, now: float) -> Work | None:
        """Return what there is to do behind this response; nothing costs a few comparisons."""
        memory, sharing = self._memory, self._sharing
        if memory.reports:
            sharing.hurry(now)
        if sharing.due(now):
            return self._run(self)
        if now >= self._write_at:
            return self._write()
        # Probes of its own wait for a refresh that is under way: it may make them unnecessary.
        due = [] if sharing.under_way(now) else memory.due(now)
        return self._probe(due) if due or memory.news else None

    async def _probe(self, due: Due) -> None:
        memory = self._memory
        before = memory.snapshot(clock())
        await check(due, memory, self._prober, clock, self._log)
        now = clock()
        if memory.snapshot(now) is not before:
            # Others may want to know, or know more.
            self._sharing.hurry(now)

    async def _write(self) -> None:
        """Write what was counted to Analytics Engine, which makes nobody wait."""
        self._write_at = clock() + WRITTEN_EVERY
        try:
            write = getattr(self._env, ANALYTICS).writeDataPoint
            for key, blobs, doubles in self._counts.points():
                write(js_object(indexes=[key], blobs=blobs, doubles=doubles))
        except Exception as error:  # noqa: BLE001 (numbers are never worth a request)
            self._log(trouble("data points cannot be written", error))

    async def with_object(self) -> None:
        """Ask the Durable Object, and report what failed; then probe what it leaves to us."""
        if await self.ask():
            await self._probe(self._memory.due(clock()))

    async def ask(self) -> bool:
        """Ask the Durable Object; False when it has another configuration, which took over."""
        reports, answer = self._memory.take_reports(), None
        counts = self._counts.offer(clock()) if self._handed else None
        try:
            state = self._env.LB_STATE.getByName(MAIN)
            answer = await state.pull(self._sharing.question(reports, self._version, counts))
        except Exception as error:  # noqa: BLE001 (whatever it is, this isolate goes on alone)
            self._log(trouble("the state object cannot be reached", error))
        delivered, health = taken_apart(answer)
        if delivered is not None and self._reconfigure(delivered, health):
            return False
        self.adopt(health)
        return True

    async def with_kv(self) -> None:
        """Read what other isolates found, probe as without them, and write what is new."""
        self._memory.take_reports()  # nobody is there to be told
        text = None
        try:
            text = await self._env.LB_KV.get(KEY, js_object(cacheTtl=KV_REFRESH))
            self.adopt(text or None)
            await self._probe(self._memory.due(clock()))
            now = clock()
            view = self._publishing.view(self._own(now), from_json(text or ""), now)
            if view is not None:
                await self._env.LB_KV.put(KEY, to_json(view))
        except Exception as error:  # noqa: BLE001 (whatever it is, this isolate goes on alone)
            self._log(trouble("KV cannot be reached", error))
            self.adopt(None)

    async def alone(self) -> None:
        """Nothing is shared."""

    def adopt(self, answer: str | None) -> None:
        """Take what the object says of health."""
        now = clock()
        shared = self._sharing.take(answer, now)
        self._counts.acknowledged(self._sharing.acknowledged)
        if shared is not None:
            self._memory.adopt(shared, now)

    def _own(self, now: float) -> dict[OriginKey, OriginHealth]:
        snapshot = self._memory.snapshot(now)
        return {origin.key: snapshot.health(origin) for origin in self._watched}


WAYS: Mapping[Home, Callable[[Behind], Work]] = {
    Home.OBJECT: Behind.with_object,
    Home.KV: Behind.with_kv,
    Home.MEMORY: Behind.alone,
}
