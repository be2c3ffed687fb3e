"""Sessions of the status page that were ended early, kept until they would be over anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lb.admin.calls import Refusal, Result, refused
from lb.admin.who.sessions import LASTS

if TYPE_CHECKING:
    from lb.admin.calls import Call
    from lb.admin.handlers.context import HandlerContext

_TABLE = "CREATE TABLE IF NOT EXISTS ended_sessions (id TEXT PRIMARY KEY, until REAL NOT NULL)"
_INSERT = "INSERT OR REPLACE INTO ended_sessions (id, until) VALUES (?, ?)"
_FIND = "SELECT until FROM ended_sessions WHERE id = ?"
_DROP = "DELETE FROM ended_sessions WHERE until < ?"

_ENDED = refused(401, 10000, "Authentication error: this session was ended")


def refusal_of(context: HandlerContext, call: Call) -> Refusal | None:
    """Say that a call comes with a session that was ended; None for all others."""
    if not call.session:
        return None
    context.sql(_TABLE)
    return _ENDED if context.sql(_FIND, call.session) else None


def session(context: HandlerContext, call: Call) -> Result | Refusal:
    """Answer the edge: whether a session is good, or that it has been ended."""
    if call.path != "/session" or not call.session:
        return refused(404, 7003, f"there is nothing at {call.path}")
    if call.method == "DELETE":
        now = context.clock()
        context.sql(_TABLE)
        context.sql(_DROP, now)
        # No session lasts longer than from now on.
        context.sql(_INSERT, call.session, now + LASTS)
    return Result()
