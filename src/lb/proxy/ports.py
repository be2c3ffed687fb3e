"""The port through which requests are sent to origins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lb.proxy.plan import Attempt
    from lb.request.outcomes import Answered, Outcome


class Transport(Protocol):
    """Sends one client request to origins. It holds the request; an attempt names the origin."""

    async def send(self, attempt: Attempt) -> Outcome:
        """Send the request and wait for the headers of the answer, `attempt.timeout` at most.

        Never raises: a failure is an outcome. The fetch is aborted after the time-out, and when
        the task that awaits it is cancelled.
        """

    def discard(self, answer: Answered) -> None:
        """Release an answer that the client does not get."""
