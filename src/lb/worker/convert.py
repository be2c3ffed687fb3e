"""Requests and answers, from the runtime's words to ours and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import js
from pyodide.ffi import jsnull

from lb.facts import RequestFacts
from lb.pages import page
from lb.worker.runtime import js_object

if TYPE_CHECKING:
    from lb.failover import Refuse


def facts_of(request: Any) -> RequestFacts:
    """Return the facts of a request; a missing header arrives as a false value, not as None."""
    return RequestFacts(
        request.method,
        request.url,
        request.headers.get,
        lambda: request.body is not jsnull,
        lambda path: _property(request.cf, path),
        lambda: ((pair[0], pair[1]) for pair in request.headers),
    )


def _property(cf: Any, path: str) -> object:
    """Return a property of Request.cf, which may be missing itself."""
    for name in path.split("."):
        cf = getattr(cf, name, None)
    return cf


def refused(step: Refuse) -> Any:
    """Return the page of a request that the balancer answers itself."""
    status, pairs, body = page(step)
    headers = js.Headers.new()
    for name, value in pairs:
        headers.set(name, value)
    return js.Response.new(body or None, js_object(status=status, headers=headers))
