"""Causes of failed probes, in Cloudflare's words, from errors of the runtime and the edge."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

from lb.probing.probe import ProbeFailure
from lb.request.edge_answers import Barrier

if TYPE_CHECKING:
    from collections.abc import Mapping


class Phase(Enum):
    """How far a probe got."""

    ASKING = "an HTTP request was sent, or its connection was being made"
    READING = "the answer's body was read"
    CONNECTING = "a TCP connection was being made"
    TALKING = "a TCP connection was there"


class Sign(Enum):
    """How the runtime's error is recognised."""

    ABORTED = "AbortError"
    LOST = "Network connection lost."
    REFUSED = "proxy request failed, cannot connect to the specified address"
    TYPE = "TypeError"
    OTHER = ""


# Observed on workerd 1.20261117. LOST while asking: a connection refused, reset or closed, or a
# response that is not HTTP. REFUSED: also an unknown name or a failed TLS handshake. A fetch
# reports both of these as "internal error; reference = ...", which is no better than OTHER.
FAILURES: Mapping[Phase, Mapping[Sign, ProbeFailure]] = {
    Phase.ASKING: {
        Sign.ABORTED: ProbeFailure.TIMEOUT,
        Sign.LOST: ProbeFailure.CONNECTION,
        Sign.REFUSED: ProbeFailure.CONNECTION,
        Sign.TYPE: ProbeFailure.CONFIG,
        Sign.OTHER: ProbeFailure.OTHER,
    },
    Phase.READING: {
        Sign.ABORTED: ProbeFailure.TIMEOUT,
        Sign.LOST: ProbeFailure.RESET,
        Sign.REFUSED: ProbeFailure.OTHER,
        Sign.TYPE: ProbeFailure.INVALID,
        Sign.OTHER: ProbeFailure.OTHER,
    },
    Phase.CONNECTING: {
        Sign.ABORTED: ProbeFailure.TCP_TIMEOUT,
        Sign.LOST: ProbeFailure.CONNECTION,
        Sign.REFUSED: ProbeFailure.CONNECTION,
        Sign.TYPE: ProbeFailure.CONFIG,
        Sign.OTHER: ProbeFailure.OTHER,
    },
    Phase.TALKING: {
        Sign.ABORTED: ProbeFailure.TCP_TIMEOUT,
        Sign.LOST: ProbeFailure.RESET,
        Sign.REFUSED: ProbeFailure.CONNECTION,
        Sign.TYPE: ProbeFailure.OTHER,
        Sign.OTHER: ProbeFailure.OTHER,
    },
}

CACHED = (
    "Answered from Cloudflare's cache, so the origin was not asked: "
    "exclude the monitor's path from caching with a cache rule"
)
"""Cause of an inconclusive verdict."""

BARRIER_CAUSES: Mapping[Barrier, str] = {
    Barrier.CHALLENGE: (
        "Cloudflare's edge answered with a challenge page in place of the origin: "
        "exempt Evenkeel's requests from the rules of the origin's zone, "
        "or turn Bot Fight Mode off there"
    ),
    Barrier.ACCESS: (
        "Cloudflare Access answered with its log-in page in place of the origin: "
        "remove the hostname from Access, or add a policy that lets Evenkeel's requests pass"
    ),
}

# Behind Cloudflare's edge, a failure arrives as an answer of the edge. The same signature have
# answers that a Worker at the origin's hostname makes by itself.
# https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
_REDIRECTED = (
    "Response code mismatch: Cloudflare's edge redirected the probe "
    "(Always Use HTTPS, or a redirect rule of the origin's zone)"
)
_FAILED = "Cloudflare's edge, or a Worker at the origin's hostname, failed"
EDGE_CAUSES: Mapping[int, str] = {
    **dict.fromkeys((301, 302, 303, 307, 308), _REDIRECTED),
    403: (
        "Cloudflare's edge, or a Worker at the origin's hostname, refused the probe: "
        "look for a WAF rule, Bot Fight Mode or Access in the security events of the origin's zone"
    ),
    429: (
        "Cloudflare's edge, or a Worker at the origin's hostname, limits the rate of requests: "
        "exempt Evenkeel's requests from the rate limiting rules of the origin's zone"
    ),
    500: _FAILED,
    502: "Bad gateway: Cloudflare's edge, or cloudflared, cannot reach the origin's service",
    503: _FAILED,
    504: "Gateway time-out: the origin's service did not answer Cloudflare's edge, or cloudflared",
    520: ProbeFailure.INVALID.value,
    521: ProbeFailure.CONNECTION.value,
    522: ProbeFailure.TCP_TIMEOUT.value,
    523: "No route to host",
    524: ProbeFailure.TIMEOUT.value,
    525: "TLS Handshake Failure",
    526: "TLS untrusted certificate",
    # A tunnel that is down (1033) or an unknown name (1016): the status is the same.
    530: "No route to host",
}
"""Causes of answers of the edge by their status."""

OTHER_EDGE_CAUSE = "Response code mismatch: Cloudflare's edge answered in place of the origin"

# A client that does not ask for HTML gets `error code: 1033` as the whole body.
# https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-1xxx-errors/
# https://developers.cloudflare.com/workers/observability/errors/
EDGE_ERRORS: Mapping[int, str] = {
    1003: "the origin's address must be a hostname",
    1010: "Browser Integrity Check refused the User-Agent",
    1015: "a rate limiting rule",
    1016: "the hostname does not resolve",
    1020: "a WAF rule",
    1027: "the Worker there has used up its requests of the day",
    1033: "the tunnel is down",
    1042: "a Worker cannot fetch another Worker of its zone",
    1101: "the Worker there threw an exception",
    1102: "the Worker there exceeded a limit",
}
"""Errors that Cloudflare's edge names in the body, beyond the status."""

ERROR_BYTES = 64
"""Bytes of a body in which the edge names its error."""

_ERROR = re.compile(rb"error code: (\d{4})\b")


def edge_cause(status: int, body: bytes) -> str:
    """Return the cause of a failed probe that Cloudflare's edge answered."""
    cause = EDGE_CAUSES.get(status, OTHER_EDGE_CAUSE)
    named = _ERROR.match(body[:ERROR_BYTES])
    error = int(named[1]) if named else 0
    return f"{cause} ({error}: {EDGE_ERRORS[error]})" if error in EDGE_ERRORS else cause


def failure_of(phase: Phase, name: str, message: str) -> ProbeFailure:
    """Return the cause of an error of the runtime, by its name and message."""
    return FAILURES[phase][_sign(name, message)]


def timed_out(phase: Phase) -> ProbeFailure:
    """Return the cause of a time-out in this phase."""
    return FAILURES[phase][Sign.ABORTED]


def ended(phase: Phase) -> ProbeFailure:
    """Return the cause of a connection that the other side ended in this phase."""
    return FAILURES[phase][Sign.LOST]


def _sign(name: str, message: str) -> Sign:
    for sign in (Sign.ABORTED, Sign.TYPE):
        if name == sign.value:
            return sign
    for sign in (Sign.LOST, Sign.REFUSED):
        if message.startswith(sign.value):
            return sign
    return Sign.OTHER
