"""What an isolate keeps between requests, and the runtime's handler that finds it."""

from __future__ import annotations

from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from lb.catalog.effective import read
from lb.config import admin_of
from lb.log_events import Trouble, trouble
from lb.metrics.isolate_totals import IsolateTotals
from lb.model import Config
from lb.model.missing_secrets import problems_of
from lb.probing.run import check
from lb.proxy.cut_offs import CutOffs
from lb.state.ports import Ports
from lb.state.refresh import DATASET, Home
from lb.state.run import BackgroundWork, until_certain
from lb.state.served_config import ServedConfig
from lb.worker.admin.admin_side import served_admin_side
from lb.worker.deployment import in_development, secret_in, source_of, start, variables_of
from lb.worker.object.prober import FetchProber
from lb.worker.request.bindings import BoundDataset, BoundKv, BoundObject, bindings_of
from lb.worker.request.body_watch import BodyWatch
from lb.worker.request.edge import FAULT, Edge
from lb.worker.request.runtime_facts import refused
from lb.worker.request.transport import Toolkit
from lb.worker.runtime import chance, clock, log

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.config import Invalid
    from lb.health.snapshot import Snapshot
    from lb.proxy.balancer import Balancer
    from lb.state.memory import Memory
    from lb.state.ports import Due
    from lb.state.pull import Delivered, PulledHealth


def answer(request: Any, env: Any, ctx: Any) -> Any:
    """Answer a request, even if the balancer itself fails.

    A plain function: the runtime accepts a response, a promise or a coroutine, and the common
    request needs no coroutine.
    """
    try:
        return (_known[0] if _known else _isolate(env)).answer(request, ctx)
    except Exception as error:  # noqa: BLE001 (uncaught, it would be the runtime's bare 500)
        log(trouble("a request failed", error))
        return refused(FAULT)


class Isolate:
    """The configuration that serves, the background work, and the way of requests."""

    def __init__(self, env: Any) -> None:
        self._variables = variables = variables_of(env)
        bindings = bindings_of(env)
        counts = IsolateTotals(f"{chance():.16f}", clock(), analytics=DATASET in bindings)
        self._counts = counts
        self._log = counts.counting_log(log)
        source = source_of(variables, log)
        admin = admin_of(source.document)
        side = served_admin_side(admin, variables, env, self._follow, self._view)
        tools = Toolkit()
        prober = FetchProber(tools.timers, secret_in(variables))

        async def probe(due: Due, memory: Memory) -> None:
            await check(due, memory, prober, clock, self._log)

        self._ports = Ports(
            bindings=bindings,
            state_object=BoundObject(env),
            kv=BoundKv(env),
            dataset=BoundDataset(env),
            counts=counts,
            counts_are_read=side is not None,
            check=probe,
            clock=clock,
            log=self._log,
        )
        self._served = ServedConfig(
            source.parsed if isinstance(source.parsed, Config) else None,
            _read,
            has_object=Home.OBJECT.value in bindings,
            has_admin=side is not None,
        )
        self._missing_secrets: tuple[str, ...] = ()
        """What was logged of secrets that headers name."""
        self._edge = Edge(tools, counts, side, self._log, development=in_development(variables))
        self._serve(None)

    def _serve(self, before: Balancer | None) -> None:
        """Set up the configuration that serves from now on; `before` served until now."""
        served = self._served
        self._balancer = balancer = start(served.config, self._variables, before, self._counts)
        problems = problems_of(served.config, secret_in(self._variables))
        for problem in problems:
            if problem not in self._missing_secrets:
                log(Trouble(message=problem))
        self._missing_secrets = problems
        memory = balancer.memory
        self._background = BackgroundWork(
            served.config, served.version, memory, self._ports, self._reconfigure
        )
        lbs = [serving.lb for serving in balancer.servings]
        bodies = BodyWatch(CutOffs(lbs, memory, clock, self._log))
        self._edge.serve(balancer, self._background, bodies, good=served.good)
        self._choose()

    def _choose(self) -> None:
        """Choose how requests are answered: at once, or after a wait."""
        self.answer: Callable[[Any, Any], Any] = (
            self._edge.answer if self._served.certain else self._first
        )
        """Returns what Edge.answer does."""

    async def _first(self, request: Any, ctx: Any) -> Any:
        """Answer a request after a wait for what operators have configured."""
        await until_certain(self._served, self._background.ask, clock, log)
        self._choose()
        answer = self._edge.answer(request, ctx)
        return await answer if isawaitable(answer) else answer

    def _reconfigure(self, delivered: Delivered, health: PulledHealth) -> bool:
        """Serve a delivered configuration; False = the one before goes on."""
        taken = self._served.take(delivered)
        for each in taken.troubles:
            log(each)
        if taken.serves:
            self._serve(self._balancer)
            self._background.adopt(health)
        return taken.serves

    def _view(self, now: float) -> tuple[Config, Snapshot]:
        """Return the configuration and what is known of its origins."""
        return self._served.config, self._balancer.memory.snapshot(now)

    async def _follow(self, version: int) -> None:
        """Serve what an operator has just changed, before the API call returns."""
        if version != self._served.version:
            await self._background.ask()


def _read(delivered: Delivered) -> Config | Invalid:
    return read(delivered.document or {}, short_sessions=delivered.short_sessions)


_known: list[Isolate] = []


def _isolate(env: Any) -> Isolate:
    """Make the isolate's objects; the first request brings the bindings and variables."""
    _known.append(Isolate(env))
    return _known[0]
