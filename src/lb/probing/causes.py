"""Why a probe failed: what the runtime and Cloudflare's edge tell, in Cloudflare's words."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from lb.probing.probe import ProbeFailure

if TYPE_CHECKING:
    from collections.abc import Mapping


class Phase(Enum):
    """How far a probe had come."""

    ASKING = "an HTTP request was sent, or its connection was being made"
    READING = "the answer's body was read"
    CONNECTING = "a TCP connection was being made"
    TALKING = "a TCP connection was there"


class Sign(Enum):
    """What the runtime's error looks like."""

    ABORTED = "AbortError"
    LOST = "Network connection lost."
    REFUSED = "proxy request failed, cannot connect to the specified address"
    TYPE = "TypeError"
    OTHER = ""


# Seen on workerd 1.20261117. LOST while asking is a refused connection, one that was reset or
# closed, or an answer that is no HTTP; REFUSED is also a name that is not known and a TLS handshake
# that failed. A fetch of such a name, or from such a server, says "internal error; reference = ..."
# for both, so that nothing better than OTHER can be said.
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

# Through Cloudflare's edge, what is wrong comes as an answer of the edge:
# https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
EDGE_CAUSES: Mapping[int, str] = {
    520: ProbeFailure.INVALID.value,
    521: ProbeFailure.CONNECTION.value,
    522: ProbeFailure.TCP_TIMEOUT.value,
    523: "No route to host",
    524: ProbeFailure.TIMEOUT.value,
    525: "TLS Handshake Failure",
    526: "TLS untrusted certificate",
    # A tunnel that is down (1033), or a name that is not known (1016); the number does not tell.
    530: "No route to host",
}


def failure_of(phase: Phase, name: str, message: str) -> ProbeFailure:
    """Return what an error of the runtime means."""
    return FAILURES[phase][_sign(name, message)]


def timed_out(phase: Phase) -> ProbeFailure:
    """Return what it means that a probe's time was over in this phase."""
    return FAILURES[phase][Sign.ABORTED]


def ended(phase: Phase) -> ProbeFailure:
    """Return what it means that the other side ended the connection in this phase."""
    return FAILURES[phase][Sign.LOST]


def _sign(name: str, message: str) -> Sign:
    for sign in (Sign.ABORTED, Sign.TYPE):
        if name == sign.value:
            return sign
    for sign in (Sign.LOST, Sign.REFUSED):
        if message.startswith(sign.value):
            return sign
    return Sign.OTHER
