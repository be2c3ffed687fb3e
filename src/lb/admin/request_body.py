"""Which request bodies are refused, and with what."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from lb.admin.calls import Refusal, refused
from lb.admin.codes import Code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.request.facts import RequestFacts

LARGEST_BODY = 1 << 20
"""Bytes."""

BODY_SECONDS = 10.0
"""Timeout of the whole body."""


class BodyProblem(Enum):
    """Why a body is refused."""

    TOO_LARGE = "too large"
    ENCODED = "encoded"
    TOO_SLOW = "too slow"
    CUT_OFF = "cut off"
    NOT_UTF8 = "not UTF-8"


REFUSALS: Mapping[BodyProblem, tuple[int, str]] = {
    BodyProblem.TOO_LARGE: (413, "the body is larger than {largest} bytes"),
    BodyProblem.ENCODED: (415, "send the body as it is, not packed"),
    BodyProblem.TOO_SLOW: (408, "the body was not there within {seconds:g} s"),
    BodyProblem.CUT_OFF: (400, "the body ended early"),
    BodyProblem.NOT_UTF8: (400, "the body is not UTF-8"),
}
"""Status and message."""


def announced_problem(facts: RequestFacts, largest: int) -> BodyProblem | None:
    """Return what the headers say is wrong with a body, before it is read.

    A Content-Length that fits proves nothing: the body is measured while it is read.
    """
    if (facts.content_length or 0) > largest:
        return BodyProblem.TOO_LARGE
    if facts.header("content-encoding").strip().lower() not in {"", "identity"}:
        return BodyProblem.ENCODED
    return None


def body_refusal(problem: BodyProblem, largest: int, seconds: float) -> Refusal:
    """Return the refusal of a body, given the limits that it was read with."""
    status, message = REFUSALS[problem]
    return refused(status, Code.GENERAL, message.format(largest=largest, seconds=seconds))
