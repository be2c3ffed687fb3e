"""What comes of an attempt, and what that says of its origin."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Cause(Enum):
    """Why an attempt brought no answer."""

    CONNECTION = "connection failed"
    TIMEOUT = "no answer in time"
    STATUS = "answered with no status of HTTP"
    UPLOAD = "connection failed or timed out during an upload"
    CLIENT = "the client went away"


# A client that breaks off a streamed upload, or sends it too slowly, makes the attempt fail just as
# an origin would; who could eject origins like this would have a switch to turn them all off.
BLAMES_ORIGIN: Mapping[Cause, bool] = {
    Cause.CONNECTION: True,
    Cause.TIMEOUT: True,
    Cause.STATUS: True,
    Cause.UPLOAD: False,
    Cause.CLIENT: False,
}


@dataclass(slots=True)
class Answered:
    """The origin answered. `handle` is the runtime's response, which no decision looks into."""

    status: int
    header: Callable[[str], str]
    """Answers a lower-case name with the answer's header, or ""."""
    handle: object


@dataclass(frozen=True, slots=True)
class Failed:
    """No answer came."""

    cause: Cause


Outcome = Answered | Failed

ABORTED = "AbortError"
"""The name of the error of a fetch whose signal aborted it: the attempt's time was over."""


def rejected(error: str, *, uploading: bool) -> Failed:
    """Return the outcome of a fetch that was rejected with an error of this name.

    The runtime tells no more, least of all whose doing it was. `uploading`: whether the client's
    body was passed on as it came.
    """
    if uploading:
        return Failed(Cause.UPLOAD)
    return Failed(Cause.TIMEOUT if error == ABORTED else Cause.CONNECTION)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an outcome says of the origin, and of the request that it was sent."""

    failed: bool
    cause: str = ""
    unreached: bool = False
    """The origin provably did not get the request."""
    blames_origin: bool = True
    """Whether a failure counts against the origin."""


# Answers of Cloudflare's edge that are given before anything was sent to the origin: connection
# refused, unreachable, TLS handshake or certificate failed, name or tunnel not found. 520, 522 and
# 524 may come after the origin got the request.
# https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/
UNREACHED = frozenset({521, 523, 525, 526, 530})


SWITCHING_PROTOCOLS = 101
"""The status of an answer that makes the connection a WebSocket."""


_FINE = Judgement(failed=False)


def judge(retry_on: frozenset[int], outcome: Outcome) -> Judgement:
    """Say whether an outcome is a failure of the origin."""
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
    """Whether the edge says that it could not reach the origin.

    An origin may answer any status on its own, so the number alone proves nothing.
    """
    return answer.status in UNREACHED and written_by_edge(answer.header)


def written_by_edge(header: Callable[[str], str]) -> bool:
    """Whether Cloudflare's edge wrote an answer itself, in place of the origin.

    An answer that came through the edge from an origin carries CF-Cache-Status, an error page of
    the edge does not (https://developers.cloudflare.com/cache/concepts/cache-responses/).
    """
    return (
        header("server").lower() == "cloudflare"
        and bool(header("cf-ray"))
        and not header("cf-cache-status")
    )
