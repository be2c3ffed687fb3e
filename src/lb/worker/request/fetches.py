"""Fetches and timers without asyncio: no task and no await for a request."""

# A JavaScript call that returns a promise is turned into an asyncio future at the language border,
# and awaiting it costs more than all decisions of a request (docs/decisions/entry-style.md). So
# JavaScript itself makes the call, inside Array.from, whose result is an array: its one element
# stays a plain promise. The call is `then(...)` on the fetch's promise: in the list of its receiver
# and arguments, the receiver is a getter, which fetches when it is read.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import js
from pyodide.ffi import create_proxy, to_js

from lb.worker.runtime import js_object

if TYPE_CHECKING:
    from collections.abc import Callable

    Settled = Callable[[Any, Any, Any], Any]
    """Takes the context of a fetch, and its response, or None and the error."""

_SWEEP_AT = 512
"""Fetches under way from which lost ones are looked for."""


class BareRequest(NamedTuple):
    """A request without a body, before the runtime makes a Request of it."""

    url: str
    method: str
    headers: Any
    """The runtime's Headers."""


class _Slot:
    """JavaScript objects of one fetch at a time, made once, since they are expensive."""

    __slots__ = (
        "_controlled",
        "_fetches",
        "abort",
        "bare",
        "context",
        "lost_at",
        "proxies",
        "timer",
        "whole",
    )

    def __init__(self, fetches: Fetches) -> None:
        self._fetches = fetches
        self.context: Any = None
        self.timer: Any = None
        self.lost_at = 0.0
        self.proxies = [create_proxy(f) for f in (self._fulfilled, self._rejected)]
        reflect = js.Reflect
        abort = reflect.get(js.AbortController.prototype, "abort")
        self._controlled = to_js([abort, None, []])
        self.abort = reflect.apply.bind(reflect, reflect.apply, None, self._controlled)
        """Aborts the fetch: `Reflect.apply(abort, controller, [])`."""
        self.bare = _Call(self._controlled, self.proxies)
        self.whole = _Call(self._controlled, self.proxies)

    def control(self, controller: Any) -> None:
        """Set the AbortController of the next fetch."""
        self._controlled[1] = controller

    def destroy(self) -> None:
        """Prevent every later callback."""
        for proxy in self.proxies:
            proxy.destroy()

    def _fulfilled(self, response: Any) -> Any:
        return self._fetches.end(self, response, None)

    def _rejected(self, error: Any) -> Any:
        return self._fetches.end(self, None, error)


class _Call:
    """A fetch whose arguments stay in JavaScript; only what differs is set anew."""

    __slots__ = ("arguments", "method", "options", "then")

    def __init__(self, controlled: Any, proxies: list[Any]) -> None:
        reflect, define = js.Reflect, js.Object.defineProperty
        # signal: Reflect.get(the controller, "signal")
        asked = to_js([None, "signal"])
        define(asked, "0", _getter(reflect.get.bind(reflect, controlled, "1")))
        self.options = fetch_options()
        define(
            self.options,
            "signal",
            _getter(reflect.apply.bind(reflect, reflect.get, reflect, asked)),
        )
        self.method = ""
        """The method that the options hold."""
        self.arguments = to_js([None, self.options])
        # `js.Promise.prototype.then` would be Python's own method of that name.
        then = to_js([reflect.get(js.Promise.prototype, "then"), None, to_js(proxies)])
        fetch = reflect.apply.bind(reflect, js.fetch, js.globalThis, self.arguments)
        define(then, "1", _getter(fetch))
        self.then = to_js([then])
        """Applying this (Fetches.send) fetches, and passes the outcome to one of the proxies."""


def _getter(function: Any) -> Any:
    """Return the descriptor of a property whose value a function returns at each reading."""
    return js_object(get=function, enumerable=True)


