"""Sends notifications: through the runtime's fetch, and e-mail through a send_email binding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import js
from pyodide.ffi import JsException, to_js
from workers import import_from_javascript

from lb.worker.runtime import js_object

if TYPE_CHECKING:
    from lb.notify.message import OutboundRequest
    from lb.worker.request.fetches import Timers

TIMEOUT = 5.0
"""Seconds that a sink has: the next round of probes waits no longer than for a few of these."""

_E_MAIL = "mailto:"
# An e-mail's fate as SMTP would say it (RFC 5321 4.2.3), since its binding has no status.
_TAKEN = 250
_REFUSED = 550


class RuntimeDeliverer:
    """The Deliverer port. Nothing of a request is logged: its URL or headers may be the secret."""

    def __init__(self, env: Any, timers: Timers) -> None:
        self._env = env
        self._timers = timers

    async def send(self, request: OutboundRequest) -> int | None:
        """Send a request, or an e-mail; redirects are not followed, as they would take secrets."""
        if request.url.startswith(_E_MAIL):
            return await self._mail(request)
        signal, timer = self._timers.signal(TIMEOUT)
        try:
            headers = js.Headers.new()
            for name, value in request.headers:
                headers.append(name, value)
            options = js_object(
                method=request.method,
                headers=headers,
                body=request.body,
                redirect="manual",
                signal=signal,
            )
            response = await js.fetch(request.url, options)
            if response.body:
                await response.body.cancel()
            return int(response.status)
        except JsException:
            return None
        finally:
            self._timers.stop(timer)

    async def _mail(self, request: OutboundRequest) -> int | None:
        envelope = dict(request.headers)
        binding = getattr(self._env, envelope["Binding"], None)
        if binding is None:
            return None
        # The SDK wraps what it takes for another Worker, as wrangler's stand-in for this binding.
        binding = getattr(binding, "_binding", binding)
        try:
            kind = import_from_javascript("cloudflare:email").EmailMessage
            message = kind.new(envelope["From"], envelope["To"], request.body)
            await _send(binding, message)
        except JsException:
            return _REFUSED
        return _TAKEN


def _send(binding: Any, message: Any) -> Any:
    """Call `binding.send(message)` in JavaScript, and return its promise.

    Python would take a binding that answers to every name for a generator, and `send` for the
    method that generators have
    (https://pyodide.org/en/stable/usage/api/python-api/ffi.html#pyodide.ffi.JsGenerator).
    """
    reflect = js.Reflect
    apply = reflect.apply.bind(reflect, reflect.apply, None)
    call = getattr(js.Array, "from")(to_js([[reflect.get, reflect, [binding, "send"]]]), apply)
    call.push(binding, js.Array.of(message))
    return js.Promise.all(getattr(js.Array, "from")(js.Array.of(call), apply))
