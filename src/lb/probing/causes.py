"""Causes of failed probes, in Cloudflare's words, from errors of the runtime and the edge."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from lb.probing.probe import ProbeFailure

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

# Behind Cloudflare's edge, a failure arrives as an answer of the edge:
# https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
EDGE_CAUSES: Mapping[int, str] = {
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
