"""The facts of a runtime's request, and the response of a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import js
from pyodide.ffi import jsnull, to_js

from lb.proxy.pages import page
from lb.request.facts import LONGEST_HEADER_READ, VIA, RequestFacts
from lb.worker.runtime import js_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lb.proxy.steps import Refuse


ALWAYS_READ = (VIA, "cookie", "cf-connecting-ip", "connection")
"""Headers that nearly every request needs; all are read at once."""

_BETWEEN = "\n"
"""Separator of their values; no header's value contains it (RFC 9110, 5.5)."""


class RuntimeFacts(RequestFacts):
    """The facts of a request of the runtime, where a missing header is a false value, not None.

    Methods take the place of the functions that other facts are given: making those for each
    request costs more than most requests use. `read` returns the values of `ALWAYS_READ` in one
    text.
    """

    def __init__(self, request: Any, read: Callable[[Any], str]) -> None:
        self.request = request
        self.request_headers = headers = request.headers
        self._take(request.method, request.url)
        self._known = dict(zip(ALWAYS_READ, read(headers).split(_BETWEEN), strict=False))

    def header(self, name: str) -> str:
        known = self._known.get(name)
        value = self._header(name) if known is None else known
        return value if isinstance(value, str) and len(value) <= LONGEST_HEADER_READ else ""

    def _header(self, name: str) -> str | None:
        value: str | None = self.request_headers.get(name)
        return value

    def _has_body(self) -> bool:
        return self.request.body is not jsnull

    def _cf(self, path: str) -> object:
        return _property(self.request.cf, path)

    def _headers(self) -> Iterable[tuple[str, str]]:
        return ((pair[0], pair[1]) for pair in self.request_headers)


def headers_reader(names: Iterable[str] = ALWAYS_READ) -> Callable[[Any], str]:
    """Return the function that reads headers, in two crossings of the language border.

    It returns their values in one text, with a line feed between them; a missing one is empty.

    The names' `map` calls `headers.get(name, index, names)`, whose surplus arguments are ignored.
    """
    reflect = js.Reflect
    each = to_js(list(names)).map
    get = reflect.get(js.Headers.prototype, "get")
    join = reflect.get(js.Function.prototype, "call").bind(reflect.get(js.Array.prototype, "join"))

    def read(headers: Any) -> str:
        joined: str = join(each(get, headers), _BETWEEN)
        return joined

    return read


def _property(cf: Any, path: str) -> object:
    """Return a property of Request.cf, by path; Request.cf itself may be missing."""
    for name in path.split("."):
        cf = getattr(cf, name, None)
    return cf


def refused(step: Refuse) -> Any:
    """Return the response of a request that the balancer answers itself."""
    status, pairs, body = page(step)
    headers = js.Headers.new()
    for name, value in pairs:
        headers.set(name, value)
    return js.Response.new(body or None, js_object(status=status, headers=headers))
