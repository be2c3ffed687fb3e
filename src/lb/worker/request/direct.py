"""Direct calls of the Worker's handler, without a task for each request."""

# The runtime looks the handler up in the main module for each request, and calls it with
# `callWithOptions({relaxed, promising}, ...)`: a hop through a timer, a stack that can suspend, and
# an inspection of the handler's signature (workerd, src/pyodide/internal/python_entrypoint). A
# handler that never suspends needs none of these. From the second request on, the module holds a
# proxy of the same handler whose callWithOptions calls at once; all else is the same
# (docs/decisions/entry-style.md).

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import js
from pyodide.ffi import create_proxy

if TYPE_CHECKING:
    from collections.abc import Callable

    Handler = Callable[[Any, Any, Any], Any]


def direct(handler: Handler, module: dict[str, Any], name: str) -> Handler:
    """Return a handler for `module[name]` that replaces itself by a proxy on the first request.

    A proxy is a JavaScript object, which the memory snapshot taken at deploy cannot hold.
    """

    def first(request: Any, env: Any, ctx: Any) -> Any:
        if module[name] is first:
            module[name] = _direct(handler)
        return handler(request, env, ctx)

    return first


def _direct(handler: Handler) -> Any:
    proxy = create_proxy(handler)
    # `call.bind(f)(options, ...arguments)` is `f.call(options, ...arguments)`: the options become
    # the receiver, which a Python function never sees, so they do not cross the language border.
    reflect = js.Reflect
    proxy.callWithOptions = reflect.get(js.Function.prototype, "call").bind(proxy)
    return proxy
