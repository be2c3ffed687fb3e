"""Lets the runtime call the Worker's handler without a task of its own for each request.

The runtime looks the handler up in the main module for each request, and calls what it finds with
`callWithOptions({relaxed, promising}, ...)`: a hop through a timer, a new stack that could be
suspended, and a look at the handler's signature (workerd, src/pyodide/internal/python_entrypoint).
A handler that suspends nothing needs none of these. After the first request the module holds the
proxy of the very same handler, which differs in this one method alone: it calls at once. Whatever
else a runtime may do with a handler works as ever (docs/decisions/entry-style.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import js
from pyodide.ffi import create_proxy

if TYPE_CHECKING:
    from collections.abc import Callable

    Handler = Callable[[Any, Any, Any], Any]


def direct(handler: Handler, module: dict[str, Any], name: str) -> Handler:
    """Return a handler for `module[name]` that puts its better self there on the first request.

    Not before: at the top level there may be no object of JavaScript (promises.py).
    """

    def first(request: Any, env: Any, ctx: Any) -> Any:
        if module[name] is first:
            module[name] = _direct(handler)
        return handler(request, env, ctx)

    return first


def _direct(handler: Handler) -> Any:
    proxy = create_proxy(handler)
    # `call.bind(f)(options, ...arguments)` is `f.call(options, ...arguments)`: the options become
    # what a function of Python's never sees, and need not be brought over the border.
    reflect = js.Reflect
    proxy.callWithOptions = reflect.get(js.Function.prototype, "call").bind(proxy)
    return proxy
