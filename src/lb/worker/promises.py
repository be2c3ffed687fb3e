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


class _Call:
    """A fetch whose arguments stay in JavaScript; only what differs is put into them."""

    def __init__(self) -> None:
        reflect = js.Reflect
        self.options = fetch_options()
        self.arguments = to_js([None, self.options])
        fetch = reflect.apply.bind(reflect, js.fetch, js.globalThis, self.arguments)
        self._getter = js_object(get=fetch)
        # `js.Promise.prototype.then` would be Python's own method of that name.
        self._then = reflect.get(js.Promise.prototype, "then")

    def followed_by(self, callbacks: Any) -> Any:
        """Return what, applied (Fetches), fetches and has the outcome told to one of two."""
        attach = to_js([self._then, None, callbacks])
        js.Object.defineProperty(attach, "1", self._getter)
        return to_js([attach])


class _Slot:
    """What JavaScript calls back for one fetch at a time; made once, as proxies are expensive."""

    __slots__ = ("_fetches", "bare", "context", "lost_at", "proxies", "timer", "whole")

    def __init__(self, fetches: Fetches) -> None:
        self._fetches = fetches
        self.context: Any = None
        self.timer: Any = None
        self.lost_at = 0.0
        self.proxies = [create_proxy(f) for f in (self._fulfilled, self._rejected)]
        callbacks = to_js(self.proxies)
        self.whole = fetches.whole.followed_by(callbacks)
        self.bare = fetches.bare.followed_by(callbacks)

    def destroy(self) -> None:
        """Make sure that nobody calls back any more."""
        for proxy in self.proxies:
            proxy.destroy()

    def _fulfilled(self, response: Any) -> Any:
        return self._fetches.end(self, response, None)

    def _rejected(self, error: Any) -> Any:
        return self._fetches.end(self, None, error)


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
        self.whole = _Call()
        """Of requests that are made as such."""
        self.bare = _Call()
        self._method = ""
        """Of the latest bare one."""
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
            call, follow = self.bare, slot.bare
            url, method, call.options.headers = request
            if method != self._method:
                self._method = call.options.method = method
            call.arguments[0] = url
        else:
            call, follow = self.whole, slot.whole
            call.arguments[0] = request
        call.options.signal, slot.timer = self._timers.signal(seconds)
        return self._from(follow, self._apply)[0]

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

    def stop(self, timer: int) -> None:
        self._clear(timer)


def fetch_options() -> Any:
    """Return the options of a client's fetch; they are read at the call, so one object serves all.

    A redirect is the client's to follow: followed here, its cookies would go to another host. A
    packed body stays as it is, and is not unpacked and packed again on its way through a stream
    (https://developers.cloudflare.com/workers/runtime-apis/request/).
    """
    return js_object(redirect="manual", signal=None, encodeResponseBody="manual")
