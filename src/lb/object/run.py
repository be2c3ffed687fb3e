"""Drives the Durable Object: answers isolates and operators, and runs its alarms."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from lb.catalog.store import ConfigStore
from lb.log_events import Trouble, trouble
from lb.model import Config
from lb.model.identity import identity_of
from lb.notify.run import Notifier
from lb.notify.secrets import prepare
from lb.object.alarm import AFTER_A_FAULT, TURNS, Alarm, Turn
from lb.object.delivery import answer_with, config_in, text_for_regions
from lb.object.keeper import Keeper
from lb.object.previews import Previews, due_in, pools_in, results
from lb.probing.region_votes import question_from_json, votes_to_json
from lb.probing.run import probe_from_regions, verdicts

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.object.ports import Ports
    from lb.ports import Clock
    from lb.probing.ports import Prober, Regions

Answer = TypeVar("Answer")


class Coordinator:
    """The one object that probes for all isolates and keeps the state that they share.

    It may be evicted between any two events; state that must survive is in SQLite.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._store: ConfigStore | None = None
        self._keeper: Keeper | None = None
        self._regions: Regions | None = None
        self._kept_version = -1
        """The version of the configuration that the keeper was made with."""
        self._alarm = Alarm()
        self._running = False
        """Whether an alarm is running; it sets the next one when it ends."""
        self._turn = Turn.ROUND

    async def pull(self, text: str) -> str:
        """Answer an isolate (Keeper.pull); "" without a valid configuration."""
        keeper = self.keeper()
        if keeper is None:
            return ""
        answer = answer_with(self.store(), text, keeper.pull(text))
        await self._arm()
        return answer

    async def operate(self, answer: Callable[[ConfigStore, Keeper | None], Answer]) -> Answer:
        """Return an operator's answer, and set the alarm for what the call changed."""
        said = answer(self.store(), self.keeper())
        await self._arm()
        if not self._running and self._previews().waiting:
            await self._set(self._ports.clock())
        return said

    async def wake(self) -> None:
        """Set the alarm again if it was lost."""
        self._alarm.at = None
        await self._arm()

    async def probe(self, text: str, configuration: str = "") -> str:
        """Probe from here on behalf of another object; return the votes as text.

        `text` is from question_to_json, `configuration` from text_for_regions. Returns "" without
        a valid configuration.
        """
        config = config_in(configuration) or self.store().effective.config
        if not isinstance(config, Config):
            return ""
        due = question_from_json(text, config)
        return votes_to_json(await verdicts(due, self._ports.prober, self._ports.clock))

    async def alarm(self) -> None:
        """Run what is due, and set the next alarm, also after a fault.

        Raises only if the alarm cannot be set, so that the runtime repeats it.
        """
        self._running = True
        try:
            next_at = await self._take_turn()
        except Exception as error:  # noqa: BLE001 (the runtime repeats an alarm that raises six times)
            self._ports.log(trouble("the state object's alarm failed", error))
            next_at = self._ports.clock() + AFTER_A_FAULT
        finally:
            self._running = False
        if next_at is not None:
            await self._set(next_at)

    def store(self) -> ConfigStore:
        """Return the store of the configuration."""
        if self._store is None:
            store = ConfigStore(self._ports.sql, self._ports.deployment.source())
            for problem in store.effective.problems if store.version else ():
                self._log(f"the file does not go with what was configured: {problem}")
            self._store = store
        return self._store

    def keeper(self) -> Keeper | None:
        """Return the keeper of the current configuration; None without a valid one.

        The keeper of a new configuration goes on with the stored row and the previous keeper's
        memory.
        """
        store = self.store()
        if self._kept_version != store.version:
            config, before = store.effective.config, self._keeper
            self._keeper = None if config is None else self._keeper_of(config)
            self._regions = self._ports.regions(text_for_regions(store))
            if before is not None and self._keeper is not None:
                self._keeper.remember(before)
            self._kept_version = store.version
        return self._keeper

    async def _take_turn(self) -> float | None:
        """Run a round or a preview; return the time of the next alarm."""
        keeper, regions, previews = self.keeper(), self._regions, self._previews()
        self._turn = TURNS[self._turn, previews.waiting]
        if self._turn is Turn.PREVIEW:
            await run_preview(previews, self._ports.prober, self._ports.clock)
        elif keeper is not None and regions is not None:
            await run_round(keeper, self._ports.prober, regions, self._ports.clock)
        if previews.waiting:
            return self._ports.clock()
        keeper = self.keeper()  # operators may have changed the configuration meanwhile
        return None if keeper is None else keeper.next_at

    async def _arm(self) -> None:
        """Set the alarm if it must be."""
        keeper, now = self.keeper(), self._ports.clock()
        next_at = None if keeper is None else keeper.next_at
        if next_at is None or self._running:
            return
        if self._alarm.at is None:
            self._alarm.at = await self._ports.alarms.get()
        at = self._alarm.wanted(next_at, now)
        if at is not None:
            await self._set(at)

    async def _set(self, at: float) -> None:
        self._alarm.at = at = max(at, self._ports.clock())
        await self._ports.alarms.set(at)

    def _previews(self) -> Previews:
        return Previews(self._ports.sql)

    def _keeper_of(self, config: Config) -> Keeper:
        return Keeper(
            config,
            identity_of(config),
            sql=self._ports.sql,
            clock=self._ports.clock,
            log=self._ports.log,
            teller=self._teller_of(config),
        )

    def _teller_of(self, config: Config) -> Callable[[str], Notifier] | None:
        """Return a function that makes the notifier from its stored text; None without one."""
        if not config.notifications:
            return None
        deployment = self._ports.deployment
        ready = prepare(config, secret=deployment.secret, is_bound=deployment.is_bound)
        for problem in ready.problems:
            self._log(problem)
        return partial(
            Notifier,
            config,
            ready,
            deliverer=self._ports.deliverer,
            clock=self._ports.clock,
            chance=self._ports.chance,
            log=self._ports.log,
        )

    def _log(self, problem: str) -> None:
        self._ports.log(Trouble(message=problem))


async def run_round(keeper: Keeper, prober: Prober, regions: Regions, clock: Clock) -> None:
    """Probe what is due, store the results, and send due notifications."""
    due = keeper.begin_round()
    await probe_from_regions(
        due, keeper.check_regions, prober=prober, regions=regions, clock=clock, take=keeper.take
    )
    keeper.end_round(probed=bool(due))
    if keeper.teller is not None:
        await keeper.teller.tell()
        keeper.store()


async def run_preview(previews: Previews, prober: Prober, clock: Clock) -> None:
    """Run the preview that waits longest."""
    taken = previews.take()
    if taken is None:
        return
    preview, document = taken
    pools = pools_in(document)
    found = await verdicts(due_in(pools), prober, clock)
    previews.keep(preview, results(pools, found))
