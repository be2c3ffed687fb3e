"""The runtime's handler: takes a request in, has its plan carried out, gives the answer back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import js

from lb.copies import copy_of
from lb.endings import Endings
from lb.failover import Attempt, Refuse
from lb.proxy import Exchange
from lb.proxy import refused as refused_event
from lb.worker.admin import admin_side
from lb.worker.bodies import Bodies
from lb.worker.convert import facts_of, refused
from lb.worker.prober import FetchProber
from lb.worker.promises import Fetches
from lb.worker.refresh import Behind
from lb.worker.runtime import chance, clock, in_background, js_object, log, trouble
from lb.worker.start import configured, in_development, start, variables_of
from lb.worker.transport import FetchTransport, Means

if TYPE_CHECKING:
    from lb.balancer import Balancer
    from lb.facts import RequestFacts
    from lb.failover import Deliver, Step
    from lb.mirroring import Mirroring

    UnderWay = tuple[Exchange, FetchTransport, Any]
    """A request whose first attempt is under way, with its context."""

NOT_CONFIGURED = Refuse(500, "the configuration has problems")
FAULT = Refuse(502, "a fault of the load balancer itself")

READY_PATH = "/cdn-cgi/evenkeel-ready"
"""Asked by `evenkeel dev`, and answered only to it: in production, this folder is Cloudflare's."""

LOST_AFTER = 60.0
"""Seconds after an attempt's time-out at which its request is taken for gone."""


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
        variables = variables_of(env)
        config = configured(variables, log)
        self._balancer: Balancer | None = start(config, variables)
        self._development = in_development(variables)
        self._admin = admin_side(config.admin, variables, env) if config is not None else None
        self._means = Means()
        self._behind: Behind | None = None
        if config is not None and self._balancer is not None:
            prober = FetchProber(self._means.timers)
            self._behind = Behind(config, self._balancer.memory, prober, env)
        self._fetches = Fetches(self._settled, self._means.timers)
        self._bodies: Bodies | None = None
        if self._balancer is not None:
            served = [serving.lb for serving in self._balancer.servings]
            self._bodies = Bodies(Endings(served, self._balancer.memory, clock, log))

    def answer(self, request: Any, ctx: Any) -> Any:
        """Return the response, its promise, or the coroutine that leads to it.

        A first attempt needs none of asyncio: it is sent from here and `_settled` takes its
        outcome. Whatever comes after it is left to ordinary asynchronous code.
        """
        balancer = self._balancer
        if balancer is None:
            return refused(NOT_CONFIGURED)
        facts = facts_of(request)
        own = self._own(request, facts)
        if own is not None:
            return own
        now = clock()
        serving, plan = balancer.plan(facts, now, chance)
        if isinstance(plan, Refuse):
            log(refused_event(serving.lb.name if serving else "", plan))
            return refused(plan)
        transport = FetchTransport(request, facts, plan, self._means)
        exchange = Exchange(plan, balancer.memory, transport, clock, log)
        step = exchange.start()
        if isinstance(step, Refuse):
            return refused(step)
        if not isinstance(step, Attempt) or plan.keeps_body or plan.hedged:
            return self._rest(exchange, step, transport, ctx)
        outgoing, seconds = transport.outgoing(step), step.timeout
        lost_at = now + seconds + LOST_AFTER
        return self._fetches.send(outgoing, seconds, (exchange, transport, ctx), now, lost_at)

    def _own(self, request: Any, facts: RequestFacts) -> Any:
        """Answer what no origin is asked; None for all else."""
        if self._admin is not None and self._admin.claims(facts):
            return self._admin.answer(request, facts)
        if self._development and facts.target == READY_PATH:
            return js.Response.new(None, js_object(status=204))
        return None

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
        work = self._behind.work(exchange.now) if self._behind is not None else None
        bodies = self._bodies
        if work is not None:
            bodies = None  # see bodies.py
            in_background(ctx, work)
        mirroring = exchange.plan.serving.mirroring
        if mirroring is not None and self._copied(exchange, step, transport, mirroring, ctx):
            bodies = None
        return refused(step) if isinstance(step, Refuse) else transport.delivered(step, bodies)

    def _copied(
        self,
        exchange: Exchange,
        step: Deliver | Refuse,
        transport: FetchTransport,
        mirroring: Mirroring,
        ctx: Any,
    ) -> bool:
        """Send a request that was answered once more, if it is one of those, behind the answer."""
        if self._balancer is None or isinstance(step, Refuse):
            return False
        serving, memory = exchange.plan.serving, self._balancer.memory
        copy = copy_of(serving, transport.facts, memory, chance, exchange.now)
        if copy is None:
            return False
        in_background(ctx, copy.send(transport.mirroring(mirroring), clock, log))
        return True


_known: list[Isolate] = []


def _isolate(env: Any) -> Isolate:
    """Make this isolate's own; the first request brings the variables that it starts from."""
    _known.append(Isolate(env))
    return _known[0]
