"""Sends a client's request to origins through the runtime's fetch."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import js
from pyodide.ffi import JsException

from lb.failover import Answered, Attempt, Cause, Failed, Plan
from lb.worker.convert import apply
from lb.worker.runtime import js_object

if TYPE_CHECKING:
    from lb.facts import RequestFacts
    from lb.failover import Outcome


class FetchTransport:
    """The Transport port for one request."""

    def __init__(self, request: Any, facts: RequestFacts, plan: Plan) -> None:
        self._request = request
        self._facts = facts
        self._plan = plan
        self._body: Any = None
        """The body as an ArrayBuffer, once it has been read because it may be sent again."""

    async def send(self, attempt: Attempt) -> Outcome:
        """Send the request; an attempt that takes too long is aborted, so its origin sees the end.

        The signal is told to abort by a timer of our own, which ends with the answer's headers:
        AbortSignal.timeout() would go on and cut a long body off.
        """
        try:
            if self._plan.keeps_body and self._body is None:
                self._body = await self._request.arrayBuffer()
        except JsException:
            return Failed(Cause.CLIENT)
        controller = js.AbortController.new()
        timer = asyncio.get_running_loop().call_later(attempt.timeout, controller.abort)
        try:
            response = await js.fetch(self._outgoing(attempt, controller.signal))
        except JsException:
            return Failed(Cause.TIMEOUT if controller.signal.aborted else Cause.CONNECTION)
        finally:
            timer.cancel()
        get = response.headers.get
        return Answered(response.status, lambda name: get(name) or "", response)

    def discard(self, answer: Answered) -> None:
        """Cancel the answer's body, which frees one of the request's few connections."""
        response: Any = answer.handle
        if response.body:
            response.body.cancel()

    def _outgoing(self, attempt: Attempt, signal: Any) -> Any:
        """Return the request to the origin: the client's own but for its URL and our edits.

        A redirect is the client's to follow; followed here, cookies would go to another host.
        """
        forwarding = self._plan.serving.forwarding
        source, url = self._request, forwarding.url(attempt.origin, self._facts)
        if self._body is None:
            first = js.Request.new(url, source)
        else:
            first = js.Request.new(
                url, js_object(method=source.method, headers=source.headers, body=self._body)
            )
        outgoing = js.Request.new(first, js_object(redirect="manual", signal=signal))
        apply(forwarding.request(attempt.origin, self._facts), outgoing.headers)
        return outgoing
