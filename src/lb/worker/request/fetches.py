"""Promises and timers without asyncio: a request is passed on with no task and no await.

A JavaScript call that returns a promise is turned into an asyncio future at the border, and
awaiting it costs more than everything the balancer decides (docs/decisions/, "Entry style"). So
the call is made by JavaScript itself, inside Array.from, whose result is an array: its one element
stays a plain promise. The call is `then(...)`, whose receiver is the fetch's promise: in the list
that names the receiver, its place holds no value but a getter, which fetches when it is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import js
from pyodide.ffi import create_proxy, to_js

from lb.worker.runtime import js_object

if TYPE_CHECKING:
    from collections.abc import Callable

    Settled = Callable[[Any, Any, Any], Any]
    """Takes a fetch's context with its response, or with None and the error."""

_SWEEP_AT = 512


class Bare(NamedTuple):
    """A request without a body, of which nothing has been made yet but its headers."""

    url: str
    method: str
    headers: Any
    """The runtime's Headers."""


class _Slot:
    """What JavaScript has of one fetch at a time; made once, as such things are expensive."""

    __slots__ = (
        "_controlled",
        "_fetches",
        "bare",
        "context",
        "lost_at",
        "proxies",
        "ring",
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
        self.ring = reflect.apply.bind(reflect, reflect.apply, None, self._controlled)
        """Aborts: `Reflect.apply(abort, controller, [])`."""
        self.bare = _Call(self._controlled, self.proxies)
        self.whole = _Call(self._controlled, self.proxies)

    def control(self, controller: Any) -> None:
        """Let an AbortController be that of the fetch that follows."""
        self._controlled[1] = controller

    def destroy(self) -> None:
        """Make sure that nobody calls back any more."""
        for proxy in self.proxies:
            proxy.destroy()

    def _fulfilled(self, response: Any) -> Any:
        return self._fetches.end(self, response, None)

    def _rejected(self, error: Any) -> Any:
        return self._fetches.end(self, None, error)


class _Call:
    """A fetch whose arguments stay in JavaScript; only what differs is put into them."""

    __slots__ = ("arguments", "method", "options", "then")

    def __init__(self, controlled: Any, proxies: list[Any]) -> None:
        reflect, define = js.Reflect, js.Object.defineProperty
        # signal: Reflect.get(the controller, "signal")
        asked = to_js([None, "signal"])
        define(asked, "0", _got(reflect.get.bind(reflect, controlled, "1")))
        self.options = fetch_options()
        define(
            self.options, "signal", _got(reflect.apply.bind(reflect, reflect.get, reflect, asked))
        )
        self.method = ""
        """That the options have."""
        self.arguments = to_js([None, self.options])
        # `js.Promise.prototype.then` would be Python's own method of that name.
        then = to_js([reflect.get(js.Promise.prototype, "then"), None, to_js(proxies)])
        fetch = reflect.apply.bind(reflect, js.fetch, js.globalThis, self.arguments)
        define(then, "1", _got(fetch))
        self.then = to_js([then])
        """What, applied (Fetches), fetches and has the outcome told to one of the proxies."""


def _got(function: Any) -> Any:
    """Return what makes a property of what a function returns, each time that it is read."""
    return js_object(get=function, enumerable=True)


class Fetches:
    """Fetches that are aborted after a time, and whose outcomes Python gets without awaiting them.

    Made on the first request: an object of JavaScript that is made at the top level would have to
    be part of the memory snapshot taken at deploy, which can only hold Python's.
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
        self, request: Bare | Any, seconds: float, context: object, now: float, lost: float
    ) -> Any:
        """Fetch; return the promise of what `settled` returns.

        `request` is a Request of the runtime's, or what there is of one. The fetch of a client that
        has gone may never settle: what is kept for it is dropped once it is `lost`.
        """
        if len(self._busy) >= self._sweep_at:
            self._sweep(now)
        slot = self._free.pop() if self._free else _Slot(self)
        slot.context, slot.lost_at = context, lost
        self._busy[id(slot)] = slot
        if type(request) is Bare:
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
        """Take an outcome; the slot is free for another fetch."""
        self._timers.stop(slot.timer)
        del self._busy[id(slot)]
        context, slot.context = slot.context, None
        self._free.append(slot)
        return self._settled(context, response, error)

    def _sweep(self, now: float) -> None:
        for slot in [slot for slot in self._busy.values() if slot.lost_at <= now]:
            # Should it be called after all, it must not be for another request.
            slot.destroy()
            del self._busy[id(slot)]
        self._sweep_at = max(_SWEEP_AT, 2 * len(self._busy))


class Timers:
    """Abort signals that go off after a time, unless they are stopped.

    AbortSignal.timeout() cannot be stopped: it would cut off a long body in the middle.
    """

    def __init__(self) -> None:
        self._controller = js.AbortController.new
        self._bind_abort = js.Reflect.get(js.AbortController.prototype, "abort").bind
        self._set = js.setTimeout
        self._clear = js.clearTimeout
        self._options = fetch_options()

    def signal(self, seconds: float) -> tuple[Any, int]:
        """Return a signal that aborts after `seconds`, and what `stop` wants."""
        controller = self._controller()
        return controller.signal, self._start(controller, seconds)

    def abortable(self, seconds: float) -> tuple[Any, int, Any]:
        """Return options for a fetch, what `stop` wants, and what can abort it before its time."""
        controller = self._controller()
        self._options.signal = controller.signal
        return self._options, self._start(controller, seconds), controller

    def _start(self, controller: Any, seconds: float) -> Any:
        # Python's setTimeout passes no further arguments to its handler, and says nothing of it. A
        # function of JavaScript's own costs a timer half of what one of Python's does.
        return self._set(self._bind_abort(controller), seconds * 1000)

    def start(self, slot: _Slot, seconds: float) -> Any:
        """Let the fetch of a slot be aborted after `seconds`; return what `stop` wants."""
        slot.control(self._controller())
        return self._set(slot.ring, seconds * 1000)

    def stop(self, timer: int) -> None:
        self._clear(timer)


def fetch_options() -> Any:
    """Return the options of a client's fetch; they are read at the call, so one object serves all.

    A redirect is the client's to follow: followed here, its cookies would go to another host. A
    packed body stays as it is, and is not unpacked and packed again on its way through a stream
    (https://developers.cloudflare.com/workers/runtime-apis/request/).
    """
    return js_object(redirect="manual", signal=None, encodeResponseBody="manual")
