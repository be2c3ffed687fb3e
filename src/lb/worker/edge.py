"""The runtime's handler: takes a request in, lets the plan be carried out, gives the answer back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lb.checker import check
from lb.failover import Plan, Refuse
from lb.proxy import refused as refused_event
from lb.proxy import serve
from lb.worker.convert import delivered, facts_of, refused
from lb.worker.prober import FetchProber
from lb.worker.runtime import chance, clock, in_background, log, trouble
from lb.worker.start import start
from lb.worker.transport import FetchTransport

if TYPE_CHECKING:
    from lb.balancer import Balancer
    from lb.facts import RequestFacts

NOT_CONFIGURED = Refuse(500, "the configuration has problems")
FAULT = Refuse(502, "a fault of the load balancer itself")
READY = "/cdn-cgi/evenkeel-ready"


class Isolate:
    """What this isolate keeps: the balancer, once the first request has brought the variables."""

    def __init__(self) -> None:
        self._started = False
        self._balancer: Balancer | None = None

    def balancer(self, env: Any) -> Balancer | None:
        if not self._started:
            self._balancer = start(env, log)
            self._started = True
        return self._balancer


_isolate = Isolate()


async def on_fetch(request: Any, env: Any, ctx: Any) -> Any:
    """Answer a request. Whatever goes wrong in here, the client gets an answer."""
    try:
        balancer = _isolate.balancer(env)
        if balancer is None:
            return refused(NOT_CONFIGURED)
        return await _answer(balancer, request, ctx)
    except Exception as error:  # noqa: BLE001 (anything uncaught would be the runtime's bare 500)
        log(trouble("a request failed", error))
        return refused(FAULT)


async def _answer(balancer: Balancer, request: Any, ctx: Any) -> Any:
    facts = facts_of(request)
    now = clock()
    serving, plan = balancer.plan(facts, now, chance)
    if isinstance(plan, Refuse):
        log(refused_event(serving.lb.name if serving else "", plan))
        return refused(plan)
    transport = FetchTransport(request, facts, plan)
    step = await serve(plan, balancer.memory, transport, clock, log)
    due = balancer.memory.due(clock())
    if due:
        in_background(ctx, check(due, balancer.memory, FetchProber(), clock, log))
    return refused(step) if isinstance(step, Refuse) else delivered(plan, step)
