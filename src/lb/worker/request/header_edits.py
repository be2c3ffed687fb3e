"""Header edits on the runtime's Headers, with few crossings of the language border."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import js
from pyodide.ffi import to_js

from lb.proxy.header_batches import batches

if TYPE_CHECKING:
    from collections.abc import Callable

    from lb.proxy.forwarding import Edits, Fixed

    Each = Callable[[Any, Any], None]

MOST_KEPT = 10_000
"""Edits that are kept as JavaScript collections; beyond that all are made anew."""


class HeaderEditor:
    """Applies edits; made on the first request, as JavaScript objects are.

    Each call of a JavaScript method costs a crossing. Edits that many requests share are kept as
    JavaScript collections, whose forEach makes all calls in one crossing: on an array of names it
    calls `headers.delete(name, index, array)`, on a map `headers.set(value, key, map)`, where the
    map's value is the header's name. Surplus arguments are ignored.
    """

    def __init__(self) -> None:
        reflect = js.Reflect
        self._delete = reflect.get(js.Headers.prototype, "delete")
        self._set = reflect.get(js.Headers.prototype, "set")
        # Take the headers as first argument: a method looked up on each Headers would be one more
        # object to bring over the border.
        call = reflect.get(js.Function.prototype, "call")
        self._delete_in = call.bind(self._delete)
        self._set_in = call.bind(self._set)
        self.get = call.bind(reflect.get(js.Headers.prototype, "get"))
        self._kept: dict[Fixed, tuple[Each | None, tuple[Each, ...]]] = {}

    def apply(self, edits: Edits, headers: Any) -> None:
        """Edit headers in place."""
        fixed, to_remove, to_set, to_append = edits
        kept = self._kept.get(fixed)
        if kept is None:
            kept = self._keep(fixed)
        delete_each, set_each = kept
        for name in to_remove:
            self._delete_in(headers, name)
        if delete_each is not None:
            delete_each(self._delete, headers)
        for name, value in to_set:
            self._set_in(headers, name, value)
        for each in set_each:
            each(self._set, headers)
        for name, value in to_append:
            headers.append(name, value)

    def _keep(self, fixed: Fixed) -> tuple[Each | None, tuple[Each, ...]]:
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        delete_each = to_js(list(fixed.remove)).forEach if fixed.remove else None
        set_each = tuple(js.Map.new(to_js(part)).forEach for part in batches(fixed.set))
        self._kept[fixed] = kept = (delete_each, set_each)
        return kept
