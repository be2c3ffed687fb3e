"""Sends notifications: through the runtime's fetch, and e-mail through a send_email binding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import js
from pyodide.ffi import JsException
from workers import import_from_javascript

from lb.worker.runtime import js_object

if TYPE_CHECKING:
    from lb.notify.words import OutboundRequest
    from lb.worker.promises import Timers

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
        try:
            binding = getattr(self._env, envelope["Binding"])
            kind = import_from_javascript("cloudflare:email").EmailMessage
            await binding.send(kind.new(envelope["From"], envelope["To"], request.body))
        except AttributeError:
            return None
        except JsException:
            return _REFUSED
        return _TAKEN
