"""Outcomes of attempts, and their judgement: whether the origin has failed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Cause(Enum):
    """Why an attempt has no answer."""

    CONNECTION = "connection failed"
    TIMEOUT = "no answer in time"
    STATUS = "answered with no status of HTTP"
    UPLOAD = "connection failed or timed out during an upload"
    CLIENT = "the client went away"


# A client that breaks off a streamed upload, or sends it too slowly, makes the attempt fail as an
# origin would. If that counted, a client could eject all origins.
BLAMES_ORIGIN: Mapping[Cause, bool] = {
    Cause.CONNECTION: True,
    Cause.TIMEOUT: True,
    Cause.STATUS: True,
    Cause.UPLOAD: False,
    Cause.CLIENT: False,
}


@dataclass(slots=True)
class Answered:
    """An answer of the origin. `handle`: the response of the runtime, opaque to decisions."""

    status: int
    header: Callable[[str], str]
    """Returns a header of the answer by its lower-case name; "" = missing."""
    handle: object


@dataclass(frozen=True, slots=True)
class Failed:
    """An attempt without an answer."""

    cause: Cause


Outcome = Answered | Failed

ABORTED = "AbortError"
"""Name of the error of a fetch that was aborted by its signal, after its time-out."""


def rejected(error: str, *, uploading: bool) -> Failed:
    """Return the outcome of a fetch that was rejected with an error of this name.

    The runtime reveals no more: not even whether the client or the origin is at fault.
    `uploading`: whether the body was streamed from the client.
    """
    if uploading:
        return Failed(Cause.UPLOAD)
    return Failed(Cause.TIMEOUT if error == ABORTED else Cause.CONNECTION)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an outcome means for the origin and the request."""

    failed: bool
    cause: str = ""
    unreached: bool = False
    """Whether the origin certainly did not get the request."""
    blames_origin: bool = True
    """Whether a failure counts against the origin."""


# Statuses of Cloudflare's edge before it has sent anything to the origin: connection refused,
# unreachable, TLS handshake or certificate failed, name or tunnel not found. After 520, 522 and 524
# the origin may have the request.
# https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
UNREACHED = frozenset({521, 523, 525, 526, 530})


SWITCHING_PROTOCOLS = 101
"""Status of an answer that turns the connection into a WebSocket."""


_FINE = Judgement(failed=False)


def judge(retry_on: frozenset[int], outcome: Outcome) -> Judgement:
    """Return the judgement of an outcome; `retry_on`: statuses that count as failures."""
    if isinstance(outcome, Failed):
        return Judgement(
            failed=True,
            cause=outcome.cause.value,
            blames_origin=BLAMES_ORIGIN[outcome.cause],
        )
    if outcome.status not in retry_on:
        return _FINE
    return Judgement(failed=True, cause=f"status {outcome.status}", unreached=_unreached(outcome))


def _unreached(answer: Answered) -> bool:
    """Whether the edge could not reach the origin.

    The status alone proves nothing, because an origin may answer any.
    """
    return answer.status in UNREACHED and written_by_edge(answer.header)


def written_by_edge(header: Callable[[str], str]) -> bool:
    """Whether Cloudflare's edge wrote an answer in place of the origin.

    Answers of origins carry CF-Cache-Status; error pages of the edge do not
    (https://developers.cloudflare.com/cache/concepts/cache-responses/).
    """
    return (
        header("server").lower() == "cloudflare"
        and bool(header("cf-ray"))
        and not header("cf-cache-status")
    )
