"""Sends notifications through the runtime's fetch, and e-mail through a send_email binding."""

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
"""Seconds until a delivery times out. The next round of probes waits for a few of these at most."""

_E_MAIL = "mailto:"
# SMTP's reply codes (RFC 5321, 4.2.3), as the binding has no status of its own.
_TAKEN = 250
_REFUSED = 550


class RuntimeDeliverer:
    """The Deliverer port. Logs nothing of a request, as its URL or headers may hold the secret."""

    def __init__(self, env: Any, timers: Timers) -> None:
        self._env = env
        self._timers = timers

    async def send(self, request: OutboundRequest) -> int | None:
        """Send a request or an e-mail. Redirects are not followed, as they would carry secrets."""
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
        # The SDK wraps wrangler's stand-in for this binding, which it takes for another Worker.
        binding = getattr(binding, "_binding", binding)
        try:
            kind = import_from_javascript("cloudflare:email").EmailMessage
            message = kind.new(envelope["From"], envelope["To"], request.body)
            await _send(binding, message)
        except JsException:
            return _REFUSED
        return _TAKEN


def _send(binding: Any, message: Any) -> Any:
    """Call `binding.send(message)` in JavaScript; return its promise.

    A binding that answers to every name would look like a generator to Python, and `send` like a
    generator's method
    (https://pyodide.org/en/stable/usage/api/python-api/ffi.html#pyodide.ffi.JsGenerator).
    """
    reflect = js.Reflect
    apply = reflect.apply.bind(reflect, reflect.apply, None)
    call = getattr(js.Array, "from")(to_js([[reflect.get, reflect, [binding, "send"]]]), apply)
    call.push(binding, js.Array.of(message))
    return js.Promise.all(getattr(js.Array, "from")(js.Array.of(call), apply))
