"""The Durable Object on the runtime: passes events and storage on to the coordinator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workers import DurableObject

from lb.admin.calls import Answer, Call, enveloped
from lb.admin.handlers.context import HandlerContext
from lb.admin.handlers.table import answer
from lb.admin.refusals import BROKEN
from lb.log_events import trouble
from lb.object.ports import Ports
from lb.object.run import Coordinator
from lb.worker.deployment import source_of, variables_of
from lb.worker.object.deliverer import RuntimeDeliverer
from lb.worker.object.prober import FetchProber
from lb.worker.object.region_objects import ObjectRegions
from lb.worker.request.fetches import Timers
from lb.worker.runtime import chance, clock, log

if TYPE_CHECKING:
    from lb.catalog.store import ConfigStore
    from lb.config import Source
    from lb.object.keeper import Keeper


class State(DurableObject):
    """Called by isolates, by the cron trigger and by its alarm.

    No method raises, except an alarm that cannot set the next one. The runtime calls `on_alarm`
    where handlers are plain functions, as here, and `alarm` where they are classes.
    """

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        self._storage = ctx.storage
        deployment = Bindings(env)
        self._secret = deployment.secret
        self._coordinator = Coordinator(
            Ports(
                sql=self._sql,
                alarms=StorageAlarms(ctx.storage),
                deployment=deployment,
                prober=FetchProber(Timers(), deployment.secret),
                regions=lambda configuration: ObjectRegions(env, configuration),
                deliverer=RuntimeDeliverer(env, Timers()),
                clock=clock,
                chance=chance,
                log=log,
            )
        )

    async def pull(self, text: str) -> str:
        """Answer an isolate (lb.object.keeper.Keeper.pull)."""
        try:
            return await self._coordinator.pull(text)
        except Exception as error:  # noqa: BLE001 (the isolate goes on without)
            log(trouble("the state object failed", error))
            return ""

    async def admin(self, text: str) -> str:
        """Answer an operator: a Call's text in, an Answer's text out."""

        def answered(store: ConfigStore, keeper: Keeper | None) -> Answer:
            context = HandlerContext(
                store=store,
                keeper=keeper,
                sql=self._sql,
                clock=clock,
                chance=chance,
                secret=self._secret,
            )
            return answer(context, Call.from_json(text))

        try:
            said = await self._coordinator.operate(answered)
        except Exception as error:  # noqa: BLE001 (the operator gets an error)
            log(trouble("an admin call failed", error))
            said = enveloped(BROKEN)
        return said.to_json()

    async def wake(self) -> None:
        """Set the alarm again if it was lost."""
        try:
            await self._coordinator.wake()
        except Exception as error:  # noqa: BLE001 (the next trigger tries again)
            log(trouble("the state object failed", error))

    async def probe(self, text: str, configuration: str = "") -> str:
        """Probe from here on behalf of another object (lb.probing.region_votes)."""
        try:
            return await self._coordinator.probe(text, configuration)
        except Exception as error:  # noqa: BLE001 (a region that fails has no vote)
            log(trouble("probing from a region failed", error))
            return ""

    async def on_alarm(self, info: Any = None) -> None:  # noqa: ARG002 (the runtime passes it)
        """Run what is due, and set the next alarm."""
        await self._coordinator.alarm()

    alarm = on_alarm

    def _sql(self, statement: str, *values: str | float | None) -> list[dict[str, Any]]:
        """The Sql port: all rows in one crossing. NULL arrives as JavaScript's null."""
        rows = self._storage.sql.exec(statement, *values).toArray().to_py()
        return [
            {
                name: value if isinstance(value, str | int | float) else None
                for name, value in row.items()
            }
            for row in rows
        ]


class StorageAlarms:
    """The Alarms port over the object's storage, which counts in milliseconds.

    https://developers.cloudflare.com/durable-objects/api/alarms/
    """

    def __init__(self, storage: Any) -> None:
        self._storage = storage

    async def get(self) -> float | None:
        """Return the time that the alarm is set to; None: not set."""
        pending = await self._storage.getAlarm()
        return pending / 1000 if pending else None

    async def set(self, at: float) -> None:
        """Set the alarm, never before `at`."""
        await self._storage.setAlarm(int(at * 1000) + 1)


class Bindings:
    """The Deployment port over the Worker's bindings."""

    def __init__(self, env: Any) -> None:
        self._env = env

    def source(self) -> Source:
        """Return the file, or the variables in its place."""
        return source_of(variables_of(self._env), log)

    def secret(self, name: str) -> str:
        """Return the value of a secret; "" without one."""
        return str(variables_of(self._env).get(name) or "")

    def is_bound(self, name: str) -> bool:
        """Whether there is a binding of this name."""
        return bool(getattr(self._env, name, None))
