"""Sessions of the status page that were ended early, kept until they would expire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.admin.auth.audience import SESSION_PATH
from lb.admin.auth.sessions import LASTS
from lb.admin.calls import Refusal, Result, refused
from lb.admin.codes import Code
from lb.admin.refusals import nothing_at

if TYPE_CHECKING:
    from lb.admin.calls import Call
    from lb.admin.handlers.context import HandlerContext

_TABLE = "CREATE TABLE IF NOT EXISTS ended_sessions (id TEXT PRIMARY KEY, until REAL NOT NULL)"
_INSERT = "INSERT OR REPLACE INTO ended_sessions (id, until) VALUES (?, ?)"
_FIND = "SELECT until FROM ended_sessions WHERE id = ?"
_DROP = "DELETE FROM ended_sessions WHERE until < ?"

_ENDED = refused(401, Code.AUTHENTICATION, "Authentication error: this session was ended")


def ended(context: HandlerContext, call: Call) -> Refusal | None:
    """Return the refusal of a call whose session was ended; None for all others."""
    if not call.session:
        return None
    context.sql(_TABLE)
    return _ENDED if context.sql(_FIND, call.session) else None


def session(context: HandlerContext, call: Call) -> Result | Refusal:
    """Answer an isolate: GET for a session that is valid, DELETE to end it."""
    if call.path != SESSION_PATH or not call.session:
        return nothing_at(call.path)
    if call.method == "DELETE":
        now = context.clock()
        context.sql(_TABLE)
        context.sql(_DROP, now)
        # A session that exists now expires within this time.
        context.sql(_INSERT, call.session, now + LASTS)
    return Result()
