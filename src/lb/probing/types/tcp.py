"""The tcp monitor: a connection that is made in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.health.verdict import Verdict
from lb.probing.probe import Answer, ProbeFailure, SocketProbe
from lb.request.facts import host_of

if TYPE_CHECKING:
    from lb.model import Monitor, Origin
    from lb.probing.probe import Reply


def probe(monitor: Monitor, origin: Origin) -> SocketProbe:
    """Return the connection to `origin`."""
    return SocketProbe(
        host=host_of(origin.url.partition("://")[2]), port=monitor.port, timeout=monitor.timeout
    )


def judge(monitor: Monitor, reply: Reply) -> Verdict:
    """Return the verdict: a connection, and a dialogue without a complaint, pass."""
    del monitor
    if isinstance(reply, ProbeFailure):
        return Verdict(passed=False, cause=reply.value)
    if isinstance(reply, Answer) or reply.cause:
        cause = ProbeFailure.OTHER.value if isinstance(reply, Answer) else reply.cause
        return Verdict(passed=False, cause=cause)
    return Verdict(passed=True)
