"""Renames origins in the headers of their answers (lb.proxy.own_name)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import js
from pyodide.ffi import to_js

from lb.proxy.own_name import REWRITES, SET_COOKIE
from lb.worker.request.runtime_facts import headers_reader

if TYPE_CHECKING:
    from lb.proxy.own_name import OwnName
    from lb.request.facts import RequestFacts

CONNECTION = "connection"
NAMES = (SET_COOKIE, *REWRITES, CONNECTION)
ONLY_CONNECTION = NAMES.index(CONNECTION)
"""Result of `first` if the answer has none of the headers with names."""


class OriginNames:
    """Made on the first request, as JavaScript objects are.

    To ask for one header costs a crossing of the language border, as much as to ask for many by an
    array's own method: `names.findIndex(has, headers)` calls `headers.has(name, index, names)`,
    whose surplus arguments are ignored. Most answers have none of these headers.
    """

    def __init__(self) -> None:
        reflect = js.Reflect
        self.first = to_js(list(NAMES)).findIndex
        """Takes `has` and headers; returns the index of the first of NAMES in them, -1 = none."""
        self.has = reflect.get(js.Headers.prototype, "has")
        self._read = headers_reader(NAMES)

    def rename(self, headers: Any, own: OwnName, facts: RequestFacts) -> str:
        """Rename an origin in the headers of its answer; return the Connection header."""
        values = dict(zip(NAMES, self._read(headers).split("\n"), strict=True))
        for name, value in own.headers(values, facts):
            headers.set(name, value)
        if own.may_change_cookies(values[SET_COOKIE]):
            cookies = own.cookies(list(headers.getSetCookie()))
            if cookies is not None:
                headers.delete(SET_COOKIE)
                for cookie in cookies:
                    headers.append("Set-Cookie", cookie)
        return values[CONNECTION]
