"""The way of one request: facts, plan, attempts, response."""

from __future__ import annotations

from inspect import isawaitable
from typing import TYPE_CHECKING, Any

import js

from lb.log_events import Refusal, trouble
from lb.proxy.mirror_copy import copy_of
from lb.proxy.run import Exchange, after_body, send_copy
from lb.proxy.steps import Attempt, Refuse
from lb.proxy.steps import refused as refused_event
from lb.selection.candidates import looks_first
from lb.worker.request.departures import Departures
from lb.worker.request.fetches import Fetches
from lb.worker.request.runtime_facts import RuntimeFacts, headers_reader, refused
from lb.worker.request.transport import FetchTransport
from lb.worker.runtime import chance, clock, in_background, js_object, log

if TYPE_CHECKING:
    from lb.metrics.isolate_totals import IsolateTotals
    from lb.ports import Log
    from lb.proxy.balancer import Balancer
    from lb.proxy.mirroring import Mirroring
    from lb.proxy.plan import Plan
    from lb.proxy.steps import Deliver, Step
    from lb.request.facts import RequestFacts
    from lb.state.run import BackgroundWork
    from lb.worker.admin.admin_side import ServedAdminSide
    from lb.worker.request.body_watch import BodyWatch
    from lb.worker.request.transport import Toolkit

    UnderWay = tuple[Exchange, FetchTransport, Any]
    """A request whose first attempt is under way, and the runtime's context."""

NOT_CONFIGURED = Refuse(500, Refusal.NOT_CONFIGURED)
FAULT = Refuse(502, Refusal.FAULT)

READY_PATH = "/cdn-cgi/evenkeel-ready"
"""Answered in development alone, for `evenkeel dev`: in production the folder is Cloudflare's."""

LOST_AFTER = 60.0
"""Seconds after an attempt's time-out from which its request counts as gone."""


