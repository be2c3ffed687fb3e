"""Outcomes of attempts, and their judgement: whether the origin has failed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from lb.request.edge_answers import EdgePage, Writer, edge_page, from_cache, writer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Cause(Enum):
    """Why an attempt has no answer."""

    CONNECTION = "connection failed"
    TIMEOUT = "no answer in time"
    STATUS = "answered with no status of HTTP"
    UPLOAD = "connection failed or timed out during an upload"
    CLIENT = "the client went away"


class Evidence(Enum):
    """What the outcome of an attempt says about its origin."""

    NONE = "nothing: a client, a cache or Cloudflare's edge decided the outcome"
    GOOD = "it answers well"
    CONNECTION = "no connection, or no HTTP on it"
    TIMEOUT = "no answer in time"
    STATUS = "an answer with a status of retry_on"


# A client that breaks off a streamed upload, or sends it too slowly, makes the attempt fail as an
# origin would. If that counted, a client could eject all origins.
EVIDENCE: Mapping[Cause, Evidence] = {
    Cause.CONNECTION: Evidence.CONNECTION,
    Cause.TIMEOUT: Evidence.TIMEOUT,
    Cause.STATUS: Evidence.CONNECTION,
    Cause.UPLOAD: Evidence.NONE,
    Cause.CLIENT: Evidence.NONE,
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
    evidence: Evidence = Evidence.NONE


SWITCHING_PROTOCOLS = 101
"""Status of an answer that turns the connection into a WebSocket."""


_FINE = Judgement(failed=False, evidence=Evidence.GOOD)
_SAYS_NOTHING = Judgement(failed=False)

EDGE_SAYS: Mapping[EdgePage, Evidence] = {
    EdgePage.UNREACHED: Evidence.CONNECTION,
    EdgePage.NO_ANSWER: Evidence.CONNECTION,
    EdgePage.NOT_IN_TIME: Evidence.TIMEOUT,
    EdgePage.FAILED: Evidence.STATUS,
    EdgePage.OWN: Evidence.NONE,
}
"""What a page of Cloudflare's edge says about the origin."""


def judge(retry_on: frozenset[int], outcome: Outcome) -> Judgement:
    """Return the judgement of an outcome; `retry_on`: statuses that count as failures.

    An answer from a cache, or one that the edge wrote for reasons of its own, is no evidence for
    the origin or against it; its status decides whether the request is sent again.
    """
    if isinstance(outcome, Failed):
        evidence = EVIDENCE[outcome.cause]
        return Judgement(failed=True, cause=outcome.cause.value, evidence=evidence)
    status, header = outcome.status, outcome.header
    if status not in retry_on:
        # No page of the edge has such a status, and the header is the only one to read.
        if status < 300:
            return _SAYS_NOTHING if from_cache(header("cf-cache-status")) else _FINE
        return _FINE if writer_of(status, header) is Writer.ORIGIN else _SAYS_NOTHING
    return _failing(status, header)


def _failing(status: int, header: Callable[[str], str]) -> Judgement:
    writer, cause = writer_of(status, header), f"status {status}"
    if writer is Writer.ORIGIN:
        return Judgement(failed=True, cause=cause, evidence=Evidence.STATUS)
    cause = f"{cause} of {writer.value}"
    if writer is Writer.CACHE:
        return Judgement(failed=True, cause=cause)
    page = edge_page(status, header)
    return Judgement(
        failed=True,
        cause=cause,
        unreached=page is EdgePage.UNREACHED,
        evidence=EDGE_SAYS[page],
    )
