"""Which handler of the Durable Object answers which path."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lb.admin.api import handle as cloudflare
from lb.admin.calls import SAFE, Answer, Refusal, Result, enveloped, refused
from lb.admin.codes import Code
from lb.admin.handlers.actions import actions
from lb.admin.handlers.ended_sessions import ended, session
from lb.admin.handlers.metrics import metrics
from lb.admin.handlers.status import status
from lb.admin.handlers.versions import adopt, apply, export, versions
from lb.admin.refusals import nothing_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lb.admin.calls import Call
    from lb.admin.handlers.context import HandlerContext

    Handler = Callable[[HandlerContext, Call], Answer | Result | Refusal]


HANDLERS: Mapping[str, Handler] = {
    "actions": actions,
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
    """Return the answer to a call whose sender is authenticated."""
    if call.method not in SAFE and not call.may_write:
        return enveloped(refused(403, Code.AUTHENTICATION, "this token may only read"))
    refusal = ended(context, call)
    if refusal is not None:
        return enveloped(refusal)
    handler = HANDLERS.get(call.path.split("/", 2)[1])
    if handler is None:
        return enveloped(nothing_at(call.path))
    outcome = handler(context, call)
    answer = outcome if isinstance(outcome, Answer) else enveloped(outcome)
    return replace(answer, version=context.store.version)
