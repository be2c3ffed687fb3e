"""Clients that leave before they have an answer, as the runtime reports them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyodide.ffi import create_proxy

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 10_000
"""Most requests that are watched at once; the oldest go first, whose end was never reported."""


class Departures:
    """Requests whose clients are watched; made on the first request, as JavaScript objects are.

    The runtime ends a request whose client has gone, with all its promises, but first it aborts
    the request's signal (https://developers.cloudflare.com/workers/runtime-apis/request/, with the
    compatibility flag enable_request_signal). All signals share one listener, which finds the
    request by a number that the signal carries: a listener for each would cost more.
    """

    def __init__(self) -> None:
        self._watched: dict[int, Callable[[], None]] = {}
        self._number = 0
        self._listener = create_proxy(self._aborted)

    def watch(self, request: Any, left: Callable[[], None]) -> int:
        """Call `left` if the client leaves; return the number for `forget`, 0 = it is not told."""
        signal = request.signal
        if not signal:
            return 0
        if len(self._watched) >= MOST:
            del self._watched[next(iter(self._watched))]
        self._number = number = self._number + 1
        self._watched[number] = left
        signal.evenkeelNumber = number
        signal.addEventListener("abort", self._listener)
        return number

    def forget(self, number: int) -> None:
        """Stop watching a request, which has its answer."""
        self._watched.pop(number, None)

    def _aborted(self, event: Any) -> None:
        left = self._watched.pop(event.target.evenkeelNumber, None)
        if left is not None:
            left()
