"""The runtime's handler: takes a request in, has its plan carried out, gives the answer back."""

from __future__ import annotations

import asyncio
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

import js

from lb.catalog.effective import read
from lb.config import Invalid, admin_of
from lb.log_events import Refusal, Trouble, trouble
from lb.metrics.isolate_totals import IsolateTotals
from lb.model import Config
from lb.proxy.cut_offs import CutOffs
from lb.proxy.mirror_copy import copy_of
from lb.proxy.plan import Attempt, Refuse
from lb.proxy.run import Exchange, send_copy
from lb.proxy.run import refused as refused_event
from lb.state.refresh import Home
from lb.worker.admin.admin_side import admin_side
from lb.worker.admin.page_files import PageFiles
from lb.worker.deployment import in_development, source_of, start, variables_of
from lb.worker.object.prober import FetchProber
from lb.worker.request.body_watch import BodyWatch
from lb.worker.request.fetches import Fetches
from lb.worker.request.refresh import ANALYTICS, Behind
from lb.worker.request.runtime_facts import RuntimeFacts, headers_reader, refused
from lb.worker.request.transport import FetchTransport, Means
from lb.worker.runtime import chance, clock, in_background, js_object, log

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.proxy.balancer import Balancer
    from lb.proxy.mirroring import Mirroring
    from lb.proxy.plan import Deliver, Step
    from lb.request.facts import RequestFacts
    from lb.state.pull import Delivered

    UnderWay = tuple[Exchange, FetchTransport, Any]
    """A request whose first attempt is under way, with its context."""

NOT_CONFIGURED = Refuse(500, Refusal.NOT_CONFIGURED)
FAULT = Refuse(502, Refusal.FAULT)

READY_PATH = "/cdn-cgi/evenkeel-ready"
"""Asked by `evenkeel dev`, and answered only to it: in production, this folder is Cloudflare's."""

LOST_AFTER = 60.0
"""Seconds after an attempt's time-out at which its request is taken for gone."""

FIRST_WAIT = 3.0
"""Seconds that the first requests of an isolate wait at most for what operators have configured."""

LOOK_AGAIN = 0.02
"""Seconds between two looks of a request that waits for what another one has asked for. They
share no future: that of one request hangs in another (docs/decisions/first-request.md)."""

ASK_AGAIN = 5.0
"""Seconds after which an isolate that has nothing to serve asks once more."""


def answer(request: Any, env: Any, ctx: Any) -> Any:
    """Answer a request. Whatever goes wrong in here, the client gets an answer.

    A plain function: the runtime takes a response, a promise or a coroutine from it, and the
    common request needs no coroutine.
    """
    try:
        return (_known[0] if _known else _isolate(env)).answer(request, ctx)
    except Exception as error:  # noqa: BLE001 (anything uncaught would be the runtime's bare 500)
        log(trouble("a request failed", error))
        return refused(FAULT)


