"""Request bodies that are read before the request is sent."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from lb.log_events import Refusal
from lb.proxy.steps import Refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lb.proxy.plan import Plan

LOOKS_FOR = 1.0
"""Seconds to wait for the end of a body of unknown length, before it is passed on as it comes: an
application may answer while its client still sends."""

PLAN_LASTS = 0.1
"""Seconds after which a request whose body was read is planned anew: health may have changed."""


class Upload(Enum):
    """How the reading of a request's body has ended."""

    WHOLE = "the whole body is kept"
    GOES_ON = "a body of unknown length goes on, and is passed on as it comes"
    SLOW = "the client did not send it in time"
    BROKEN = "the client broke it off"


# Total over Upload. 408: https://www.rfc-editor.org/rfc/rfc9110#section-15.5.9
REFUSALS: Mapping[Upload, tuple[int, Refusal] | None] = {
    Upload.WHOLE: None,
    Upload.GOES_ON: None,
    Upload.SLOW: (408, Refusal.SLOW_BODY),
    Upload.BROKEN: (400, Refusal.BROKEN_BODY),
}


def is_outdated(plan: Plan, upload: Upload, now: float) -> bool:
    """Whether a request must be planned anew after its body was read."""
    return now - plan.started > PLAN_LASTS or (plan.peeks_body and upload is Upload.WHOLE)


def refusal_of(upload: Upload, plan: Plan) -> Refuse | None:
    """Return the refusal of a request whose body was not read; None = it goes on."""
    found = REFUSALS[upload]
    if found is None:
        return None
    return Refuse(*found, headers=plan.serving.lb.response_headers.set)
