"""The Transport port over the runtime's fetch."""

from __future__ import annotations

from asyncio import CancelledError
from typing import TYPE_CHECKING, Any

import js
from pyodide.ffi import JsException, jsnull

from lb.proxy.uploads import Upload
from lb.request.outcomes import SWITCHING_PROTOCOLS, Answered, Cause, Failed, rejected
from lb.worker.request.body_reading import Limit, Upstream, whole
from lb.worker.request.fetches import BareRequest, Timers
from lb.worker.request.header_edits import HeaderEditor
from lb.worker.request.origin_names import ONLY_CONNECTION, OriginNames
from lb.worker.runtime import js_object

if TYPE_CHECKING:
    from lb.proxy.mirroring import Mirroring
    from lb.proxy.plan import Plan
    from lb.proxy.steps import Attempt, Deliver
    from lb.request.outcomes import Outcome
    from lb.worker.request.body_watch import BodyWatch
    from lb.worker.request.runtime_facts import RuntimeFacts


HIGHEST_STATUS = 599
"""The last status that a Response can have."""


class Toolkit:
    """JavaScript objects that all transports share, so made on the first request."""

    def __init__(self) -> None:
        self.editor = HeaderEditor()
        self.names = OriginNames()
        self.timers = Timers()
        self.new_headers = js.Headers.new
        self.new_request = js.Request.new
        self.new_response = js.Response.new


class FetchTransport:
    """The Transport port for one request."""

    def __init__(self, request: Any, facts: RuntimeFacts, plan: Plan, tools: Toolkit) -> None:
        self.request = request
        self.facts = facts
        self._plan = plan
        self._forwarding = plan.serving.forwarding
        self._tools = tools
        self._body: Any = None
        """The body, once it has been read because it may be sent again."""
        self._upload: Upstream | None = None
        """A body that is passed on while the client sends it, and whose end can be seen."""
        self.watched = 0
        """Number of the request among those whose clients are watched; 0 = it is not."""

    def follow(self, plan: Plan) -> None:
        """Send the request by this plan from now on."""
        self._plan = plan
        self._forwarding = plan.serving.forwarding

    async def send(self, attempt: Attempt) -> Outcome:
        """Send the request, and abort it after the attempt's time, so that the origin notices.

        The timer ends with the answer's headers; the body may take as long as it takes.
        """
        timers, upload = self._tools.timers, self._upload
        outgoing = self.outgoing(attempt)
        options, controller = timers.options()
        limit = Limit(timers, controller)
        if upload is None:
            limit.begin(attempt.timeout)
        else:
            # What the client takes to send its body is not the origin's time.
            upload.when_sent(lambda: limit.begin(attempt.timeout), controller.abort)
        try:
            return self.answered(await js.fetch(outgoing, options))
        except JsException as error:
            return self.failed(error)
        except CancelledError:
            controller.abort()
            raise
        finally:
            limit.end()

    async def read_body(self, limit: int, seconds: float) -> Upload:
        """Read the request's body; see the port."""
        request = self.request
        if self._plan.peeks_body:
            upload = Upstream(request.body)
            found = await upload.peek(limit)
            if found is Upload.WHOLE:
                self._body = upload.start
                self.facts.content_length = upload.size
            elif found is Upload.GOES_ON:
                self._upload = upload
            return found
        # No Request with a body can be made for GET, so its attempts send clones.
        source = request.clone() if self._copies_body else request
        found, body = await whole(source, seconds)
        if not self._copies_body:
            self._body = body
        return found

    def discard(self, answer: Answered) -> None:
        """Cancel the answer's body, which frees one of the request's few connections."""
        response: Any = answer.handle
        if response.body:
            response.body.cancel()

    def mirroring(self, mirroring: Mirroring) -> FetchTransport:
        """Return the transport of a mirrored copy of the request."""
        other = FetchTransport(self.request, self.facts, self._plan, self._tools)
        other._forwarding = mirroring.forwarding
        return other

    @property
    def _copies_body(self) -> bool:
        """Whether attempts send clones: no Request with a body can be made for GET."""
        return self.facts.method in ("GET", "HEAD")

    def bare(self, attempt: Attempt) -> BareRequest:
        """Return the request to the origin, for a request without a body.

        A Request would cost more: fetch makes another one of it.
        """
        facts = self.facts
        headers = self._tools.new_headers(facts.request_headers)
        self._tools.editor.apply(self._forwarding.request(attempt.origin, facts), headers)
        return BareRequest(self._forwarding.url(attempt.origin, facts), facts.method, headers)

    def outgoing(self, attempt: Attempt) -> Any:
        """Return the request to the origin: the client's, with another URL and edited headers."""
        forwarding = self._forwarding
        source, url = self.request, forwarding.url(attempt.origin, self.facts)
        body = self._body if self._upload is None else self._upload.stream
        if body is not None:
            outgoing = self._tools.new_request(
                url, js_object(method=source.method, headers=source.headers, body=body)
            )
        elif self._plan.keeps_body:
            outgoing = self._tools.new_request(url, source.clone())
        else:
            outgoing = self._tools.new_request(url, source)
        self._tools.editor.apply(forwarding.request(attempt.origin, self.facts), outgoing.headers)
        return outgoing

    def answered(self, response: Any) -> Outcome:
        """Return the outcome of a fetch that brought a response.

        A status above 599 counts as a server error (RFC 9110, 15), and no Response can have it; nor
        can it have 101 without a WebSocket, the only protocol that a client may switch to.
        """
        status = response.status
        if status > HIGHEST_STATUS or (status == SWITCHING_PROTOCOLS and not response.webSocket):
            return Failed(Cause.STATUS)
        get = self._tools.editor.get

        def header(name: str) -> str:
            value = get(response.headers, name)
            return value if isinstance(value, str) else ""

        return Answered(status, header, response)

    def failed(self, error: Any) -> Failed:
        """Return the outcome of a fetch that was rejected."""
        return rejected(error.name, uploading=self.facts.has_body and self._body is None)

    def delivered(self, step: Deliver, bodies: BodyWatch | None, timing: str, now: float) -> Any:
        """Return the client's response: the origin's, whose body never enters Python."""
        response: Any = step.answer.handle
        body, plan, tools = response.body, self._plan, self._tools
        answer = tools.new_response(body, response)
        headers, get = answer.headers, tools.editor.get

        def header(name: str) -> str:
            value = get(headers, name)
            return value if isinstance(value, str) else ""

        if bodies is not None and body is not jsnull:
            # Most bodies are not watched; reading the answer's own headers spares another lookup.
            watched = bodies.watched(plan, step, header, body, now)
            if watched is not body:
                answer = tools.new_response(watched, response)
                headers = answer.headers
        forwarding, names = plan.serving.forwarding, tools.names
        found = names.first(names.has, headers)
        if found < 0:
            connection = ""
        elif found == ONLY_CONNECTION or not forwarding.renames or step.answer.status == 101:
            connection = header("connection")
        else:
            connection = names.rename(headers, forwarding.own_name(step.origin), self.facts)
        edits = forwarding.response(step.origin, connection, step.set_cookie, timing)
        tools.editor.apply(edits, headers)
        return answer