class Edge:
    """Answers requests. All that it needs is in its own attributes, one lookup away."""

    _balancer: Balancer
    _background: BackgroundWork
    _bodies: BodyWatch
    _good: bool

    def __init__(
        self,
        tools: Toolkit,
        counts: IsolateTotals,
        admin: ServedAdminSide | None,
        log: Log,
        *,
        development: bool,
    ) -> None:
        """`serve` is called before the first request is answered."""
        self._tools = tools
        self._counts = counts
        self._admin = admin
        self._log = log
        self._development = development
        self._read = headers_reader()
        self._fetches = Fetches(self._settled, tools.timers)
        self._departures = Departures()

    def serve(
        self, balancer: Balancer, background: BackgroundWork, bodies: BodyWatch, *, good: bool
    ) -> None:
        """Answer with this configuration from now on; `good`: whether there is one to serve."""
        self._balancer = balancer
        self._background = background
        self._bodies = bodies
        self._good = good

    def answer(  # noqa: PLR0911 (one for each way)
        self, request: Any, ctx: Any, *, may_ask: bool = True
    ) -> Any:
        """Return the response, its promise, or the coroutine that leads to it.

        The first attempt needs no asyncio: it is sent from here, and `_settled` takes its outcome.
        Retries, hedges and kept bodies are left to ordinary asynchronous code. `may_ask`: whether
        a request that cannot be sent again asks for the newest health first, after a pause.
        """
        balancer = self._balancer
        facts = RuntimeFacts(request, self._read)
        own = self._without_origin(request, facts, ctx)
        if own is not None:
            return own
        now = clock()
        serving, plan = balancer.plan(facts, now, chance)
        if isinstance(plan, Refuse):
            self._log(refused_event(serving.lb.name if serving else "", plan))
            return refused(plan)
        if now >= self._background.old_at and may_ask and looks_first(plan.serving, facts):
            return self._after_asking(request, ctx)
        transport = FetchTransport(request, facts, plan, self._tools)
        if plan.keeps_body or plan.peeks_body:
            return self._after_body(transport, facts, plan, ctx)
        exchange = Exchange(plan, balancer.memory, transport, clock, self._log)
        if plan.serving.weighs_load:
            transport.watched = self._departures.watch(request, exchange.left)
        step = exchange.start()
        if isinstance(step, Refuse):
            return refused(step)
        if not isinstance(step, Attempt) or plan.hedged:
            return self._finish(exchange, step, transport, ctx)
        outgoing = transport.outgoing(step) if plan.streams_body else transport.bare(step)
        seconds = step.timeout
        lost_at = now + seconds + LOST_AFTER
        return self._fetches.send(outgoing, seconds, (exchange, transport, ctx), now, lost_at)

    def _without_origin(self, request: Any, facts: RequestFacts, ctx: Any) -> Any:
        """Answer a request that is for no origin; None = it is for one."""
        if self._admin is not None and self._admin.claims(facts):
            work = self._background.work(clock())  # its own pages show what this isolate knows
            if work is not None:
                in_background(ctx, work)
            return self._admin.answer(request, facts)
        if self._development and facts.target == READY_PATH:
            return js.Response.new(None, js_object(status=204))
        return None if self._good else refused(NOT_CONFIGURED)

    def _settled(self, under_way: UnderWay, response: Any, reason: Any) -> Any:
        """Take the outcome of the first attempt, and go on."""
        try:
            exchange, transport, ctx = under_way
            step = exchange.take(
                transport.answered(response) if reason is None else transport.failed(reason)
            )
            if isinstance(step, Attempt):
                return self._finish(exchange, step, transport, ctx)
            return self._conclude(exchange, step, transport, ctx)
        except Exception as error:  # noqa: BLE001 (the client gets an answer)
            log(trouble("a request failed", error))
            return refused(FAULT)

    async def _after_asking(self, request: Any, ctx: Any) -> Any:
        """Ask for the newest health, and answer the request."""
        try:
            await self._background.look_first()
            answer = self.answer(request, ctx, may_ask=False)
            return await answer if isawaitable(answer) else answer
        except Exception as error:  # noqa: BLE001 (the client gets an answer)
            log(trouble("a request failed", error))
            return refused(FAULT)

    async def _after_body(
        self, transport: FetchTransport, facts: RequestFacts, plan: Plan, ctx: Any
    ) -> Any:
        """Read the request's body, and go on: what counts for an origin begins after it."""
        try:
            name = plan.serving.lb.name

            def again(now: float) -> Plan | Refuse:
                return self._balancer.plan(facts, now, chance)[1]

            found = await after_body(plan, transport, again, clock)
            if isinstance(found, Refuse):
                self._log(refused_event(name, found))
                return refused(found)
            transport.follow(found)
            exchange = Exchange(found, self._balancer.memory, transport, clock, self._log)
            if found.serving.weighs_load:
                transport.watched = self._departures.watch(transport.request, exchange.left)
            step = await exchange.finish(exchange.start())
            return self._conclude(exchange, step, transport, ctx)
        except Exception as error:  # noqa: BLE001 (the client gets an answer)
            log(trouble("a request failed", error))
            return refused(FAULT)

    async def _finish(
        self, exchange: Exchange, step: Step, transport: FetchTransport, ctx: Any
    ) -> Any:
        """Make the remaining attempts, and return the response."""
        try:
            return self._conclude(exchange, await exchange.finish(step), transport, ctx)
        except Exception as error:  # noqa: BLE001 (the client gets an answer)
            log(trouble("a request failed", error))
            return refused(FAULT)

    def _conclude(
        self, exchange: Exchange, step: Deliver | Refuse, transport: FetchTransport, ctx: Any
    ) -> Any:
        """Return the client's response; start background work and a mirrored copy behind it."""
        if transport.watched:
            self._departures.forget(transport.watched)
        work = self._background.work(exchange.now)
        bodies: BodyWatch | None = self._bodies
        if work is not None:
            bodies = None  # background work keeps the request alive (body_watch.py)
            in_background(ctx, work)
        mirroring = exchange.plan.serving.mirroring
        if mirroring is not None and self._mirrored(exchange, step, transport, mirroring, ctx):
            bodies = None
        if isinstance(step, Refuse):
            return refused(step)
        return transport.delivered(step, bodies, exchange.timing(step), exchange.now)

    def _mirrored(
        self,
        exchange: Exchange,
        step: Deliver | Refuse,
        transport: FetchTransport,
        mirroring: Mirroring,
        ctx: Any,
    ) -> bool:
        """Send a copy of the request behind the response, if it is to be mirrored."""
        if isinstance(step, Refuse):
            return False
        serving, memory = exchange.plan.serving, self._balancer.memory
        copy = copy_of(serving, transport.facts, memory, chance, exchange.now)
        if copy is None:
            return False
        self._counts.count_mirrored(serving.lb.name, copy.origin.key)
        in_background(ctx, send_copy(copy, transport.mirroring(mirroring), clock, self._log))
        return True
