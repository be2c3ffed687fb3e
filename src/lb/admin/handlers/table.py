"""Answers operators inside the Durable Object: which path is whose."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lb.admin.api import handle as cloudflare
from lb.admin.calls import Answer, Refusal, Result, enveloped, refused
from lb.admin.handlers.actions import act
from lb.admin.handlers.metrics import metrics
from lb.admin.handlers.status import status
from lb.admin.handlers.versions import adopt, apply, export, versions
from lb.admin.who.ended_sessions import refusal_of, session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lb.admin.calls import Call
    from lb.admin.handlers.context import HandlerContext

    Handler = Callable[[HandlerContext, Call], Answer | Result | Refusal]

NO_ROUTE = 7003
"""Cloudflare's code for a path that leads nowhere."""
READ_ONLY = 10000
SAFE = frozenset({"GET", "HEAD"})


HANDLERS: Mapping[str, Handler] = {
    "actions": act,
    "adopt": adopt,
    "apply": apply,
    "client": cloudflare,
    "export": export,
    "metrics": metrics,
    "session": session,
    "status": status,
    "versions": versions,
}
"""By the first step of the path."""


def answer(context: HandlerContext, call: Call) -> Answer:
    """Return the answer to a call whose sender the edge knows."""
    if call.method not in SAFE and not call.may_write:
        return enveloped(refused(403, READ_ONLY, "this token may only read"))
    ended = refusal_of(context, call)
    if ended is not None:
        return enveloped(ended)
    handler = HANDLERS.get(call.path.split("/", 2)[1])
    if handler is None:
        return enveloped(refused(404, NO_ROUTE, f"there is nothing at {call.path}"))
    outcome = handler(context, call)
    answer = outcome if isinstance(outcome, Answer) else enveloped(outcome)
    return replace(answer, version=context.store.version)
