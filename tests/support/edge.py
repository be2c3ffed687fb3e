"""An isolate of the Worker on CPython: the real drivers, with httpx in place of fetch."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from lb.metrics.isolate_totals import IsolateTotals
from lb.model.header_secrets import no_secret, sent
from lb.probing.probe import Answer, HttpProbe, Probe, ProbeFailure, Reply
from lb.probing.run import check
from lb.proxy.balancer import Balancer
from lb.proxy.pages import page
from lb.proxy.plan import Plan
from lb.proxy.run import Exchange
from lb.proxy.steps import Attempt, Refuse, refused
from lb.request.facts import RequestFacts
from lb.request.outcomes import Answered, Cause, Failed, Outcome
from lb.state.run import BackgroundWork
from support.background import ports

if TYPE_CHECKING:
    from lb.log_events import Event
    from lb.model import Config
    from lb.proxy.forwarding import Edits
    from lb.state.memory import Memory
    from lb.state.ports import Due


def edited(headers: httpx.Headers, edits: Edits) -> httpx.Headers:
    """Return the headers after the edits."""
    removed = {*edits.remove, *edits.fixed.remove}
    made = httpx.Headers([(n, v) for n, v in headers.multi_items() if n.lower() not in removed])
    made.update((*edits.set, *edits.fixed.set))
    return httpx.Headers([*made.multi_items(), *edits.append])


@dataclass
class HttpxTransport:
    """The Transport port over an httpx client."""

    client: httpx.AsyncClient
    request: httpx.Request
    facts: RequestFacts
    plan: Plan
    discarded: list[int] = field(default_factory=list)

    async def send(self, attempt: Attempt) -> Outcome:
        forwarding = self.plan.serving.forwarding
        headers = edited(self.request.headers, forwarding.request(attempt.origin, self.facts))
        del headers["host"]
        outgoing = httpx.Request(
            self.request.method,
            forwarding.url(attempt.origin, self.facts),
            headers=headers,
            content=self.request.content,
            extensions={"timeout": {"read": attempt.timeout}},
        )
        try:
            response = await self.client.send(outgoing)
        except httpx.TimeoutException:
            return Failed(Cause.TIMEOUT)
        except httpx.TransportError:
            return Failed(Cause.CONNECTION)
        return Answered(response.status_code, lambda name: response.headers.get(name, ""), response)

    def discard(self, answer: Answered) -> None:
        self.discarded.append(answer.status)


@dataclass
class HttpxProber:
    """The Prober port over an httpx client."""

    client: httpx.AsyncClient

    async def send(self, probe: Probe) -> Reply:
        assert isinstance(probe, HttpProbe)
        try:
            response = await self.client.request(
                probe.method,
                probe.url,
                headers=sent(probe.headers, no_secret)[0],
                timeout=probe.timeout,
            )
        except httpx.TimeoutException:
            return ProbeFailure.TIMEOUT
        except httpx.TransportError:
            return ProbeFailure.CONNECTION
        return Answer(status=response.status_code, body=response.content)


class FakeEdge:
    """An isolate that serves requests, with its own clock and log."""

    def __init__(self, config: Config, *, cookie_key: str = "", any_host: bool = False) -> None:
        self.now = 1_000.0
        self.chance = 0.0
        self.log: list[Event] = []
        self.counts = IsolateTotals("isolate", self.now)
        self.told = self.counts.counting_log(self.log.append)
        self.balancer = Balancer(
            config, cookie_key=cookie_key, any_host=any_host, tallies=self.counts.of
        )
        self.background = BackgroundWork(
            config,
            0,
            self.balancer.memory,
            ports(lambda: self.now, self.told, counts=self.counts, check=self._check),
            lambda _delivered, _health: False,
        )
        self.probes = 0
        self.discarded: list[int] = []

    def fetch(self, method: str, url: str, **options: object) -> httpx.Response:
        """Answer a request as the Worker would."""
        request = httpx.Request(method, url, **options)  # type: ignore[arg-type] # httpx's own options
        return asyncio.run(self._fetch(request))

    def probe(self) -> int:
        """Send the due probes, as the Worker does after a response; return their number."""
        return asyncio.run(self._probe())

    async def _fetch(self, request: httpx.Request) -> httpx.Response:
        facts = RequestFacts(
            request.method, str(request.url), request.headers.get, lambda: bool(request.content)
        )
        serving, plan = self.balancer.plan(facts, self.now, lambda: self.chance)
        if isinstance(plan, Refuse):
            self.told(refused(serving.lb.name if serving else "", plan))
            return _page(plan)
        async with httpx.AsyncClient() as client:
            transport = HttpxTransport(client, request, facts, plan, self.discarded)
            memory = self.balancer.memory
            exchange = Exchange(plan, memory, transport, lambda: self.now, self.told)
            step = await exchange.finish(exchange.start())
        if isinstance(step, Refuse):
            return _page(step)
        response = step.answer.handle
        assert isinstance(response, httpx.Response)
        edits = plan.serving.forwarding.response(
            step.origin, "", step.set_cookie, exchange.timing(step)
        )
        headers = edited(response.headers, edits)
        return httpx.Response(response.status_code, headers=headers, content=response.content)

    async def _probe(self) -> int:
        work = self.background.work(self.now)
        self.probes = 0
        if work is not None:
            await work
        return self.probes

    async def _check(self, due: Due, memory: Memory) -> None:
        self.probes += len(due)
        async with httpx.AsyncClient() as client:
            await check(due, memory, HttpxProber(client), lambda: self.now, self.told)


def _page(refusal: Refuse) -> httpx.Response:
    made = page(refusal)
    return httpx.Response(made.status, headers=list(made.headers), text=made.body)
