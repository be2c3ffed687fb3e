"""The port through which requests are sent to origins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lb.proxy.steps import Attempt
    from lb.proxy.uploads import Upload
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


class BodyReader(Protocol):
    """Reads the body of one client request."""

    async def read_body(self, limit: int, seconds: float) -> Upload:
        """Read the request's body, so that each attempt can send it: before the first one.

        Of a body without a length, `limit` bytes are read at most, for `LOOKS_FOR`. Never raises.
        """
