"""The Durable Object: keeps the health of all isolates, and probes by its alarm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workers import DurableObject

from lb.admin.calls import Call, enveloped, refused
from lb.admin.handlers.context import HandlerContext
from lb.admin.handlers.table import answer as desk_answer
from lb.catalog.effective import read
from lb.catalog.store import ConfigStore
from lb.config import Invalid
from lb.log_events import Trouble
from lb.model.identity import identity_of
from lb.notify.run import Notifier
from lb.notify.secrets import prepare
from lb.object.keeper import Keeper
from lb.object.previews import Previews
from lb.probing.region_votes import question_from_json, votes_to_json
from lb.probing.run import probe
from lb.state.pull import (
    OF_THE_DEPLOYMENT,
    Delivered,
    taken_apart,
    version_asked,
    with_configuration,
)
from lb.worker.deployment import source_of, variables_of
from lb.worker.object.deliverer import RuntimeDeliverer
from lb.worker.object.prober import FetchProber
from lb.worker.object.region_objects import ObjectRegions
from lb.worker.request.fetches import Timers
from lb.worker.runtime import chance, clock, log, trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.health.verdict import Verdict
    from lb.model import Config, Origin, OriginKey, Watch

AFTER_A_FAULT = 60.0
"""Seconds until the alarm is tried again after a fault of our own."""

OVERDUE = 60.0
"""Seconds after which an alarm that has not gone off is set anew."""


class State(DurableObject):
    """Called by isolates, by the cron trigger and by its alarm. No method raises.

    The runtime calls an alarm `on_alarm` where handlers are plain functions, as here, and `alarm`
    where they are classes.
    """

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        self._storage = ctx.storage
        self._env = env
        self._store: ConfigStore | None = None
        self._keeper: Keeper | None = None
        self._kept_version = -1
        """Of the configuration that the keeper was made with."""
        self._alarm_at: float | None = None
        self._running = False
        self._previewed = False
        """Whether the latest alarm was a preview's."""

    async def pull(self, text: str) -> str:
        """Answer an isolate (lb.keeper.Keeper.pull)."""
        try:
            keeper = self._start()
            if keeper is None:
                return ""
            answer = self._with_configuration(text, keeper.pull(text))
            await self._arm(keeper)
        except Exception as error:  # noqa: BLE001 (the isolate goes on without)
            log(trouble("the state object failed", error))
            return ""
        return answer

    async def admin(self, text: str) -> str:
        """Answer an operator (lb.desk); the text is a Call's, and so is the one returned."""
        try:
            context = HandlerContext(
                store=self._configuration(),
                keeper=self._start(),
                sql=self._sql,
                clock=clock,
                chance=chance,
            )
            answer = desk_answer(context, Call.from_json(text))
            keeper = self._start()
            if keeper is not None:
                await self._arm(keeper)
            if not self._running and Previews(self._sql).waiting:
                await self._set(clock())
        except Exception as error:  # noqa: BLE001 (the operator is told that it went wrong)
            log(trouble("an admin call failed", error))
            return enveloped(refused(500, 1000, "a fault of the load balancer itself")).to_json()
        return answer.to_json()

    async def wake(self) -> None:
        """See to it that the alarm is set, whatever became of it."""
        try:
            keeper = self._start()
            if keeper is not None:
                self._alarm_at = None
                await self._arm(keeper)
        except Exception as error:  # noqa: BLE001 (the next trigger tries again)
            log(trouble("the state object failed", error))

    async def probe(self, text: str, configuration: str = "") -> str:
        """Probe the named origins from where this object is (lb.regions)."""
        try:
            config = self._config_of(configuration)
            if config is None:
                return ""
            votes: dict[OriginKey, Verdict] = {}

            def take(origin: Origin, _watch: Watch, verdict: Verdict) -> None:
                votes[origin.key] = verdict

            await probe(question_from_json(text, config), FetchProber(Timers()), clock, take)
            return votes_to_json(votes)
        except Exception as error:  # noqa: BLE001 (a region that fails has no vote)
            log(trouble("probing from a region failed", error))
            return ""

    async def on_alarm(self, info: Any = None) -> None:  # noqa: ARG002 (the runtime gives it)
        """Run what is due, and set the next alarm."""
        self._running = True
        next_at: float | None = clock() + AFTER_A_FAULT
        try:
            keeper = self._start()
            previews = Previews(self._sql)
            # In turns: an alarm has subrequests for one of the two.
            self._previewed = previews.waiting and not self._previewed
            if self._previewed:
                await previews.run(FetchProber(Timers()), clock)
                next_at = keeper.next_at if keeper is not None else None
            else:
                next_at = await keeper.alarm() if keeper is not None else None
            if self._keeper is not keeper and self._keeper is not None:
                next_at = self._keeper.next_at  # the configuration was changed meanwhile
            if previews.waiting:
                next_at = clock()
        except Exception as error:  # noqa: BLE001 (an alarm that raises is repeated, then given up)
            log(trouble("the state object's alarm failed", error))
        finally:
            self._running = False
        if next_at is not None:
            await self._set(next_at)

    alarm = on_alarm

    def _start(self) -> Keeper | None:
        """Return the keeper of the configuration that serves; it goes on with what is stored."""
        store = self._configuration()
        if self._kept_version != store.version:
            config = store.effective.config
            before = self._keeper
            self._keeper = self._keeper_of(config) if config is not None else None
            if before is not None and self._keeper is not None:
                self._keeper.remember(before)
            self._kept_version = store.version
        return self._keeper

    def _keeper_of(self, config: Config) -> Keeper:
        return Keeper(
            config,
            identity_of(config),
            sql=self._sql,
            prober=FetchProber(Timers()),
            clock=clock,
            log=log,
            regions=ObjectRegions(self._env, self._delivered()),
            teller=self._teller(config),
        )

    def _teller(self, config: Config) -> Callable[[str], Notifier] | None:
        """Return how to make the notifier from what was kept; None where nobody is to be told."""
        if not config.notifications:
            return None
        secrets = variables_of(self._env)
        ready = prepare(
            config,
            secret=lambda name: str(secrets.get(name) or ""),
            is_bound=lambda name: bool(getattr(self._env, name, None)),
        )
        for problem in ready.problems:
            log(Trouble(message=problem))
        deliverer = RuntimeDeliverer(self._env, Timers())
        return lambda kept: Notifier(
            config, ready, kept, deliverer=deliverer, clock=clock, chance=chance, log=log
        )

    def _configuration(self) -> ConfigStore:
        if self._store is None:
            store = ConfigStore(self._sql, source_of(variables_of(self._env), log))
            for problem in store.effective.problems if store.version else ():
                log(Trouble(message=f"the file does not go with what was configured: {problem}"))
            self._store = store
        return self._store

    def _with_configuration(self, question: str, health: str) -> str:
        """Return the answer, with the configuration where the isolate has another one."""
        version = self._configuration().version
        if version_asked(question) in {None, version}:
            return health
        return self._delivered(health) or with_configuration(OF_THE_DEPLOYMENT, health)

    def _delivered(self, health: str = "") -> str:
        """Return what operators have configured, as text; "" where they have not."""
        store = self._configuration()
        if not store.version:
            return ""
        delivered = Delivered(
            version=store.version,
            document=store.effective.made.document,
            short_sessions=store.effective.short_sessions,
        )
        return with_configuration(delivered, health)

    def _config_of(self, configuration: str) -> Config | None:
        """Return the configuration that another object speaks of; without one, this object's."""
        delivered, _ = taken_apart(configuration)
        if delivered is None or delivered.document is None:
            return self._configuration().effective.config
        found = read(delivered.document, short_sessions=delivered.short_sessions)
        return None if isinstance(found, Invalid) else found

    async def _arm(self, keeper: Keeper) -> None:
        """Set the alarm where it is missing, late, or later than it is wanted now.

        A set alarm counts as a row written, so it is only moved for a reason.
        """
        wanted = keeper.next_at
        if wanted is None or self._running:
            return
        now = clock()
        if self._alarm_at is None:
            pending = await self._storage.getAlarm()
            self._alarm_at = pending / 1000 if pending else None
        if (
            self._alarm_at is None
            or self._alarm_at < now - OVERDUE
            or max(wanted, now) < self._alarm_at - 0.5
        ):
            await self._set(wanted)

    async def _set(self, at: float) -> None:
        self._alarm_at = max(at, clock())
        await self._storage.setAlarm(int(self._alarm_at * 1000) + 1)

    def _sql(self, statement: str, *values: str | float | None) -> list[dict[str, Any]]:
        """The Sql port: all rows in one crossing; NULL arrives as a null of JavaScript's."""
        rows = self._storage.sql.exec(statement, *values).toArray().to_py()
        return [
            {
                name: value if isinstance(value, str | int | float) else None
                for name, value in row.items()
            }
            for row in rows
        ]
