"""Detects bodies that an origin cuts off on their way to a client."""

# The runtime pipes a body into a stream that the client's response reads from, and the promise of
# the pipe is rejected when the origin breaks off; no byte enters Python. When the client leaves,
# the runtime drops the request with its promises, so a rejection always means the origin. In a
# request that background work keeps alive the two look the same, so it must not be watched
# (docs/decisions/cut-off-answers.md).

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import js
from pyodide.ffi import create_proxy, to_js

from lb.proxy.cut_offs import UNKNOWN_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.model import LoadBalancer, Origin
    from lb.proxy.cut_offs import CutOffs
    from lb.proxy.plan import Plan
    from lb.proxy.steps import Deliver

    Header = Callable[[str], str]


class _Callbacks(NamedTuple):
    """Callbacks of one origin, made once: for each body they would cost more than all the rest."""

    whole: Any
    cut: Any


class BodyWatch:
    """Pipes bodies and reports their ends; made on the first request, as JavaScript objects are."""

    def __init__(self, cut_offs: CutOffs) -> None:
        reflect = js.Reflect
        # A promise inside an array is not turned into a future (see fetches.py).
        self._apply = reflect.apply.bind(reflect, reflect.apply, None)
        self._from = getattr(js.Array, "from")
        self._pipe_to = reflect.get(js.ReadableStream.prototype, "pipeTo")
        self._then = reflect.get(js.Promise.prototype, "then")
        self._catch = reflect.get(js.Promise.prototype, "catch")
        self._bind = reflect.get(js.Function.prototype, "bind")
        self._of_length = js.FixedLengthStream.new
        self._of_any_length = js.IdentityTransformStream.new
        self._cut_offs = cut_offs
        self._callbacks: dict[tuple[str, str, str], _Callbacks] = {}

    def watched(self, plan: Plan, step: Deliver, header: Header, body: Any, now: float) -> Any:
        """Return the body to deliver: a piped one, or the answer's own if it is not watched."""
        origin = step.origin
        length = self._cut_offs.length_to_watch(plan, origin, header, now)
        if length is None:
            return body
        # A stream of known length keeps the answer's Content-Length.
        stream = self._of_any_length() if length == UNKNOWN_LENGTH else self._of_length(length)
        piped = self._from(to_js([[self._pipe_to, body, [stream.writable]]]), self._apply)[0]
        lb, path = plan.serving.lb, plan.path
        callbacks = self._callbacks_of(lb, origin)
        if self._cut_offs.concerns(lb, origin, path, now):
            both = self._bound(path, callbacks.whole, callbacks.cut)
            self._from(to_js([[self._then, piped, both]]), self._apply)
        else:
            # [f].map(promise.catch, promise) calls promise.catch(f).
            self._bound(path, callbacks.cut).map(self._catch, piped)
        return stream.readable

    def _bound(self, path: str, *callbacks: Any) -> Any:
        """Return a JavaScript array of callbacks that take the path as their first argument.

        An array, because the runtime crashes if a bound function comes to Python.
        """
        calls = [[self._bind, one, [None, path]] for one in callbacks]
        return self._from(to_js(calls), self._apply)

    def _callbacks_of(self, lb: LoadBalancer, origin: Origin) -> _Callbacks:
        key = (lb.name, *origin.key)
        made = self._callbacks.get(key)
        if made is None:
            ended = self._cut_offs.ended
            whole = create_proxy(lambda path, _: ended(lb, origin, path, whole=True))
            cut = create_proxy(lambda path, _: ended(lb, origin, path, whole=False))
            made = self._callbacks[key] = _Callbacks(whole, cut)
        return made