class Fetches:
    """Fetches with a time limit, whose outcomes Python gets by a callback.

    Made on the first request: a JavaScript object made at module level would be part of the memory
    snapshot taken at deploy, which holds Python's alone.
    """

    def __init__(self, settled: Settled, timers: Timers) -> None:
        reflect = js.Reflect
        # Array.from(list, f) calls f(list[i], i). This f calls list[i][0] with the receiver and
        # the arguments that stand after it.
        self._apply = reflect.apply.bind(reflect, reflect.apply, None)
        self._from = getattr(js.Array, "from")
        self._timers = timers
        self._settled = settled
        self._free: list[_Slot] = []
        self._busy: dict[int, _Slot] = {}
        self._sweep_at = _SWEEP_AT

    def send(
        self, request: BareRequest | Any, seconds: float, context: object, now: float, lost: float
    ) -> Any:
        """Fetch; return the promise of what `settled` returns.

        `request`: a Request of the runtime, or what one would be made of. The fetch of a client
        that has gone may never settle: what is kept for it is dropped after the moment `lost`.
        """
        if len(self._busy) >= self._sweep_at:
            self._sweep(now)
        slot = self._free.pop() if self._free else _Slot(self)
        slot.context, slot.lost_at = context, lost
        self._busy[id(slot)] = slot
        if type(request) is BareRequest:
            call = slot.bare
            url, method, call.options.headers = request
            if method != call.method:
                call.method = call.options.method = method
            call.arguments[0] = url
        else:
            call = slot.whole
            call.arguments[0] = request
        slot.timer = self._timers.start(slot, seconds)
        return self._from(call.then, self._apply)[0]

    def end(self, slot: _Slot, response: Any, error: Any) -> Any:
        """Take an outcome, and free the slot for another fetch."""
        self._timers.stop(slot.timer)
        del self._busy[id(slot)]
        context, slot.context = slot.context, None
        self._free.append(slot)
        return self._settled(context, response, error)

    def _sweep(self, now: float) -> None:
        for slot in [slot for slot in self._busy.values() if slot.lost_at <= now]:
            # A late callback would belong to another request by then.
            slot.destroy()
            del self._busy[id(slot)]
        self._sweep_at = max(_SWEEP_AT, 2 * len(self._busy))


class Timers:
    """Abort signals with a time limit that can be stopped.

    AbortSignal.timeout() cannot be stopped: it would cut off a long body in the middle.
    """

    def __init__(self) -> None:
        self._controller = js.AbortController.new
        self._bind_abort = js.Reflect.get(js.AbortController.prototype, "abort").bind
        self._set = js.setTimeout
        self._clear = js.clearTimeout
        self._options = fetch_options()

    def signal(self, seconds: float) -> tuple[Any, int]:
        """Return a signal that aborts after `seconds`, and the timer for `stop`."""
        controller = self._controller()
        return controller.signal, self._start(controller, seconds)

    def options(self) -> tuple[Any, Any]:
        """Return the options of a fetch, and its AbortController."""
        controller = self._controller()
        self._options.signal = controller.signal
        return self._options, controller

    def limit(self, controller: Any, seconds: float) -> int:
        """Abort the fetch of a controller after `seconds`; return the timer for `stop`."""
        return self._start(controller, seconds)

    def _start(self, controller: Any, seconds: float) -> Any:
        # Pyodide's setTimeout silently drops further arguments of the handler. A timer costs half
        # as much with a JavaScript function as with a Python one.
        return self._set(self._bind_abort(controller), seconds * 1000)

    def start(self, slot: _Slot, seconds: float) -> Any:
        """Limit the fetch of a slot to `seconds`; return the timer for `stop`."""
        slot.control(self._controller())
        return self._set(slot.abort, seconds * 1000)

    def stop(self, timer: int) -> None:
        self._clear(timer)


def fetch_options() -> Any:
    """Return the options of a client's fetch; they are read at the call, so one object serves all.

    A redirect is for the client to follow: here, its cookies would go to another host. A compressed
    body stays as it is, instead of being decompressed and compressed again on its way through a
    stream (https://developers.cloudflare.com/workers/runtime-apis/request/).
    """
    return js_object(redirect="manual", signal=None, encodeResponseBody="manual")
