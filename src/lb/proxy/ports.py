"""The port that sends a request to an origin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lb.proxy.plan import Attempt
    from lb.request.outcomes import Answered, Outcome


class Transport(Protocol):
    """Sends one client request to origins. It knows the request; an attempt says where to."""

    async def send(self, attempt: Attempt) -> Outcome:
        """Send the request and wait for the answer's headers, `attempt.timeout` at most.

        Never raises: what went wrong is the outcome. An attempt given up on is aborted, whether
        its time is over or the task that waits for it is cancelled.
        """

    def discard(self, answer: Answered) -> None:
        """Let go of an answer that the client will not see."""
