"""Promises and timers without asyncio: a request is passed on with no task and no await.

A JavaScript call that returns a promise is turned into an asyncio future at the border, and
awaiting it costs more than everything the balancer decides (docs/decisions/, "Entry style"). So
the call is made by JavaScript itself, inside Array.from, whose result is an array: its one element
stays a plain promise. `then` is attached to it in the same way, with one callback for all requests,
since one made for each would cost a proxy and its destruction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import js
from pyodide.ffi import create_proxy, to_js

from lb.worker.runtime import js_object

if TYPE_CHECKING:
    from collections.abc import Callable

_SWEEP_AT = 512


class Promises:
    """Fetches, and one callback for their results.

    Made on the first request: an object of JavaScript that is made at the top level would have to
    be part of the memory snapshot taken at deploy, which can only hold Python's.
    """

    def __init__(self, settled: Callable[[Any, Any], Any]) -> None:
        reflect = js.Reflect
        # Array.from(list, f) calls f(list[i], i). This f calls list[i][0] with the receiver and
        # the arguments that stand after it.
        self._apply = reflect.apply.bind(reflect, reflect.apply, None)
        self._from = getattr(js.Array, "from")
        # `js.Promise.prototype.then` would be Python's own method of that name.
        self._then = reflect.get(js.Promise.prototype, "then")
        self._all_settled = reflect.get(js.Promise, "allSettled")
        self._promise = js.Promise
        self._global = js.globalThis
        self._fetch = js.fetch
        self._settled = settled
        self._waiting: dict[int, tuple[float, Any]] = {}
        self._latest = 0
        self._sweep_at = _SWEEP_AT
        self._on_settled = create_proxy(self._take)

    def fetch(self, request: Any, options: Any, context: object, now: float, lost_at: float) -> Any:
        """Fetch; return the promise of what `settled(context, result)` returns.

        The fetch of a client that has gone may never settle: what is kept for it is dropped once
        `lost_at` has passed.
        """
        self._latest = key = self._latest + 1
        if len(self._waiting) >= self._sweep_at:
            self._sweep(now)
        self._waiting[key] = (lost_at, context)
        fetched = self._call(self._fetch, self._global, [request, options])
        # allSettled never rejects, so that one callback is enough; and it carries the key along.
        both = self._call(self._all_settled, self._promise, [[fetched, key]])
        return self._call(self._then, both, [self._on_settled])

    def _call(self, function: Any, receiver: Any, arguments: list[Any]) -> Any:
        return self._from(to_js([[function, receiver, arguments]]), self._apply)[0]

    def _take(self, results: Any) -> Any:
        waiting = self._waiting.pop(results[1].value, None)
        return None if waiting is None else self._settled(waiting[1], results[0])

    def _sweep(self, now: float) -> None:
        self._waiting = {key: one for key, one in self._waiting.items() if one[0] > now}
        self._sweep_at = max(_SWEEP_AT, 2 * len(self._waiting))


class Timers:
    """Abort signals that go off after a time, unless they are stopped.

    AbortSignal.timeout() cannot be stopped: it would cut off a long body in the middle.
    """

    def __init__(self) -> None:
        self._controller = js.AbortController.new
        self._bind_abort = js.Reflect.get(js.AbortController.prototype, "abort").bind
        self._set = js.setTimeout
        self._clear = js.clearTimeout
        # Options are read during the call that they are given to, so one object serves all.
        # "manual": a packed body stays as it is, and is not unpacked and packed again on its way
        # through a stream (https://developers.cloudflare.com/workers/runtime-apis/request/).
        self._options = js_object(redirect="manual", signal=None, encodeResponseBody="manual")

    def signal(self, seconds: float) -> tuple[Any, int]:
        """Return a signal that aborts after `seconds`, and what `stop` wants."""
        controller = self._controller()
        # Python's setTimeout passes no further arguments to its handler, and says nothing of it.
        return controller.signal, self._set(self._bind_abort(controller), seconds * 1000)

    def options(self, seconds: float) -> tuple[Any, int]:
        """Return options for a fetch that aborts after `seconds`, and what `stop` wants.

        A redirect is the client's to follow: followed here, its cookies would go to another host.
        """
        self._options.signal, timer = self.signal(seconds)
        return self._options, timer

    def stop(self, timer: int) -> None:
        self._clear(timer)