class Isolate:
    """What an isolate keeps between requests."""

    def __init__(self, env: Any) -> None:
        self._env = env
        self._variables = variables = variables_of(env)
        analytics = bool(getattr(env, ANALYTICS, None))
        self._counts = IsolateTotals(f"{chance():.16f}", clock(), analytics=analytics)
        self._log = self._counts.listening(log)
        source = source_of(variables, log)
        self._deployed = source.parsed if isinstance(source.parsed, Config) else None
        self._development = in_development(variables)
        self._means = Means()
        self._read = headers_reader()
        self._prober = FetchProber(self._means.timers)
        self._fetches = Fetches(self._settled, self._means.timers)
        self._version = 0
        """Of the configuration that operators have made; 0 is the deployment's own."""
        admin = admin_of(source.document)
        shells = PageFiles(admin, lambda now: (self._config, self._balancer.memory.snapshot(now)))
        self._admin = admin_side(admin, variables, env, self._told, shells)
        self._serve(self._deployed, None)
        self._ask_at = 0.0
        shared = bool(getattr(env, Home.OBJECT.value, None))
        self._be_sure(not shared or (self._admin is None and self._serves))

    def _serve(self, config: Config | None, before: Balancer | None) -> None:
        """Serve a configuration from now on; None: there is none that is good."""
        self._serves = config is not None
        known = config if config is not None else Config(load_balancers=(), pools=())
        self._config = known
        self._balancer = balancer = start(known, self._variables, before, self._counts)
        self._behind = Behind(
            known,
            self._version,
            balancer.memory,
            self._prober,
            self._env,
            self._reconfigure,
            self._log,
            self._counts,
            handed=self._admin is not None,
        )
        served = [serving.lb for serving in balancer.servings]
        self._bodies = BodyWatch(CutOffs(served, balancer.memory, clock, self._log))

    def _reconfigure(self, delivered: Delivered, health: str | None) -> bool:
        """Serve what operators have configured; False, and all stays, where that is no news."""
        if delivered.version == self._version:
            return False
        self._version = delivered.version
        config = self._deployed
        if delivered.document is not None:
            found = read(delivered.document, short_sessions=delivered.short_sessions)
            if isinstance(found, Invalid):
                # Checked before it was kept, so it is another release's that knows other keys.
                for problem in found.problems:
                    log(Trouble(message=f"configuration {self._version}: {problem}"))
                return False
            config = found
        self._serve(config, self._balancer)
        self._behind.adopt(health)
        return True

    async def _told(self, version: int) -> None:
        """Serve what an operator has just changed, before he is told that it was done."""
        if version != self._version:
            await self._behind.ask()

    def _be_sure(self, sure: bool) -> None:  # noqa: FBT001 (a state, no switch)
        """Note whether what the deployment says may not be what is to be served."""
        self._sure = sure
        self.answer: Callable[[Any, Any], Any] = self._answered if sure else self._first
        """Returns the response, its promise, or the coroutine that leads to it."""

    async def _first(self, request: Any, ctx: Any) -> Any:
        """Answer one of the first requests, which waits for what operators have configured."""
        try:
            now = clock()
            if now >= self._ask_at:
                self._ask_at = now + (FIRST_WAIT if self._serves else ASK_AGAIN)
                await asyncio.wait_for(self._behind.ask(), FIRST_WAIT)
                self._be_sure(self._serves)
            # No asyncio.Event: it would belong to the request that made it.
            while self._serves and not self._sure and clock() < self._ask_at:  # noqa: ASYNC110
                await asyncio.sleep(LOOK_AGAIN)
        except Exception as error:  # noqa: BLE001 (it goes on with what the deployment says)
            log(trouble("the configuration is not known yet", error))
        self._be_sure(self._serves)
        answer = self._answered(request, ctx)
        return await answer if isawaitable(answer) else answer

    def _answered(self, request: Any, ctx: Any) -> Any:
        """Answer with the configuration that serves now.

        A first attempt needs none of asyncio: it is sent from here and `_settled` takes its
        outcome. Whatever comes after it is left to ordinary asynchronous code.
        """
        balancer = self._balancer
        facts = RuntimeFacts(request, self._read)
        own = self._own(request, facts, ctx)
        if own is not None:
            return own
        now = clock()
        serving, plan = balancer.plan(facts, now, chance)
        if isinstance(plan, Refuse):
            self._log(refused_event(serving.lb.name if serving else "", plan))
            return refused(plan)
        transport = FetchTransport(request, facts, plan, self._means)
        exchange = Exchange(plan, balancer.memory, transport, clock, self._log)
        step = exchange.start()
        if isinstance(step, Refuse):
            return refused(step)
        if not isinstance(step, Attempt) or plan.keeps_body or plan.hedged:
            return self._rest(exchange, step, transport, ctx)
        outgoing = transport.outgoing(step) if plan.streams_body else transport.bare(step)
        seconds = step.timeout
        lost_at = now + seconds + LOST_AFTER
        return self._fetches.send(outgoing, seconds, (exchange, transport, ctx), now, lost_at)

    def _own(self, request: Any, facts: RequestFacts, ctx: Any) -> Any:
        """Answer what no origin is asked; None for all else."""
        if self._admin is not None and self._admin.claims(facts):
            work = self._behind.work(clock())  # pages of this isolate's own show what it knows
            if work is not None:
                in_background(ctx, work)
            return self._admin.answer(request, facts)
        if self._development and facts.target == READY_PATH:
            return js.Response.new(None, js_object(status=204))
        return None if self._serves else refused(NOT_CONFIGURED)

    def _settled(self, under_way: UnderWay, response: Any, reason: Any) -> Any:
        """Go on when the outcome of the first attempt is there."""
        try:
            exchange, transport, ctx = under_way
            step = exchange.take(
                transport.answered(response) if reason is None else transport.failed(reason)
            )
            if isinstance(step, Attempt):
                return self._rest(exchange, step, transport, ctx)
            return self._conclude(exchange, step, transport, ctx)
        except Exception as error:  # noqa: BLE001 (as in answer)
            log(trouble("a request failed", error))
            return refused(FAULT)

    async def _rest(
        self, exchange: Exchange, step: Step, transport: FetchTransport, ctx: Any
    ) -> Any:
        """Carry out what is left of a request."""
        try:
            return self._conclude(exchange, await exchange.finish(step), transport, ctx)
        except Exception as error:  # noqa: BLE001 (as in answer)
            log(trouble("a request failed", error))
            return refused(FAULT)

    def _conclude(
        self, exchange: Exchange, step: Deliver | Refuse, transport: FetchTransport, ctx: Any
    ) -> Any:
        """Return the client's response; what is due for everybody's health begins behind it."""
        work = self._behind.work(exchange.now)
        bodies: BodyWatch | None = self._bodies
        if work is not None:
            bodies = None  # see bodies.py
            in_background(ctx, work)
        mirroring = exchange.plan.serving.mirroring
        if mirroring is not None and self._copied(exchange, step, transport, mirroring, ctx):
            bodies = None
        if isinstance(step, Refuse):
            return refused(step)
        return transport.delivered(step, bodies, exchange.timing(step))

    def _copied(
        self,
        exchange: Exchange,
        step: Deliver | Refuse,
        transport: FetchTransport,
        mirroring: Mirroring,
        ctx: Any,
    ) -> bool:
        """Send a request that was answered once more, if it is one of those, behind the answer."""
        if isinstance(step, Refuse):
            return False
        serving, memory = exchange.plan.serving, self._balancer.memory
        copy = copy_of(serving, transport.facts, memory, chance, exchange.now)
        if copy is None:
            return False
        self._counts.mirrored(serving.lb.name, copy.origin.key)
        in_background(ctx, send_copy(copy, transport.mirroring(mirroring), clock, self._log))
        return True


_known: list[Isolate] = []


def _isolate(env: Any) -> Isolate:
    """Make this isolate's own; the first request brings the variables that it starts from."""
    _known.append(Isolate(env))
    return _known[0]
